/**
 * One AES-256-GCM key per person, wrapped by the key-encryption key. Personal text in the ledger is sealed with it before
 * the row is hashed, so destroying the key makes the text unreadable and leaves the chain whole.
 */
import { randomBytes } from 'node:crypto'
import { personOf } from '../model/actor.ts'
import { type KeyFiles, open, seal } from './key-files.ts'
import type { Context, Tx } from './record-context.ts'

export const FORGOTTEN = '[forgotten]'

export type Sealed = { readonly sealed: string; readonly by: string }
export type SubjectKey = { readonly id: string; readonly key: Buffer }

/** The person behind an actor, or null: `agent:ID` and `guise` itself are machines. */
export function subjectOf(actor: string): string | null {
  return actor === 'guise' || actor.startsWith('agent:') ? null : personOf(actor)
}

/** The subject's live key, made when there is none. `for share`: a key in use cannot be destroyed under the writer. */
export async function subjectKey(context: Context, tx: Tx, tenant: string, person: string): Promise<SubjectKey> {
  const subject = context.keys.pseudonym(tenant, person)
  for (;;) {
    const row = await tx
      .selectFrom('subject_keys')
      .select(['id', 'wrapped'])
      .where('tenant', '=', tenant)
      .where('subject', '=', subject)
      .forShare()
      .executeTakeFirst()
    if (row?.wrapped) return { id: row.id, key: context.keys.unwrap(row.wrapped, `${tenant}\0${row.id}`) }
    const id = randomBytes(12).toString('base64url')
    const wrapped = context.keys.wrap(randomBytes(32), `${tenant}\0${id}`)
    await tx
      .insertInto('subject_keys')
      .values({ tenant, id, subject, wrapped, created_at: context.clock(), destroyed_at: null })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

export function sealText({ id, key }: SubjectKey, text: string, label: string): Sealed {
  return { by: id, sealed: seal(key, Buffer.from(text), label).toString('base64url') }
}

export function isSealed(value: unknown): value is Sealed {
  return typeof value === 'object' && value !== null && 'sealed' in value && 'by' in value
}

/** Keys by id, of those that still exist. */
export async function keysById(context: Context, tenant: string, ids: readonly string[]): Promise<Map<string, Buffer>> {
  if (ids.length === 0) return new Map()
  const rows = await context.db
    .selectFrom('subject_keys')
    .select(['id', 'wrapped'])
    .where('tenant', '=', tenant)
    .where('id', 'in', [...new Set(ids)])
    .where('wrapped', 'is not', null)
    .execute()
  return new Map(rows.map((row) => [row.id, unwrapped(context.keys, tenant, row.id, row.wrapped!)]))
}

function unwrapped(keys: KeyFiles, tenant: string, id: string, wrapped: Buffer): Buffer {
  return keys.unwrap(wrapped, `${tenant}\0${id}`)
}

export function openText(keys: ReadonlyMap<string, Buffer>, value: Sealed, label: string): string {
  const key = keys.get(value.by)
  return key === undefined ? FORGOTTEN : open(key, Buffer.from(value.sealed, 'base64url'), label).toString()
}
