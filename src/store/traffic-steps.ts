/**
 * Traffic by steps of 5 minutes and by the hour: what forecasts are made of. Readings of 5 s are summed by a clock, never by
 * a report, and again while some of them may still come; who asks before the clock did sums what is new himself.
 */
import { type Kysely, sql } from 'kysely'
import type { Store } from '../model/store.ts'
import { CONVERSATION_MS, TICK_MS } from '../model/window.ts'
import type { Context } from './record-context.ts'
import { TRAFFIC_STEPS_KEPT_MS } from './retention.ts'
import type { Tables } from './tables.ts'

const STEP_MS = 300_000
const HOUR_MS = 3_600_000
/** An agent keeps reports for five minutes, and a step is summed when it is over. */
const LATE_MS = 900_000
/** Summed by one statement, and statements that found something by one call: the rest is for the next. */
const CHUNK_MS = HOUR_MS
const ROUNDS_MAX = 24
/** A conversation of the hour may still be told of so long after it. */
const HOUR_LATE_MS = 2 * CONVERSATION_MS
/** Services kept of a workload's hour by name. */
const MOST_SERVICES = 20

export type Folding = {
  /** Sums what came since; at most once a step does anything. */
  fold(now: number): Promise<void>
}

export function createFolding(db: Kysely<Tables>): Folding {
  let folded = Number.NEGATIVE_INFINITY
  let hours = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | null = null

  async function steps(now: number): Promise<void> {
    const until = now - (now % STEP_MS)
    if (until <= folded) return
    const { rows } = await sql<{ last: number | null }>`
      select max(start) as last from traffic_steps where step_ms = ${STEP_MS}`.execute(db)
    const known = Math.max(folded, (rows[0]?.last ?? Number.NEGATIVE_INFINITY) + STEP_MS)
    let from = Math.max(until - TRAFFIC_STEPS_KEPT_MS, Math.min(until, known) - LATE_MS)
    for (let rounds = 0; rounds < ROUNDS_MAX && from < until; ) {
      const to = Math.min(until, from + CHUNK_MS)
      if (await foldSteps(db, from, to)) rounds++
      from = to
    }
    folded = from
  }

  async function services(now: number): Promise<void> {
    const until = Math.floor((now - HOUR_LATE_MS) / HOUR_MS) * HOUR_MS
    if (until <= hours) return
    const { rows } = await sql<{ last: number | null }>`select max(hour) as last from service_hours`.execute(db)
    await foldServices(db, Math.max(hours, (rows[0]?.last ?? -HOUR_MS) + HOUR_MS), until)
    hours = until
  }

  return {
    fold(now) {
      underWay ??= steps(now)
        .then(() => services(now))
        .finally(() => {
          underWay = null
        })
      return underWay
    },
  }
}

