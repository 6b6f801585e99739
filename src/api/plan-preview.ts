/**
 * A plan by its meaning. In: the record, the plan it stands on, what is known of workloads, agents and recent talk. Out: rules
 * and facets before and after in words, whom it touches, what its agents said. Bounded in every direction: a plan may hold
 * ten thousand workloads with five thousand rules each.
 */
import { peerWords, serviceWords } from '../decide/rule-words.ts'
import type { DesiredState, ResolvedRule, RuleList } from '../model/desired.ts'
import { dropsByPolicy, type ForeignChain, foreignText } from '../model/foreign-chain.ts'
import type { AgentId } from '../model/ids.ts'
import type { ApprovalClass, PlanStep } from '../model/plan.ts'
import type {
  AgentPreview,
  FacetDiff,
  FacetName,
  Named,
  PlanPreview,
  RuleDiff,
  RuleText,
  StepPreview,
} from '../model/plan-preview.ts'
import { planTitle } from '../model/plan-summary.ts'
import type { AgentRecord, ApprovalRecord, PlanRecord, WorkloadRecord } from '../model/records.ts'
import { facetWords } from './facet-words.ts'
import { compileForLook, nftDiff } from './plan-nft.ts'
import type { Talked } from './plan-talk.ts'

export const STEPS_SHOWN = 50
const RULES_SHOWN = 200
const NAMES_SHOWN = 400

export type PreviewInput = {
  readonly record: PlanRecord
  readonly parent: PlanRecord | null
  readonly workloads: readonly WorkloadRecord[]
  readonly agents: readonly AgentRecord[]
  readonly approvals: readonly ApprovalRecord[]
  readonly talked: Talked
  /** Hooks of others in the kernels of its agents, as they told last. */
  readonly beside: ReadonlyMap<AgentId, readonly ForeignChain[]>
  /** The newest confirmed generation. */
  readonly inForce: number | null
  readonly nft: 'with' | 'without'
}

export function previewPlan(input: PreviewInput): PlanPreview {
  const { record, parent, workloads } = input
  const { plan, state, updatedAt } = record
  // One that is over is called by its key.
  const names = new Map<string, string>([
    ...plan.steps.map((step) => [step.workload, step.after.key] as const),
    ...workloads.map((one) => [one.id, one.report.name] as const),
  ])
  const nameOf = (id: string) => names.get(id) ?? id
  const owners = new Map(
    workloads.flatMap(({ report }) => report.addresses.map((a) => [a.split('/')[0]!, report.name])),
  )
  const ownerOf = (address: string) => owners.get(address) ?? null
  const changed: Named[] = plan.steps.slice(0, NAMES_SHOWN).map(({ workload: id }) => ({ id, name: nameOf(id) }))
  return {
    id: plan.id,
    title: planTitle(record, nameOf),
    generation: plan.generation.n,
    from_generation: parent?.plan.generation.n ?? null,
    in_force: input.inForce,
    state,
    direction: plan.direction,
    decision: plan.decision,
    proposed_by: plan.proposedBy,
    created_at: plan.createdAt,
    updated_at: updatedAt,
    approval: plan.approval,
    approval_rule: plan.approvalWhy?.rule ?? null,
    approval_words: plan.approvalWhy?.text ?? APPROVAL_WORDS[plan.approval],
    approvals: input.approvals,
    approvals_needed: NEEDED[plan.approval],
    blast_radius: {
      ...plan.blastRadius,
      all: workloads.length,
      changed,
      loses: input.talked.loses?.slice(0, NAMES_SHOWN).map((id) => ({ id, name: nameOf(id) })) ?? null,
    },
    steps: plan.steps.slice(0, STEPS_SHOWN).map((step) => stepPreview(step, nameOf, ownerOf, input.talked)),
    steps_more: Math.max(0, plan.steps.length - STEPS_SHOWN),
    skipped: plan.skipped.slice(0, NAMES_SHOWN).map((one) => ({ ...one, name: nameOf(one.workload) })),
    agents: (Object.keys(plan.agents) as AgentId[]).map((agent) => agentPreview(agent, input)),
    beside: besideOf(input),
    rollback_within_ms: Math.max(0, ...Object.values(plan.agents).map((agent) => agent.confirmWithinMs)),
  }
}

const NEEDED = { auto: 0, one: 1, two: 2 } as const satisfies Record<ApprovalClass, number>
/** Of plans of older releases, which did not keep the row of the table in decide/authority.ts. */
const APPROVAL_WORDS = {
  auto: 'nobody: it only takes reach away, or cuts little',
  one: 'one person: it cuts talk on more than 10 workloads and a quarter of the fleet',
  two: 'two people: it cuts talk on more than half of the fleet',
} as const satisfies Record<ApprovalClass, string>

