/** Workloads: what agents report, what was assigned, what is worn, and the last belief and risk with their history. */
import { type Selectable, sql } from 'kysely'
import type { AgentId, TenantId, WorkloadId } from '../model/ids.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { workloadId } from '../model/workload-id.ts'
import { decodeCursor, pageSize, toPage } from './cursor.ts'
import { forgetOver } from './over.ts'
import { type Context, change, lastByKey, ms } from './record-context.ts'
import type { Tables } from './tables.ts'

/** A workload whose agent was heard of within this span is not taken over by another agent. */
export const TAKEOVER_AFTER_MS = 60_000
/** Three and a half days of windows of 30 s. */
const HISTORY_MAX = 10_000

type Observed = Parameters<Store['workloads']['observe']>[1][number]

export function workloads(context: Context): Store['workloads'] {
  const { db } = context
  const of = (tenant: TenantId) => db.selectFrom('workloads').selectAll().where('tenant', '=', tenant)
  return {
    async list(tenant, page) {
      const size = pageSize(page)
      let query = of(tenant)
        .orderBy('id')
        .limit(size + 1)
      if (page.cursor !== null) query = query.where('id', '>', decodeCursor(page.cursor, [''])[0])
      return toPage(await query.execute(), size, (row) => [row.id], toRecord)
    },
    async all(tenant) {
      return (await of(tenant).orderBy('id').execute()).map(toRecord)
    },
    async get(tenant, id) {
      const row = await of(tenant).where('id', '=', id).executeTakeFirst()
      return row === undefined ? null : toRecord(row)
    },
    async names(tenant, ids) {
      if (ids.length === 0) return new Map()
      const rows = await db
        .selectFrom('workloads')
        .select(['id', 'report'])
        .where('tenant', '=', tenant)
        .where('id', 'in', ids)
        .execute()
      return new Map(rows.map((row) => [row.id as WorkloadId, row.report.name]))
    },
    report: (tenant, agent, reports, now) => report(context, tenant, agent, reports, now),
    assign(tenant, id, persona, audit) {
      return change(context, tenant, audit, async (tx) => {
        const row = await tx
          .updateTable('workloads')
          .set((eb) => ({
            assigned: persona === null ? null : JSON.stringify(persona),
            version: eb('version', '+', 1),
          }))
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirst()
        return row === undefined ? { ok: false, code: 'missing' } : { ok: true, value: toRecord(row) }
      })
    },
    observe: (tenant, rows) => observe(context, tenant, rows),
    async wear(tenant, rows, now) {
      const last = lastByKey(
        rows,
        (row) => row.workload,
        () => true,
      )
      if (last.length === 0) return
      await sql`
        update workloads w set
          worn = u.worn::json,
          worn_since = case when w.worn::text is distinct from u.worn then ${ms(now)}::bigint else w.worn_since end,
          contained_until = u.until,
          version = w.version + 1
        from unnest(
          ${last.map((row) => row.workload)}::text[],
          ${last.map((row) => personaText(row.worn))}::text[],
          ${last.map((row) => (row.containedUntil === null ? null : ms(row.containedUntil)))}::bigint[]
        ) as u (id, worn, until)
        where w.tenant = ${tenant} and w.id = u.id
          and (w.worn::text, w.contained_until) is distinct from (u.worn, u.until)`.execute(db)
    },
    async unwear(tenant, agent, now) {
      await db
        .updateTable('workloads')
        .set((eb) => ({ worn: null, worn_since: ms(now), contained_until: null, version: eb('version', '+', 1) }))
        .where('tenant', '=', tenant)
        .where('agent', '=', agent)
        .where((eb) => eb.or([eb('worn', 'is not', null), eb('contained_until', 'is not', null)]))
        .execute()
    },
    forgetOver: (tenant, present, now) => forgetOver(context, tenant, present, now),
    async history(tenant, id, from, to) {
      const rows = await db
        .selectFrom('workload_history')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('workload', '=', id)
        .where('at', '>=', ms(from))
        .where('at', '<=', ms(to))
        .orderBy('at', 'desc')
        .limit(HISTORY_MAX)
        .execute()
      return rows.reverse().map((row) => ({
        at: row.at,
        bytesOut: row.bytes_out,
        bytesIn: row.bytes_in,
        belief: row.belief,
        risk: row.risk,
      }))
    },
    async traffic(tenant, from, to, points) {
      const stepMs = (to - from) / points
      const { rows } = await sql<{ workload: WorkloadRecord['id']; step: number; bytes: number }>`
        select workload, floor((at - ${ms(from)}) / ${stepMs}::float8)::int as step, sum(bytes_out + bytes_in) as bytes
        from workload_history
        where tenant = ${tenant} and at >= ${ms(from)} and at < ${ms(to)}
        group by 1, 2`.execute(db)
      const found = new Map<WorkloadRecord['id'], (number | null)[]>()
      for (const { workload, step, bytes } of rows) {
        const values = found.get(workload) ?? Array.from({ length: points }, () => null)
        values[Math.min(points - 1, step)] = (bytes * 1_000) / stepMs
        found.set(workload, values)
      }
      return [...found].map(([id, values]) => ({ id, values }))
    },
  }
}

