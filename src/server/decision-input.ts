/** Gathers the whole state that `decide` is a function of. */
import type { DecideInput } from '../decide/plan.ts'
import type { AgentState } from '../model/desired.ts'
import type { AgentId, TenantId } from '../model/ids.ts'
import { KINDS } from '../model/manifest.ts'
import type { PlanRecord, ShiftRecord, WorkloadRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import type { Fleet } from './fleet.ts'
import type { Intel } from './intel.ts'

export type Gathered = Pick<
  DecideInput,
  'settings' | 'agents' | 'workloads' | 'manifests' | 'shifts' | 'target' | 'intel' | 'tenant' | 'secrets'
> & { readonly confirmed: PlanRecord | null; readonly pending: PlanRecord | null }

export async function gather(store: Store, tenant: TenantId, fleet: Fleet, intel: Intel): Promise<Gathered> {
  const [settings, agents, workloads, shifts, plans, secrets, ...manifests] = await Promise.all([
    store.settings.get(tenant),
    store.agents.list(tenant),
    store.workloads.all(tenant),
    store.shifts.current(tenant),
    store.plans.target(tenant),
    store.secrets.newest(tenant),
    ...KINDS.map((kind) => store.manifests.all(tenant, kind)),
  ])
  const target = (plans.confirmed?.plan.agents ?? {}) as Readonly<Record<AgentId, AgentState>>
  return {
    tenant,
    settings,
    agents,
    workloads: workloads.map((record) => withLatest(record, fleet)),
    manifests: manifests.flat(),
    shifts: shifts as readonly ShiftRecord[],
    target,
    secrets,
    intel,
    confirmed: plans.confirmed,
    pending: plans.pending,
  }
}

/** Memory is at most one write ahead of the record; deciding on the newer reading saves a tick. */
function withLatest(record: WorkloadRecord, fleet: Fleet): WorkloadRecord {
  const live = fleet.live.get(record.id)
  if (live === undefined) return record
  return { ...record, belief: live.lastBelief ?? record.belief, risk: live.risk ?? record.risk }
}
