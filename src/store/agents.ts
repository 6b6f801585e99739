/** Agents as last heard of, and which of their reports have been taken. */
import { type Selectable, sql } from 'kysely'
import type { AgentId, TenantId } from '../model/ids.ts'
import type { Mode } from '../model/policy.ts'
import type { AgentRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { type Context, clean, ms } from './record-context.ts'
import type { Tables } from './tables.ts'

export function agents({ db }: Context): Store['agents'] {
  const of = (tenant: TenantId) => db.selectFrom('agents').selectAll().where('tenant', '=', tenant)
  return {
    async list(tenant) {
      return (await of(tenant).orderBy('id').execute()).map(toRecord)
    },
    async get(tenant, id) {
      const row = await of(tenant).where('id', '=', id).executeTakeFirst()
      return row === undefined ? null : toRecord(row)
    },
    async seen(tenant, id, report, now) {
      return await db.transaction().execute(async (tx) => {
        // the one row per boot is both lock and memory: a repeat, also one sent at the same time, changes nothing
        const fresh = await sql`
          insert into agent_boots as b (tenant, agent, boot, sequence, at)
          values (${tenant}, ${id}, ${clean(report.boot)}, ${report.sequence}, ${ms(now)})
          on conflict (tenant, agent, boot) do update set sequence = excluded.sequence, at = excluded.at
          where b.sequence < excluded.sequence
          returning sequence`.execute(tx)
        if (fresh.rows.length === 0) return false
        const applied = report.applied === null ? null : JSON.stringify(report.applied)
        await sql`
          insert into agents as a (tenant, id, host, mode, last_report, applied, counters, version)
          values (${tenant}, ${id}, ${clean(report.host)}, ${report.mode}, ${ms(now)}, ${applied}::json, ${JSON.stringify(report.counters)}::json, 1)
          on conflict (tenant, id) do update set
            host = excluded.host, mode = excluded.mode,
            last_report = greatest(a.last_report, excluded.last_report),
            applied = coalesce(excluded.applied, a.applied), counters = excluded.counters,
            version = a.version + 1`.execute(tx)
        return true
      })
    },
  }
}

function toRecord(row: Selectable<Tables['agents']>): AgentRecord {
  return {
    id: row.id as AgentId,
    tenant: row.tenant as TenantId,
    host: row.host,
    mode: row.mode as Mode,
    lastReport: row.last_report,
    applied: row.applied,
    counters: row.counters,
    version: row.version,
  }
}