/** One order of fields, so that equal personas are equal texts. */
function personaText({ id, name, version }: NonNullable<WorkloadRecord['worn']>): string {
  return JSON.stringify({ id, name, version })
}

async function report(
  { db }: Context,
  tenant: TenantId,
  agent: AgentId,
  reports: Parameters<Store['workloads']['report']>[2],
  now: number,
): Promise<readonly WorkloadRecord[]> {
  const last = lastByKey(
    reports,
    (row) => row.key,
    () => true,
  )
  if (last.length === 0) return []
  const ids = last.map((row) => workloadId(tenant, row.key))
  const texts = last.map((row) => JSON.stringify(row))
  const { rows } = await sql<Selectable<Tables['workloads']>>`
    insert into workloads as w (tenant, id, agent, report, first_seen, last_seen, version)
    select ${tenant}, u.id, ${agent}, u.report::json, ${ms(now)}, ${ms(now)}, 1
    from unnest(${ids}::text[], ${texts}::text[]) as u (id, report) order by u.id
    on conflict (tenant, id) do update set
      agent = excluded.agent,
      report = excluded.report,
      last_seen = greatest(w.last_seen, excluded.last_seen),
      version = w.version + case when w.agent = excluded.agent and w.report::text = excluded.report::text then 0 else 1 end
    where w.agent = excluded.agent
      or greatest(w.last_seen, (select a.last_report from agents a where a.tenant = w.tenant and a.id = w.agent))
        <= ${ms(now) - TAKEOVER_AFTER_MS}
    returning *`.execute(db)
  return rows.map(toRecord)
}

/** One statement for the present, one for the history, in one transaction; rows of unknown workloads fall away. */
async function observe({ db }: Context, tenant: TenantId, rows: readonly Observed[]): Promise<void> {
  const newest = lastByKey(
    rows,
    (row) => row.workload,
    (held, row) => held.at > row.at,
  )
  const points = lastByKey(
    rows,
    (row) => `${row.workload}\0${ms(row.at)}`,
    () => false,
  )
  if (newest.length === 0) return
  await db.transaction().execute(async (tx) => {
    await sql`
      update workloads w set
        belief = coalesce(u.belief::json, w.belief),
        risk = coalesce(u.risk::json, w.risk),
        rate_out = u.rate_out,
        rate_in = u.rate_in,
        last_seen = greatest(w.last_seen, u.at)
      from ${unnested(newest)}
      where w.tenant = ${tenant} and w.id = u.id`.execute(tx)
    await sql`
      insert into workload_history as h (tenant, workload, at, bytes_out, bytes_in, belief, risk)
      select w.tenant, u.id, u.at, u.bytes_out, u.bytes_in, u.belief::json, u.risk_value
      from ${unnested(points)} join workloads w on w.tenant = ${tenant} and w.id = u.id
      on conflict (tenant, workload, at) do update set
        bytes_out = excluded.bytes_out, bytes_in = excluded.bytes_in,
        belief = coalesce(excluded.belief, h.belief), risk = coalesce(excluded.risk, h.risk)`.execute(tx)
  })
}

function unnested(rows: readonly Observed[]) {
  const perSecond = (bytes: number, spanMs: number) => (spanMs > 0 ? (bytes * 1000) / spanMs : 0)
  return sql`unnest(
    ${rows.map((row) => row.workload)}::text[],
    ${rows.map((row) => ms(row.at))}::bigint[],
    ${rows.map((row) => (row.belief === null ? null : JSON.stringify(row.belief)))}::text[],
    ${rows.map((row) => (row.risk === null ? null : JSON.stringify(row.risk)))}::text[],
    ${rows.map((row) => row.risk?.value ?? null)}::float8[],
    ${rows.map((row) => row.bytesOut)}::float8[],
    ${rows.map((row) => row.bytesIn)}::float8[],
    ${rows.map((row) => perSecond(row.bytesOut, row.spanMs))}::float8[],
    ${rows.map((row) => perSecond(row.bytesIn, row.spanMs))}::float8[]
  ) as u (id, at, belief, risk, risk_value, bytes_out, bytes_in, rate_out, rate_in)`
}

function toRecord(row: Selectable<Tables['workloads']>): WorkloadRecord {
  return {
    id: row.id as WorkloadId,
    tenant: row.tenant as TenantId,
    agent: row.agent as AgentId,
    report: row.report,
    assigned: row.assigned,
    worn: row.worn,
    wornSince: row.worn_since,
    containedUntil: row.contained_until,
    belief: row.belief,
    risk: row.risk,
    rate: { out: row.rate_out, in: row.rate_in },
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    version: row.version,
  }
}
