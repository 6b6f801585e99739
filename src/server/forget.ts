/** Workloads that are over leave the record and memory, once an hour: a round of deciding costs what there is, not what there ever was. */
import type { AgentId, TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import { dropLive, type Fleet } from './fleet.ts'

export const FORGET_EVERY_MS = 3_600_000
/** Agents report every tick, and name all their workloads once a minute. */
const PRESENT_MS = 60_000

type Deps = {
  readonly tenant: TenantId
  readonly store: Pick<Store, 'agents' | 'workloads'>
  readonly fleet: Fleet
  readonly clock: () => number
}

/** Answers how many went. */
export function createForgetting({ tenant, store, fleet, clock }: Deps): () => Promise<number> {
  /** An agent that came back, or a server that was away, has until the round after: a host starts its machines one by one. */
  let before: ReadonlySet<AgentId> = new Set()
  return async () => {
    const now = clock()
    const agents = await store.agents.list(tenant)
    const present = agents.flatMap(({ id, lastReport }) => ((lastReport ?? 0) > now - PRESENT_MS ? [id] : []))
    const settled = present.filter((id) => before.has(id))
    before = new Set(present)
    const gone = await store.workloads.forgetOver(tenant, settled, now)
    for (const workload of gone) dropLive(fleet, workload)
    return gone.length
  }
}
