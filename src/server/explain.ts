/** Answers "why" of a workload, from the record. */
import { personasOf } from '../decide/effective.ts'
import { whyReport } from '../decide/why.ts'
import { slug, type TenantId, type WorkloadId } from '../model/ids.ts'
import type { PlanRecord, WorkloadRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import type { Outcome, Refusal } from '../model/why.ts'

type ExplainDeps = { readonly tenant: TenantId; readonly store: Store; readonly clock: () => number }

export type Explain = {
  workload(id: WorkloadId): Promise<Outcome<object>>
}

const TALK_MS = 900_000

export function createExplain({ tenant, store, clock }: ExplainDeps): Explain {
  return {
    async workload(id) {
      const [record, plan] = await Promise.all([store.workloads.get(tenant, id), inForce(store, tenant)])
      if (record === null) return missing(id)
      const now = clock()
      const [manifests, conversations, decided, agent] = await Promise.all([
        store.manifests.all(tenant, 'Persona'),
        store.conversations.of(tenant, id, now - TALK_MS, 200),
        planThatMoved(store, tenant, id, plan),
        store.agents.get(tenant, record.agent),
      ])
      const worn = record.worn?.name ?? record.assigned?.name ?? 'Standard User'
      const persona = personasOf(manifests).get(slug(worn)) ?? null
      const mode = agent?.mode ?? null
      const desired = desiredOf(plan, record)
      return {
        ok: true,
        value: whyReport({ now, record, persona, desired, plan: decided, mode, conversations }),
      }
    },
  }
}

async function inForce(store: Store, tenant: TenantId): Promise<PlanRecord | null> {
  return (await store.plans.target(tenant)).confirmed
}

/** The newest plan that changed this workload; the one in force may have been about others. */
async function planThatMoved(
  store: Store,
  tenant: TenantId,
  id: WorkloadId,
  current: PlanRecord | null,
): Promise<PlanRecord | null> {
  const { items } = await store.plans.list(tenant, { limit: 50, cursor: null })
  return (
    items.find((one) => one.state === 'confirmed' && one.plan.steps.some((step) => step.workload === id)) ?? current
  )
}

function desiredOf(plan: PlanRecord | null, record: WorkloadRecord) {
  return plan?.plan.agents[record.agent]?.workloads.find((desired) => desired.workload === record.id) ?? null
}

export function missing(id: WorkloadId): Refusal {
  return {
    ok: false,
    code: 'not-found',
    why: `There is no workload ${id}.`,
    cure: 'List them with guise get workloads.',
  }
}