/** A reading stands at the end of its 5 s. False when there was none. */
async function foldSteps(db: Kysely<Tables>, from: number, to: number): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    insert into traffic_steps as s (tenant, workload, step_ms, start, seen_ms, bytes_out, bytes_in)
    select tenant, workload, ${STEP_MS}::int, at - 1 - (at - 1) % ${STEP_MS}, least(${STEP_MS}, count(*) * ${TICK_MS}),
      sum(bytes_out), sum(bytes_in)
    from workload_history where at > ${from} and at <= ${to}
    group by 1, 2, 4
    on conflict (tenant, workload, step_ms, start) do update set
      seen_ms = excluded.seen_ms, bytes_out = excluded.bytes_out, bytes_in = excluded.bytes_in`.execute(db)
  if (numAffectedRows === 0n) return false
  await sql`
    insert into traffic_steps as s (tenant, workload, step_ms, start, seen_ms, bytes_out, bytes_in)
    select tenant, workload, ${HOUR_MS}::int, start - start % ${HOUR_MS}, sum(seen_ms), sum(bytes_out), sum(bytes_in)
    from traffic_steps where step_ms = ${STEP_MS} and start >= ${from - (from % HOUR_MS)} and start < ${to}
    group by 1, 2, 4
    on conflict (tenant, workload, step_ms, start) do update set
      seen_ms = excluded.seen_ms, bytes_out = excluded.bytes_out, bytes_in = excluded.bytes_in`.execute(db)
  return true
}

/** Whole hours, each once: its conversations are final. A port is named when the sensor recognised nothing. */
async function foldServices(db: Kysely<Tables>, from: number, until: number): Promise<void> {
  await sql`
    insert into service_hours (tenant, workload, hour, service, bytes)
    select tenant, workload, hour, case when place <= ${MOST_SERVICES} then service else 'other' end, sum(bytes)
    from (
      select *, row_number() over (partition by tenant, workload, hour order by bytes desc, service) as place
      from (
        select tenant, workload, start - start % ${HOUR_MS} as hour, sum(bytes_out + bytes_in) as bytes,
          coalesce(lower(left(service, 40)), case proto when 1 then 'icmp' when 58 then 'icmpv6' when 6 then port || ' tcp'
            when 17 then port || ' udp' else 'protocol ' || proto end) as service
        from conversations where start >= ${from} and start < ${until}
        group by 1, 2, 3, 5) named) ranked
    group by 1, 2, 3, 4
    on conflict do nothing`.execute(db)
}

export function traffic({ db, clock }: Context, folding: Folding): Store['traffic'] {
  return {
    async sums(tenant, ids, stepMs, from, to) {
      if (ids.length === 0) return { rows: [], lives: [] }
      await folding.fold(clock())
      const known = sql`from traffic_steps where tenant = ${tenant} and workload = any (${[...ids]}::text[])
        and step_ms = ${stepMs} and start >= ${from} and start < ${to} and seen_ms * 2 >= step_ms`
      const [rows, lives] = await Promise.all([
        sql<{ at: number; known: number; out: number; in: number }>`
          select start as at, count(*)::int as known, sum(bytes_out * 1000 / seen_ms) as out, sum(bytes_in * 1000 / seen_ms) as in
          ${known} group by start order by start`.execute(db),
        sql<{ first: number; last: number }>`
          select min(start) as first, max(start) as last ${known} group by workload`.execute(db),
      ])
      return { rows: rows.rows, lives: lives.rows }
    },
    async each(tenant, ids, stepMs, from, to) {
      if (ids.length === 0) return []
      await folding.fold(clock())
      const { rows } = await sql<{ workload: string; at: number; out: number; in: number }>`
        select workload, start as at, bytes_out * 1000 / seen_ms as out, bytes_in * 1000 / seen_ms as in
        from traffic_steps where tenant = ${tenant} and workload = any (${[...ids]}::text[])
          and step_ms = ${stepMs} and start >= ${from} and start < ${to} and seen_ms * 2 >= step_ms
        order by workload, start`.execute(db)
      return rows
    },
    async services(tenant, ids, from, limit) {
      if (ids.length === 0) return []
      await folding.fold(clock())
      const { rows } = await sql<{ service: string }>`
        select service from service_hours
        where tenant = ${tenant} and workload = any (${[...ids]}::text[]) and hour >= ${from} and service <> 'other'
        group by service having sum(bytes) > 0 order by sum(bytes) desc, service limit ${limit}`.execute(db)
      return rows.map((row) => row.service)
    },
    async service(tenant, ids, service, from) {
      if (ids.length === 0) return { bytes: [], until: 0 }
      await folding.fold(clock())
      const { rows } = await sql<{ at: number; bytes: number }>`
        select hour as at, sum(bytes) as bytes from service_hours
        where tenant = ${tenant} and workload = any (${[...ids]}::text[]) and hour >= ${from} and service = ${service}
        group by hour order by hour`.execute(db)
      return { bytes: rows, until: Math.floor((clock() - HOUR_LATE_MS) / HOUR_MS) * HOUR_MS }
    },
  }
}
