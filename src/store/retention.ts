/** What is kept how long. The clock of database.ts calls it every few minutes; each call does a bounded amount of work. */
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Tables } from './tables.ts'

const DAY_MS = 86_400_000
export const CONVERSATIONS_KEPT_MS = DAY_MS
/** Summed by the hour: what learnt rules rest on. */
export const CONVERSATION_HOURS_KEPT_MS = 14 * DAY_MS
/** Steps of five minutes: two weeks, as the season of a week needs; by the hour they are kept as long as what they sum. */
export const TRAFFIC_STEPS_KEPT_MS = 14 * DAY_MS
const HISTORY_KEPT_MS = 90 * DAY_MS
/** Since a workload was seen or told of last, while its agent went on telling of others (over.ts). */
export const WORKLOADS_KEPT_MS = 7 * DAY_MS
/** The same while nothing was heard of its agent: as long as its history. */
export const WORKLOADS_OF_ABSENT_KEPT_MS = HISTORY_KEPT_MS
const HOUR_MS = 3_600_000
/** Secrets that work once: so long it is said that one was used, or came too late, and not that it is unknown. */
const ONCE_KEPT_MS = DAY_MS
/** Rows per statement, and statements per table and call: the rest is for the next call. */
const CHUNK = 10_000
const ROUNDS_MAX = 50

type Kept = keyof typeof REMOVED_WHEN

/** The ledger, plans and shifts are kept for ever: they are the record. */
const REMOVED_WHEN = {
  workload_history: (now) => sql`at < ${now - HISTORY_KEPT_MS}`,
  conversations: (now) => sql`last < ${now - CONVERSATIONS_KEPT_MS}`,
  conversation_hours: (now) => sql`hour < ${now - CONVERSATION_HOURS_KEPT_MS}`,
  traffic_steps: (now) =>
    sql`(step_ms < ${HOUR_MS} and start < ${now - TRAFFIC_STEPS_KEPT_MS}) or (step_ms = ${HOUR_MS} and start < ${now - HISTORY_KEPT_MS})`,
  service_hours: (now) => sql`hour < ${now - HISTORY_KEPT_MS}`,
  evidence: (now) => sql`ends_at < ${now}`,
  idempotency_keys: (now) => sql`at < ${now - DAY_MS}`,
  tokens: (now) =>
    sql`left(id, 1) in ('e', 'f') and (spent_at < ${now - ONCE_KEPT_MS} or expires_at < ${now - ONCE_KEPT_MS})`,
  sessions: (now) => sql`expires_at < ${now}`,
  agent_boots: (now) => sql`at < ${now - 7 * DAY_MS}`,
} as const satisfies Partial<Record<keyof Tables, (now: number) => RawBuilder<unknown>>>

/** Removes what is too old and says how many rows of each table went. Small statements, so no lock is held for long. */
export async function prune(db: Kysely<Tables>, now: number): Promise<Record<Kept, number>> {
  const removed = {} as Record<Kept, number>
  for (const [table, when] of Object.entries(REMOVED_WHEN) as [Kept, (now: number) => RawBuilder<unknown>][]) {
    removed[table] = 0
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const chosen = sql`delete from ${sql.table(table)} where ctid = any (array(
        select ctid from ${sql.table(table)} where ${when(Math.trunc(now))} limit ${CHUNK}))`
      const rows =
        table === 'conversations'
          ? await foldHours(db, chosen)
          : Number((await chosen.execute(db)).numAffectedRows ?? 0n)
      removed[table] += rows
      if (rows < CHUNK) break
    }
  }
  return removed
}

/** In the statement that removes them, so that each is counted once, whoever dies. */
async function foldHours(db: Kysely<Tables>, removing: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ rows: number }>`
    with gone as (${removing} returning *), kept as (
      insert into conversation_hours as h (tenant, workload, peer, port, proto, direction, hour, steps, flows, failed)
      select tenant, workload, peer, port, proto, direction, start - start % ${HOUR_MS}, count(*), sum(flows), sum(failed)
      from gone
      group by 1, 2, 3, 4, 5, 6, 7
      on conflict (tenant, workload, peer, port, proto, direction, hour) do update set
        steps = h.steps + excluded.steps, flows = h.flows + excluded.flows, failed = h.failed + excluded.failed)
    select count(*)::int as rows from gone`.execute(db)
  return rows[0]!.rows
}
