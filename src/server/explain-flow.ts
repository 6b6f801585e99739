/**
 * Why one flow passes or not: the plan in force and the reflexes that hold through the slow evaluator, beside it what kernels
 * logged as refused in the last hour, and for what passed, which conditions of a deny were not met.
 */

import type { FlowQuestion } from '../api/control.ts'
import { createIndicatorIndex, createNeverBlock, type IndicatorIndex } from '../assess/indicators.ts'
import { bindingsOfReport } from '../compile/bind.ts'
import { explainFlow, type Flow } from '../compile/evaluate.ts'
import { whatIf } from '../compile/what-if.ts'
import { personasOf } from '../decide/effective.ts'
import { whyNotBlocked } from '../decide/not-blocked.ts'
import { canonicalText, parseAddress } from '../model/address.ts'
import type { AgentState } from '../model/desired.ts'
import { PACKETS } from '../model/facets.ts'
import { Proto } from '../model/flow.ts'
import { type ForeignChain, foreignAt, foreignText } from '../model/foreign-chain.ts'
import { type AgentId, slug, type TenantId, type WorkloadId } from '../model/ids.ts'
import type { PlanRecord, WorkloadRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import type { Outcome, Refusal, Why } from '../model/why.ts'
import type { Denial, DenialLog } from './denials.ts'
import { missing } from './explain.ts'
import type { Intel } from './intel.ts'
import { type LiveReflex, liveReflexes } from './reflexes.ts'

type FlowDeps = {
  readonly tenant: TenantId
  readonly store: Store
  readonly clock: () => number
  readonly denials: DenialLog
  readonly intel: () => Intel
  /** Hooks of others in the kernel of that agent. */
  readonly beside: (agent: AgentId) => readonly ForeignChain[]
}

export type FlowExplain = {
  of(id: WorkloadId, question: FlowQuestion): Promise<Outcome<object>>
  /** Between any two addresses, at least one of them ours. */
  between(from: string, question: FlowQuestion): Promise<Outcome<object>>
}

type World = { readonly plan: PlanRecord | null; readonly all: readonly WorkloadRecord[] }
/** `would-deny`: the rules say deny, and the mode of its agent only counts it. */
type Judged = {
  readonly verdict: 'allow' | 'deny' | 'would-deny'
  readonly why: Why
  /** What only its kernel knows, and what the verdict would be then. */
  readonly depends: readonly string[]
}

export function createFlowExplain(deps: FlowDeps): FlowExplain {
  const { tenant, store, clock } = deps
  let rated: { hash: string; index: IndicatorIndex; never: ReturnType<typeof createNeverBlock> } | null = null
  /** Built when the first question of a new list comes: a hundred thousand entries take a while. */
  const ratings = () => {
    const { hash, entries, neverBlock } = deps.intel()
    if (rated?.hash !== hash)
      rated = { hash, index: createIndicatorIndex(entries), never: createNeverBlock(neverBlock) }
    return rated
  }
  const world = async (): Promise<World> => {
    const [{ confirmed }, all] = await Promise.all([store.plans.target(tenant), store.workloads.all(tenant)])
    return { plan: confirmed, all }
  }

  async function answer({ plan, all }: World, flow: Flow, from: WorkloadRecord | null, to: WorkloadRecord | null) {
    const now = clock()
    const judged = async (end: WorkloadRecord | null, direction: 'egress' | 'ingress') =>
      judge(plan, all, flow, end, direction, now, end === null ? [] : await liveReflexes(store, tenant, end.id, now))
    const [egress, ingress] = await Promise.all([judged(from, 'egress'), judged(to, 'ingress')])
    const said = [egress.verdict, ingress.verdict]
    const verdict = said.find((one) => one === 'deny') ?? said.find((one) => one === 'would-deny') ?? 'allow'
    const ours = from ?? to
    return {
      workload: ours === null ? null : { id: ours.id, name: ours.report.name },
      flow,
      plan: plan?.plan.id ?? null,
      generation: plan?.plan.generation.n ?? null,
      verdict,
      egress: { verdict: egress.verdict, why: egress.why },
      ingress: { verdict: ingress.verdict, why: ingress.why },
      depends: [...new Set([...egress.depends, ...ingress.depends])].slice(0, DEPENDENCES),
      denied: seen(deps.denials, flow, [from, to]),
      // Our own word is enough where it is no.
      beside: verdict === 'deny' ? [] : others(deps.beside, from, to),
      notBlocked:
        verdict === 'deny' || ours === null ? [] : await passed(ours, ours === from ? flow.to : flow.from, plan),
    }
  }

  async function passed(ours: WorkloadRecord, peer: string, plan: PlanRecord | null): Promise<string[]> {
    const { index, never } = ratings()
    const words = parseAddress(peer)
    const manifests = await store.manifests.all(tenant, 'Persona')
    const worn = personasOf(manifests).get(slug(ours.worn?.name ?? ours.assigned?.name ?? 'Standard User'))
    const agents = await store.agents.list(tenant)
    return whyNotBlocked({
      mode: agents.find((agent) => agent.id === ours.agent)?.mode ?? null,
      generation: plan?.plan.agents[ours.agent] === undefined ? null : plan.plan.generation.n,
      peer,
      reputation: words === null ? null : index.lookup(words),
      neverBlock: words !== null && never.covers(words),
      workload: ours.report.name,
      risk: ours.risk?.value ?? null,
      ladder: (worn?.spec.mitigationRules ?? []).map((rule) => rule.when),
    })
  }

  return {
    async of(id, question) {
      const [record, seen] = await Promise.all([store.workloads.get(tenant, id), world()])
      if (record === null) return missing(id)
      const from = record.report.addresses.find((address) => address.includes(':') === question.to.includes(':'))
      if (from === undefined) {
        return {
          ok: false,
          code: 'no-address',
          why: `${record.report.name} has no address of the family of ${question.to}.`,
          cure: 'Ask for an address of the other family.',
        }
      }
      const flow = flowOf(from.split('/')[0]!, question)
      return { ok: true, value: await answer(seen, flow, record, owner(seen.all, flow.to)) }
    },
    async between(from, question) {
      const seen = await world()
      const flow = flowOf(from, question)
      const [source, target] = [owner(seen.all, flow.from), owner(seen.all, flow.to)]
      if (source === null && target === null) return foreignFlow(flow.from, flow.to)
      return { ok: true, value: await answer(seen, flow, source, target) }
    },
  }
}

const OTHERS = 5
const DEPENDENCES = 10

/** Of each end where its packets pass; both ends may be on one host. */
function others(beside: FlowDeps['beside'], from: WorkloadRecord | null, to: WorkloadRecord | null): string[] {
  const at = (end: WorkloadRecord | null, direction: 'egress' | 'ingress') => {
    const where = end === null ? null : PACKETS[end.report.driver]
    return end === null || where === null ? [] : foreignAt(beside(end.agent), where, direction)
  }
  const texts = [...at(from, 'egress'), ...at(to, 'ingress')].map(
    (one) => `a chain of somebody else at priority ${one.priority} may have dropped it: ${foreignText(one)}`,
  )
  return [...new Set(texts)].slice(0, OTHERS)
}

export function foreignFlow(from: string, to: string): Refusal {
  return {
    ok: false,
    code: 'foreign-flow',
    why: `Neither ${from} nor ${to} is an address of a workload: this traffic falls through our rules untouched.`,
    cure: 'Look for the addresses in guise get workloads.',
  }
}

const flowOf = (from: string, { to, port, protocol }: FlowQuestion): Flow => ({
  from: canonicalText(from),
  to: canonicalText(to),
  protocol,
  port: port ?? (protocol !== 'icmp' ? 0 : to.includes(':') ? 128 : 8),
})

function owner(all: readonly WorkloadRecord[], address: string): WorkloadRecord | null {
  return all.find(({ report }) => report.addresses.some((own) => canonicalText(own.split('/')[0]!) === address)) ?? null
}

/** Each end is judged where it is enforced, by the state of its own agent. */
function judge(
  plan: PlanRecord | null,
  all: readonly WorkloadRecord[],
  flow: Flow,
  end: WorkloadRecord | null,
  direction: 'egress' | 'ingress',
  now: number,
  reflexes: readonly LiveReflex[],
): Judged {
  if (end === null)
    return {
      verdict: 'allow',
      why: { rule: 'guise/foreign', text: 'This end is no workload of ours, so no rule judges it.' },
      depends: [],
    }
  const state = plan?.plan.agents[end.agent]
  if (state === undefined)
    return {
      verdict: 'allow',
      why: { rule: 'not-enforced', text: 'No confirmed plan covers it: everything passes.' },
      depends: [],
    }
  const bindings = all.filter((one) => one.agent === end.agent).flatMap(({ report }) => bindingsOfReport(report))
  const live = { now, reflexes }
  const { verdict, why } = explainFlow(state, bindings, flow, live)[direction]
  const workload = state.workloads.find(({ key }) => key === end.report.key)
  const more = workload === undefined ? [] : whatIf(state, bindings, workload, direction, flow, live)
  const peer = direction === 'egress' ? flow.to : flow.from
  const reflex = why.rule === 'guise/reflex' ? reflexes.find((one) => canonicalText(one.peer) === peer) : undefined
  return {
    verdict: verdict === 'deny' && state.mode !== 'enforce' ? 'would-deny' : verdict,
    why: reflex === undefined ? withEnd(why, state, end) : { ...why, text: reflexText(end, reflex) },
    depends: more.map((one) => `${one.verdict} by ${one.rule} ${one.text}`),
  }
}

/** A containment ends by itself: its sentence says when. */
function withEnd(why: Why, state: AgentState, end: WorkloadRecord): Why {
  const containment = state.workloads.find(({ key }) => key === end.report.key)?.containment ?? null
  if (containment === null || containment.why !== why) return why
  return { ...why, text: `${why.text}; until ${new Date(containment.until).toISOString()}` }
}

function reflexText(end: WorkloadRecord, { peer, until, why }: LiveReflex): string {
  return `a reflex cut ${end.report.name} off from ${peer} until ${new Date(until).toISOString()}: ${why}`
}

const NUMBERS = { tcp: [Proto.tcp], udp: [Proto.udp], sctp: [Proto.sctp], icmp: [Proto.icmp, Proto.icmp6] } as const

/** An agent speaks of its own workloads only. */
function seen(log: DenialLog, flow: Flow, ends: readonly (WorkloadRecord | null)[]): Denial[] {
  const numbers: readonly number[] = typeof flow.protocol === 'number' ? [flow.protocol] : NUMBERS[flow.protocol]
  return numbers
    .flatMap((proto) => log.between({ from: flow.from, to: flow.to, proto, port: flow.port }))
    .filter((denial) => ends.some((end) => end?.agent === denial.agent))
    .slice(0, 20)
}