function stepPreview(
  step: PlanStep,
  nameOf: (id: string) => string,
  ownerOf: (address: string) => string | null,
  talked: Talked,
): StepPreview {
  const { workload, shift, from, to, why, before, after } = step
  const rules = (direction: 'egress' | 'ingress') =>
    ruleDiff(before?.[direction] ?? null, after[direction], (rule, n): RuleText => {
      const seen = talked.seen === null ? null : (talked.seen.get(rule) ?? 0)
      return { ...rule, n, peer: peerWords(rule, ownerOf), service: serviceWords(rule), seen }
    })
  return {
    workload,
    shift,
    from,
    to,
    why,
    name: nameOf(workload),
    rules: { egress: rules('egress'), ingress: rules('ingress') },
    facets: facetsOf(before, after, talked.copied?.get(workload) ?? null),
    containment: after.containment,
  }
}

function ruleDiff(
  before: RuleList | null,
  after: RuleList,
  textOf: (rule: ResolvedRule, n: number) => RuleText,
): RuleDiff {
  const keyOf = ({ verdict, match, tier, limit, log, beyond }: ResolvedRule) =>
    JSON.stringify([verdict, match, tier ?? 0, limit, log, beyond])
  const keyed = (list: RuleList | null) =>
    new Map((list?.rules ?? []).map((rule, i) => [keyOf(rule), { rule, i }] as const))
  const was = keyed(before)
  const will = keyed(after)
  const some = (all: readonly { rule: ResolvedRule; i: number }[]) =>
    all.slice(0, RULES_SHOWN).map(({ rule, i }) => textOf(rule, i + 1))
  const added = [...will].filter(([key]) => !was.has(key)).map(([, one]) => one)
  const kept = [...will].flatMap(([key, one]) => (was.has(key) ? [{ ...one, key }] : []))
  const removed = [...was].filter(([key]) => !will.has(key)).map(([, one]) => one)
  const more = (all: readonly unknown[]) => Math.max(0, all.length - RULES_SHOWN)
  return {
    removed: some(removed),
    added: some(added),
    kept: kept.slice(0, RULES_SHOWN).map(({ key, rule, i }) => ({ ...textOf(rule, i + 1), was: was.get(key)!.i + 1 })),
    more: { removed: more(removed), added: more(added), kept: more(kept) },
    otherwise: { before: before?.otherwise ?? null, after: after.otherwise },
  }
}

function facetsOf(before: DesiredState | null, after: DesiredState, copied: number | null): StepPreview['facets'] {
  const was = before === null ? {} : facetWords(before)
  const isLookSame = before?.inspection?.level === after.inspection?.level
  const will = facetWords(after, isLookSame ? null : copied)
  const names = [...new Set([...Object.keys(will), ...Object.keys(was)])] as FacetName[]
  const persona = { rule: `persona:${after.persona.id}`, text: `${after.persona.name} v${after.persona.version}` }
  const reason = (facet: FacetName) =>
    facet === 'containment'
      ? (after.containment?.why ?? before?.containment?.why ?? null)
      : facet === 'ladder'
        ? (after.ladder?.why ?? before?.ladder?.why ?? null)
        : facet === 'rest-out'
          ? after.egress.why
          : facet === 'rest-in'
            ? after.ingress.why
            : persona
  const isChanged = (facet: FacetName) => (was[facet] ?? null) !== (will[facet] ?? null)
  return {
    changed: names.filter(isChanged).map((facet): FacetDiff => {
      return { facet, before: was[facet] ?? null, after: will[facet] ?? null, why: reason(facet) }
    }),
    unchanged: names.filter((facet) => !isChanged(facet)),
  }
}

const OTHERS_SHOWN = 20
const HOOKS = ['forward', 'input', 'output']

function besideOf({ record, agents, beside }: PreviewInput): PlanPreview['beside'] {
  return (Object.keys(record.plan.agents) as AgentId[])
    .flatMap((agent) => {
      const host = agents.find((one) => one.id === agent)?.host ?? agent
      const dropping = (beside.get(agent) ?? []).filter((one) => dropsByPolicy(one) && HOOKS.includes(one.hook))
      return dropping.map((one) => ({ host, text: `${one.hook}: ${foreignText(one)}` }))
    })
    .slice(0, OTHERS_SHOWN)
}

function agentPreview(agent: AgentId, { record, parent, workloads, agents, nft }: PreviewInput): AgentPreview {
  const own = workloads.filter((one) => one.agent === agent)
  const after = compileForLook(record.plan.agents[agent] ?? null, own)
  const { host, applied } = agents.find((one) => one.id === agent) ?? { host: agent, applied: null }
  const there = applied !== null && applied.generation.n === record.plan.generation.n
  const hash = after?.hash ?? null
  const live = !there
    ? 'waits'
    : hash === null || applied.hash === ''
      ? 'unknown'
      : applied.hash === hash
        ? 'equal'
        : 'differs'
  const look = { agent, host, hash, live, liveHash: there && applied.hash !== '' ? applied.hash : null } as const
  if (nft === 'without' || after === null) return look
  return { ...look, nft: nftDiff(compileForLook(parent?.plan.agents[agent] ?? null, own), after) }
}
