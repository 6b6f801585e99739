/** The seam of a text format: one line in, a row or hints of the batch out. Recorded files and files that are followed use the same. */
import type { FlowBatch } from '../../model/flow.ts'
import { type Hint, MAX_HINTS } from '../../model/hint.ts'

/** Why a line was refused, null when it was taken (or says nothing to us); `file` = the rest of the file is refused with it. */
export type Refused = { readonly why: string; readonly scope: 'line' | 'file' } | null

export type LineRows = {
  /** Puts what the line says into row `batch.count` and `batch.hints`; at most one row. */
  take(batch: FlowBatch, bytes: Buffer, from: number, to: number): Refused
  /** Lines of kinds that are not for us, kind → how many; and hints there was no room for under `hints`. */
  readonly passed: ReadonlyMap<string, number>
}

export const refusedLine = (why: string): Refused => ({ why, scope: 'line' })
export const refusedFile = (why: string): Refused => ({ why, scope: 'file' })

/** Kinds come from files, that is from anybody: only so many are told apart. */
const MAX_KINDS = 200

export function countKind(kinds: Map<string, number>, kind: string): void {
  const known = kinds.has(kind) || kinds.size < MAX_KINDS ? kind : 'other'
  kinds.set(known, (kinds.get(known) ?? 0) + 1)
}

export function giveHint(batch: FlowBatch, hint: Hint, passed: Map<string, number>): void {
  if (batch.hints.length < MAX_HINTS) batch.hints.push(hint)
  else countKind(passed, 'hints')
}
