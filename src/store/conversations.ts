/** Who spoke with whom in 5 minutes: running totals, so a later figure replaces an earlier one. */
import { sql } from 'kysely'
import type { WorkloadId } from '../model/ids.ts'
import type { ConversationRecord, ConversationStep } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { CONVERSATION_MS } from '../model/window.ts'
import { PAGE_MAX } from './cursor.ts'
import { type Context, clean, lastByKey, ms } from './record-context.ts'
import { CONVERSATION_HOURS_KEPT_MS } from './retention.ts'

const HOUR_MS = 3_600_000

export function conversations({ db }: Context): Store['conversations'] {
  return {
    async put(tenant, rows) {
      const last = lastByKey(rows, keyOf, (held, row) => held.last > row.last)
      if (last.length === 0) return
      await sql`
        insert into conversations as c
          (tenant, workload, peer, port, proto, direction, start, last, flows, failed, bytes_out, bytes_in, service)
        select w.tenant, w.id, u.peer, u.port, u.proto, u.direction, u.start, u.last, u.flows, u.failed, u.bytes_out, u.bytes_in, u.service
        from unnest(
          ${last.map((row) => row.workload)}::text[],
          ${last.map((row) => clean(row.peer))}::text[],
          ${last.map((row) => row.port)}::integer[],
          ${last.map((row) => row.proto)}::integer[],
          ${last.map((row) => row.direction)}::text[],
          ${last.map((row) => ms(row.start))}::bigint[],
          ${last.map((row) => ms(row.last))}::bigint[],
          ${last.map((row) => row.flows)}::float8[],
          ${last.map((row) => row.failed)}::float8[],
          ${last.map((row) => row.bytesOut)}::float8[],
          ${last.map((row) => row.bytesIn)}::float8[],
          ${last.map((row) => (row.service === null ? null : clean(row.service)))}::text[]
        ) as u (workload, peer, port, proto, direction, start, last, flows, failed, bytes_out, bytes_in, service)
        join workloads w on w.tenant = ${tenant} and w.id = u.workload
        order by 2, 3, 4, 5, 6, 7
        on conflict (tenant, workload, peer, port, proto, direction, start) do update set
          last = excluded.last, flows = excluded.flows, failed = excluded.failed,
          bytes_out = excluded.bytes_out, bytes_in = excluded.bytes_in,
          service = coalesce(excluded.service, c.service)
        where excluded.last >= c.last`.execute(db)
    },
    async of(tenant, id, since, limit) {
      const rows = await db
        .selectFrom('conversations')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('workload', '=', id)
        .where('last', '>=', ms(since))
        .orderBy('last', 'desc')
        .limit(Math.min(Math.max(1, limit), PAGE_MAX * 10))
        .execute()
      return rows.map(({ tenant: _tenant, bytes_out, bytes_in, workload, ...row }) => ({
        ...row,
        workload: workload as WorkloadId,
        bytesOut: bytes_out,
        bytesIn: bytes_in,
      }))
    },
    async busiest(tenant, ids, since, limit) {
      if (ids.length === 0) return []
      const { rows } = await sql<ConversationRecord>`
        select workload, peer, port, proto, direction, min(start) as start, max(last) as last, sum(flows) as flows,
          sum(failed) as failed, sum(bytes_out) as "bytesOut", sum(bytes_in) as "bytesIn", max(service) as service
        from conversations
        where tenant = ${tenant} and workload = any (${[...ids]}::text[]) and last >= ${ms(since)}
        group by workload, peer, port, proto, direction
        order by flows desc, workload, peer, port, proto, direction
        limit ${Math.max(1, limit)}`.execute(db)
      return rows
    },
    learntMs: CONVERSATION_HOURS_KEPT_MS,
    async steps(tenant, ids, since, limit) {
      if (ids.length === 0) return []
      const of = sql`tenant = ${tenant} and workload = any (${[...ids]}::text[])`
      const { rows } = await sql<ConversationStep>`
        select workload, peer, port, proto, direction, start, ${CONVERSATION_MS}::int as "spanMs", 1 as steps, flows, failed
        from conversations where ${of} and last >= ${ms(since)} and start >= ${ms(since)}
        union all
        select workload, peer, port, proto, direction, hour, ${HOUR_MS}::int, steps, flows, failed
        from conversation_hours where ${of} and hour >= ${ms(since)}
        order by start desc, workload, peer, port, proto, direction
        limit ${Math.max(1, limit)}`.execute(db)
      return rows
    },
  }
}

function keyOf(row: ConversationRecord): string {
  return [row.workload, clean(row.peer), row.port, row.proto, row.direction, ms(row.start)].join('\0')
}
