/** What is kept how long. The clock of database.ts calls it every few minutes; each call does a bounded amount of work. */
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Tables } from './tables.ts'

const DAY_MS = 86_400_000
export const CONVERSATIONS_KEPT_MS = DAY_MS
/** Rows per statement, and statements per table and call: the rest is for the next call. */
const CHUNK = 10_000
const ROUNDS_MAX = 50

type Kept = keyof typeof REMOVED_WHEN

/** The ledger, plans and shifts are kept for ever: they are the record. */
const REMOVED_WHEN = {
  workload_history: (now) => sql`at < ${now - 90 * DAY_MS}`,
  conversations: (now) => sql`last < ${now - CONVERSATIONS_KEPT_MS}`,
  evidence: (now) => sql`ends_at < ${now}`,
  idempotency_keys: (now) => sql`at < ${now - DAY_MS}`,
  sessions: (now) => sql`expires_at < ${now}`,
  agent_boots: (now) => sql`at < ${now - 7 * DAY_MS}`,
} as const satisfies Partial<Record<keyof Tables, (now: number) => RawBuilder<unknown>>>

/** Removes what is too old and says how many rows of each table went. Small statements, so no lock is held for long. */
export async function prune(db: Kysely<Tables>, now: number): Promise<Record<Kept, number>> {
  const removed = {} as Record<Kept, number>
  for (const [table, when] of Object.entries(REMOVED_WHEN) as [Kept, (now: number) => RawBuilder<unknown>][]) {
    removed[table] = 0
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const result = await sql`delete from ${sql.table(table)} where ctid = any (array(
        select ctid from ${sql.table(table)} where ${when(Math.trunc(now))} limit ${CHUNK}))`.execute(db)
      const rows = Number(result.numAffectedRows ?? 0n)
      removed[table] += rows
      if (rows < CHUNK) break
    }
  }
  return removed
}
