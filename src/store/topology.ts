/**
 * Who talks to whom, summed by the database: the caller says which class each workload and each address is of, and gets a
 * row per pair of classes and service, however many conversations there are. Peers that are of no class come by address.
 */
import { sql } from 'kysely'
import type { AgentId, PlanId, WorkloadId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import { type Context, ms } from './record-context.ts'
import { CONVERSATIONS_KEPT_MS } from './retention.ts'

/** Kinds of conversation read at once; the smallest beyond are left out, and said. */
export const MAX_TALK_ROWS = 60_000
const MAX_PAIRS = 2_000

export function topology({ db }: Context): Store['topology'] {
  return {
    keptMs: CONVERSATIONS_KEPT_MS,
    async faces(tenant) {
      const { rows } = await sql<FaceRow>`
        select id, agent, key, name, kind, labels, addresses, worn ->> 'name' as worn, assigned ->> 'name' as assigned,
          belief ->> 'believed' as believed, (risk ->> 'value')::float8 as risk, contained_until, rate_out + rate_in as rate
        from workloads, json_to_record(report) as r (key text, name text, kind text, labels json, addresses json)
        where tenant = ${tenant} order by id`.execute(db)
      return rows.map(({ id, agent, contained_until, ...row }) => ({
        ...row,
        id: id as WorkloadId,
        agent: agent as AgentId,
        containedUntil: contained_until,
      }))
    },
    async target(tenant) {
      const { rows } = await sql<{ target: string | null }>`
        select target from tenants where tenant = ${tenant}`.execute(db)
      return (rows[0]?.target ?? null) as PlanId | null
    },
    async talks(tenant, from, to, workloads, addresses) {
      const rows = await db.transaction().execute(async (tx) => {
        // A hundred thousand rows are summed in memory, not on disk; compiling the query takes longer than running it.
        await sql`set local work_mem = '64MB'`.execute(tx)
        await sql`set local jit = off`.execute(tx)
        // Grouped, so that the planner knows both lists to be short and without repetition, and takes the index.
        const found = await sql<Talk>`
          select w.class as own, a.class as other, case when a.class is null then c.peer end as peer,
            c.port, c.proto, c.direction, sum(c.flows) as flows, sum(c.failed) as failed,
            sum(c.bytes_out) as "bytesOut", sum(c.bytes_in) as "bytesIn", count(*)::int as conversations,
            max(c.service) as service, max(c.last) as last, min((c.workload || ' ' || c.peer) collate "C") as sample
          from conversations c
          join (select u.id, min(u.class) from unnest(${workloads.ids}::text[], ${workloads.classes}::int[]) as u (id, class) group by 1)
            as w (id, class) on w.id = c.workload
          left join (select u.address, min(u.class) from unnest(${addresses.texts}::text[], ${addresses.classes}::int[]) as u (address, class) group by 1)
            as a (address, class) on a.address = c.peer
          where c.tenant = ${tenant} and c.last >= ${ms(from)} and c.start <= ${ms(to)}
          group by 1, 2, 3, 4, 5, 6
          order by sum(c.flows) desc
          limit ${MAX_TALK_ROWS + 1}`.execute(tx)
        return found.rows
      })
      return { rows: rows.slice(0, MAX_TALK_ROWS), cut: rows.length > MAX_TALK_ROWS }
    },
    async spokeBefore(tenant, samples, before) {
      if (samples.length === 0) return new Set()
      const { rows } = await sql<{ sample: string }>`
        select s.sample from unnest(${[...samples]}::text[]) as s (sample)
        where exists (
          select from conversations c where c.tenant = ${tenant} and c.workload = split_part(s.sample, ' ', 1)
            and c.peer = split_part(s.sample, ' ', 2) and c.last < ${ms(before)})`.execute(db)
      return new Set(rows.map((row) => row.sample))
    },
    async between(tenant, from, to, workloads, peers, limit) {
      const size = Math.min(Math.max(1, limit), MAX_PAIRS)
      const among =
        'only' in peers
          ? sql`c.peer = any (${[...peers.only]}::text[])`
          : sql`not exists (select from unnest(${[...peers.except]}::text[]) as n (address) where n.address = c.peer)`
      const { rows } = await sql<PairRow>`
        select c.workload, c.peer, c.port, c.proto, c.direction, max(c.service) as service, sum(c.flows) as flows,
          sum(c.failed) as failed, sum(c.bytes_out) as bytes_out, sum(c.bytes_in) as bytes_in,
          min(c.start) as start, max(c.last) as last
        from conversations c
        where c.tenant = ${tenant} and c.workload = any (${[...workloads]}::text[])
          and c.last >= ${ms(from)} and c.start <= ${ms(to)} and ${among}
        group by 1, 2, 3, 4, 5
        order by sum(c.failed) > 0 desc, sum(c.bytes_out + c.bytes_in) desc
        limit ${size}`.execute(db)
      return rows.map(({ bytes_out, bytes_in, workload, ...row }) => ({
        ...row,
        workload: workload as WorkloadId,
        bytesOut: bytes_out,
        bytesIn: bytes_in,
      }))
    },
  }
}

type Talk = Awaited<ReturnType<Store['topology']['talks']>>['rows'][number]
type FaceRow = {
  id: string
  agent: string
  key: string
  name: string
  kind: string
  labels: Readonly<Record<string, string>>
  addresses: readonly string[]
  worn: string | null
  assigned: string | null
  believed: string | null
  risk: number | null
  contained_until: number | null
  rate: number
}
type PairRow = {
  workload: string
  peer: string
  port: number
  proto: number
  direction: 'initiated' | 'served'
  service: string | null
  flows: number
  failed: number
  bytes_out: number
  bytes_in: number
  start: number
  last: number
}
