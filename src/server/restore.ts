/** After a start: what the record remembers of every workload goes back into memory. Beliefs begin anew from traffic; their last word is kept to be shown. */
import type { TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import { addEvidence, type Fleet, liveOf } from './fleet.ts'

/** Evidence older than this has decayed to nothing, whatever its half-life in use. */
const EVIDENCE_MS = 24 * 3_600_000

export async function restore(store: Store, tenant: TenantId, fleet: Fleet, now: number): Promise<void> {
  for (const record of await store.workloads.all(tenant)) {
    const live = liveOf(fleet, record.id, record.agent, record.report.key, record.report.name)
    live.lastBelief = record.belief
    live.risk = record.risk
    live.containedUntil = record.containedUntil ?? 0
  }
  for (const { workload, evidence } of await store.evidence.since(tenant, now - EVIDENCE_MS)) {
    const live = fleet.live.get(workload)
    // What was usual is not known any more: nobody could say that it is over.
    if (live !== undefined && evidence.kind !== 'drift') addEvidence(fleet, live, evidence)
  }
}
