/** A record of the ledger in words: whose it was, what it was about, and where that opens. */
import type { AuditRecord } from '../../nouns.ts'
import { paths } from '../../paths.ts'

export type { DecisionRecord } from '../../../../src/model/records.ts'
export type Verified =
  | { readonly ok: true; readonly rows: number; readonly head: string }
  | { readonly ok: false; readonly at: number; readonly why: string }

export type Row = AuditRecord & { readonly id: string }

/** The page of the object, when it has one. */
export function placeOf({ action, object }: Pick<AuditRecord, 'action' | 'object'>): string | null {
  if (/^w_/.test(object)) return paths.workload(object)
  if (/^pl?_/.test(object) && action.startsWith('plan.')) return paths.plan(object)
  if (/^persona\b/.test(action)) return paths.persona(object.replace(/^Persona\//, ''))
  if (/^policy\b/.test(action)) return paths.policy(object.replace(/^Policy\//, ''))
  return null
}

/** `9f3c71ab…02d4`: enough to compare by eye. */
export function shortHash(hash: string): string {
  return hash.length <= 16 ? hash : `${hash.slice(0, 8)}…${hash.slice(-4)}`
}

const SPANS_MS = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000 } as const
export const SPANS = ['any', '1h', '24h', '7d', '30d'] as const
export type Span = (typeof SPANS)[number]
export function spanMs(span: Span): number | null {
  return span === 'any' ? null : SPANS_MS[span]
}
