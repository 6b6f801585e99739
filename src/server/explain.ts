/** Answers "why": of a workload, from the record; of one flow, from the plan in force and the slow evaluator. */
import type { FlowQuestion } from '../api/control.ts'
import { explainFlow } from '../compile/evaluate.ts'
import type { Binding } from '../compile/tree.ts'
import { personasOf } from '../decide/effective.ts'
import { whyReport } from '../decide/why.ts'
import { slug, type TenantId, type WorkloadId } from '../model/ids.ts'
import type { PlanRecord, WorkloadRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import type { Outcome, Refusal } from '../model/why.ts'

type ExplainDeps = { readonly tenant: TenantId; readonly store: Store; readonly clock: () => number }

export type Explain = {
  workload(id: WorkloadId): Promise<Outcome<object>>
  flow(id: WorkloadId, question: FlowQuestion): Promise<Outcome<object>>
}

const TALK_MS = 900_000

export function createExplain({ tenant, store, clock }: ExplainDeps): Explain {
  return {
    async workload(id) {
      const [record, plan] = await Promise.all([store.workloads.get(tenant, id), inForce(store, tenant)])
      if (record === null) return missing(id)
      const now = clock()
      const [manifests, conversations, decided] = await Promise.all([
        store.manifests.all(tenant, 'Persona'),
        store.conversations.of(tenant, id, now - TALK_MS, 200),
        planThatMoved(store, tenant, id, plan),
      ])
      const worn = record.worn?.name ?? record.assigned?.name ?? 'Standard User'
      const persona = personasOf(manifests).get(slug(worn)) ?? null
      return {
        ok: true,
        value: whyReport({ now, record, persona, desired: desiredOf(plan, record), plan: decided, conversations }),
      }
    },
    async flow(id, { to, port, protocol }) {
      const [record, plan, all] = await Promise.all([
        store.workloads.get(tenant, id),
        inForce(store, tenant),
        store.workloads.all(tenant),
      ])
      if (record === null) return missing(id)
      const state = plan?.plan.agents[record.agent]
      const from = record.report.addresses.find((address) => address.includes(':') === to.includes(':'))
      if (from === undefined) {
        return {
          ok: false,
          code: 'no-address',
          why: `${record.report.name} has no address of the family of ${to}.`,
          cure: 'Ask for an address of the other family.',
        }
      }
      const flow = { from: from.split('/')[0]!, to, protocol, port: port ?? (protocol === 'icmp' ? 8 : 0) }
      const head = {
        workload: { id, name: record.report.name },
        flow,
        plan: plan?.plan.id ?? null,
        generation: plan?.plan.generation.n ?? null,
      }
      if (state === undefined) {
        const why = { rule: 'not-enforced', text: 'No confirmed plan covers it: everything passes.' }
        return {
          ok: true,
          value: { ...head, verdict: 'allow', egress: { verdict: 'allow', why }, ingress: { verdict: 'allow', why } },
        }
      }
      const bindings = all.filter((one) => one.agent === record.agent).flatMap(bindingOf)
      return { ok: true, value: { ...head, ...explainFlow(state, bindings, flow, { now: clock(), reflexes: [] }) } }
    },
  }
}

function bindingOf({ report }: WorkloadRecord): Binding[] {
  if (report.driver === 'recording') return []
  return [
    {
      key: report.key,
      interface: report.interface,
      addresses: report.addresses.map((one) => one.split('/')[0]!),
      driver: report.driver,
    },
  ]
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

function missing(id: WorkloadId): Refusal {
  return {
    ok: false,
    code: 'not-found',
    why: `There is no workload ${id}.`,
    cure: 'List them with guise get workloads.',
  }
}
