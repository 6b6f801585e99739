/** Evidence: one row per workload, kind and peer, kept until it has decayed to nothing. */
import { sql } from 'kysely'
import type { TenantId, WorkloadId } from '../model/ids.ts'
import type { EvidenceRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { type Context, clean, lastByKey, ms } from './record-context.ts'

/** After ten half-lives a thousandth is left. */
const KEPT_HALF_LIVES = 10
const OF_MAX = 1_000
const SINCE_MAX = 100_000

export function evidence({ db }: Context): Store['evidence'] {
  return {
    async add(tenant, rows) {
      const last = lastByKey(rows, keyOf, (held, row) => held.evidence.at > row.evidence.at)
      if (last.length === 0) return
      await sql`
        insert into evidence as e (tenant, workload, kind, peer, at, ends_at, evidence)
        select w.tenant, w.id, u.kind, u.peer, u.at, u.ends_at, u.evidence::json
        from unnest(
          ${last.map((row) => row.workload)}::text[],
          ${last.map((row) => row.evidence.kind)}::text[],
          ${last.map((row) => peerOf(row))}::text[],
          ${last.map((row) => ms(row.evidence.at))}::bigint[],
          ${last.map((row) => endsAt(row))}::bigint[],
          ${last.map((row) => JSON.stringify(row.evidence))}::text[]
        ) as u (workload, kind, peer, at, ends_at, evidence)
        join workloads w on w.tenant = ${tenant} and w.id = u.workload
        order by u.workload, u.kind, u.peer
        on conflict (tenant, workload, kind, peer) do update set
          at = excluded.at, ends_at = excluded.ends_at, evidence = excluded.evidence
        where excluded.at >= e.at`.execute(db)
    },
    async of(tenant, id, since) {
      const rows = await newest(tenant, since).where('workload', '=', id).limit(OF_MAX).execute()
      return rows.map((row) => row.evidence)
    },
    async since(tenant, since) {
      const rows = await newest(tenant, since).limit(SINCE_MAX).execute()
      return rows.map((row) => ({ workload: row.workload as WorkloadId, evidence: row.evidence }))
    },
  }

  function newest(tenant: TenantId, since: number) {
    return db
      .selectFrom('evidence')
      .select(['workload', 'evidence'])
      .where('tenant', '=', tenant)
      .where('at', '>=', ms(since))
      .orderBy('at', 'desc')
  }
}

function peerOf({ evidence }: EvidenceRecord): string {
  return clean(evidence.peer ?? '')
}

function keyOf(row: EvidenceRecord): string {
  return `${row.workload}\0${row.evidence.kind}\0${peerOf(row)}`
}

/** bigint holds no more than this; a half-life of ages is for ever. */
function endsAt({ evidence }: EvidenceRecord): number {
  return Math.min(ms(evidence.at + KEPT_HALF_LIVES * evidence.halfLifeMs), Number.MAX_SAFE_INTEGER)
}
