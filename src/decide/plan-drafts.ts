/**
 * Drafts of plans: what is spared, what is contained, what changes. In: the state and what every workload should wear. Out:
 * what each agent gets, whole, with its steps, blast radius and approval class.
 */
import type { AgentState, DesiredState, Generation } from '../model/desired.ts'
import type { AgentId, PersonaId, ShiftId } from '../model/ids.ts'
import type { ApprovalClass, Plan, PlanStep } from '../model/plan.ts'
import type { AgentRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { approvalFor } from './authority.ts'
import { blastRadius } from './blast.ts'
import { canonical, sortBy } from './canonical.ts'
import type { Draft, Notes } from './dress.ts'
import { failSafePaths } from './fail-safe.ts'
import { createPeerSets, type Dressed, type SetMeaning } from './peer-sets.ts'
import type { AgentDraft, DecideInput, PlanDraft } from './plan.ts'

/** What a person spares waits for no containment and no approval of something else. Entries taken off tighten: they go the usual way. */
export function sparingPlan(input: DecideInput, enforcing: readonly AgentRecord[], notes: Notes): PlanDraft | null {
  const wanted = neverBlockOf(input)
  const agents: Record<AgentId, AgentDraft> = {}
  let changed = false
  for (const agent of enforcing) {
    const target = input.target[agent.id]
    if (target === undefined) continue
    const neverBlock = [...new Set([...target.neverBlock, ...wanted])].sort()
    changed ||= neverBlock.length > target.neverBlock.length
    agents[agent.id] = { ...withoutIdentity(target), neverBlock }
  }
  return changed ? finish(input, agents, [], 'change', 'auto', notes) : null
}

export function containmentPlan(
  input: DecideInput,
  enforcing: readonly AgentRecord[],
  drafts: readonly Draft[],
  notes: Notes,
): PlanDraft {
  const agents: Record<AgentId, AgentDraft> = {}
  for (const agent of enforcing) {
    const own = drafts.filter((draft) => draft.record.agent === agent.id)
    const target = input.target[agent.id]
    if (target === undefined && own.length === 0) continue
    const kept = target === undefined ? emptyState(input) : withoutIdentity(target)
    const contained = own.map((draft) => ({
      ...(draft.before ?? openState(draft.after)),
      containment: draft.after.containment,
    }))
    const rest = kept.workloads.filter((desired) => !contained.some((one) => one.workload === desired.workload))
    agents[agent.id] = { ...kept, workloads: sortBy([...rest, ...contained], (one) => one.workload) }
  }
  const steps = drafts.map((draft) => {
    const base = draft.before ?? openState(draft.after)
    return {
      ...stepOf(draft, [draft.after.containment!.why]),
      before: draft.before,
      after: { ...base, containment: draft.after.containment },
    }
  })
  return finish(input, agents, steps, 'containment', 'auto', notes)
}

export function changePlan(
  input: DecideInput,
  enforcing: readonly AgentRecord[],
  drafts: readonly Draft[],
  dressed: readonly Dressed[],
  notes: Notes,
): PlanDraft | null {
  const agents: Record<AgentId, AgentDraft> = {}
  let changed = false
  // Members are the same on every agent, so each set is resolved once.
  const sets = createPeerSets({
    workloads: dressed,
    entries: input.intel.entries,
    homeNetworks: input.settings.homeNetworks,
    names: new Map<string, SetMeaning>(drafts.flatMap((draft) => [...draft.resolution.sets])),
  })
  const byAgent = Map.groupBy(drafts, (draft) => draft.record.agent)
  for (const agent of enforcing) {
    const own = byAgent.get(agent.id) ?? []
    const target = input.target[agent.id]
    if (own.length === 0 && target === undefined) continue
    const named = new Set(own.flatMap((draft) => [...draft.resolution.sets.keys()]))
    const state: AgentDraft = {
      ...emptyState(input),
      workloads: sortBy(
        own.map((draft) => draft.after),
        (one) => one.workload,
      ),
      sets: sets.declared().filter((set) => named.has(set.name)),
    }
    agents[agent.id] = state
    if (target === undefined || canonical(withoutIdentity(target)) !== canonical(state)) changed = true
  }
  if (!changed) return null
  const moved = drafts.filter(differs)
  const steps = moved.map((draft) => stepOf(draft, [draft.effective.why, ...draft.byPolicy]))
  return finish(input, agents, steps, 'change', 'auto', notes)
}

function finish(
  input: DecideInput,
  agents: Record<AgentId, AgentDraft>,
  steps: readonly PlanStep[],
  direction: Plan['direction'],
  least: ApprovalClass,
  notes: Notes,
): PlanDraft {
  const identity = { generation: { system: '', timeline: 0, n: 0 } satisfies Generation, plan: '' }
  const ids = Object.keys(agents).sort() as AgentId[]
  const changed = ids.filter(
    (id) => input.target[id] === undefined || canonical(withoutIdentity(input.target[id])) !== canonical(agents[id]),
  )
  const names = new Map<string, string>(
    input.workloads.flatMap((one) => [
      [one.id as string, one.report.name] as const,
      ...one.report.addresses.map((address) => [address.split('/')[0]!, one.report.name] as const),
    ]),
  )
  const radius = blastRadius(
    changed.map((id) => ({ before: input.target[id] ?? null, after: { ...agents[id]!, ...identity } })),
    new Set(steps.map((step) => step.workload)),
    input.conversations,
    (id) => names.get(id) ?? id,
  )
  const summary =
    steps.length === 0
      ? `address sets or settings of ${changed.length} agent(s) change`
      : `${direction === 'containment' ? 'contains' : 'changes'} ${steps
          .map((step) => names.get(step.workload) ?? step.workload)
          .slice(0, 5)
          .join(
            ', ',
          )}${steps.length > 5 ? ` and ${steps.length - 5} more` : ''}; cuts ${radius.conversationsCut} recent conversation(s)`
  const moved = steps.filter((step) => step.before !== null).length
  const approval =
    direction === 'containment' ? least : approvalFor(input.workloads.length, moved, radius.conversationsCut)
  return { direction, approval, steps, skipped: [...notes.skipped], agents, changed, blastRadius: radius, summary }
}

function stepOf(draft: Draft, why: readonly [Why, ...Why[]]): PlanStep {
  const { before, effective } = draft
  return {
    workload: draft.record.id,
    shift: effective.shift as ShiftId | null,
    from: before === null ? null : { persona: before.persona.id as PersonaId, name: before.persona.name },
    to: { persona: effective.persona.ref.id, name: effective.persona.ref.name },
    why,
    before,
    after: draft.after,
  }
}

export function differs(draft: Draft): boolean {
  return draft.before === null || canonical(draft.before) !== canonical(draft.after)
}
function openState(after: DesiredState): DesiredState {
  const open = {
    rules: [],
    otherwise: 'allow' as const,
    why: { rule: 'not-yet-planned', text: 'no confirmed plan covers it yet' },
  }
  return {
    workload: after.workload,
    key: after.key,
    persona: after.persona,
    egress: open,
    ingress: open,
    containment: null,
  }
}
function emptyState(input: DecideInput): AgentDraft {
  return {
    mode: 'enforce',
    workloads: [],
    sets: [],
    neverBlock: neverBlockOf(input),
    failSafe: failSafePaths(sortBy(input.controlPlane, (one) => `${one.cidr}:${one.port}`)),
    confirmWithinMs: input.settings.confirmWithinMs,
  }
}
function neverBlockOf({ settings, intel }: DecideInput): string[] {
  return [...new Set([...settings.neverBlock, ...intel.neverBlock])].sort()
}
function withoutIdentity(state: AgentState): AgentDraft {
  const { generation: _generation, plan: _plan, ...rest } = state
  return rest
}
