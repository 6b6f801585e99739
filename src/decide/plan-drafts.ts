/**
 * Drafts of plans: what is spared, what is contained, what changes. In: the state and what every workload should wear. Out:
 * what each agent gets, whole, with its steps, blast radius and approval class.
 */
import type { AddressSet, DesiredState, ResolvedRule } from '../model/desired.ts'
import type { AgentId } from '../model/ids.ts'
import type { AgentRecord } from '../model/records.ts'
import { sameMeaning, sortBy } from './canonical.ts'
import { climbs, differs } from './draft-change.ts'
import { type Draft, type Notes, neverBlockOf } from './dress.ts'
import { personasOf } from './effective.ts'
import { emptyState, finish, openState, stepOf, withoutIdentity } from './finish-plan.ts'
import { isOfLadder } from './ladder.ts'
import { createPeerSets, type Dressed, type SetMeaning } from './peer-sets.ts'
import type { Places } from './places.ts'
import type { AgentDraft, DecideInput, PlanDraft } from './plan.ts'
import { trustedResolvers } from './trusted-resolvers.ts'

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
  return changed ? finish(input, agents, [], 'change', [], notes) : null
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
  return finish(input, agents, steps, 'containment', drafts, notes)
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
    resolvers: resolversOf(input),
    ...placesOf(input),
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
    state.sets.push(...keptSets(state, target?.sets ?? []))
    agents[agent.id] = state
    if (target === undefined || !sameMeaning(withoutIdentity(target), state)) changed = true
  }
  if (!changed) return null
  const moved = drafts.filter(differs)
  const steps = moved.map((draft) => stepOf(draft, [draft.effective.why, ...draft.byPolicy]))
  return finish(input, agents, steps, 'change', moved, notes)
}

function placesOf({ intel: { places } }: DecideInput): { readonly places?: Places } {
  return places === undefined ? {} : { places }
}

function resolversOf({ manifests, settings }: DecideInput): string[] {
  return trustedResolvers(personasOf(manifests).values(), settings.resolvers)
}

/** What is held back keeps its rules, and they the sets they name. */
function keptSets({ workloads, sets }: AgentDraft, old: readonly AddressSet[]): AddressSet[] {
  const there = new Set(sets.map((set) => set.name))
  const named = new Set(
    workloads.flatMap(({ egress, ingress }) =>
      [...egress.rules, ...ingress.rules].flatMap(({ match: { peer } }) => (peer.kind === 'set' ? [peer.set] : [])),
    ),
  )
  return old.filter((set) => named.has(set.name) && !there.has(set.name))
}

/**
 * Steps up a ladder alone, on what is in force: risk does not wait for the approval of something else. null when nobody who
 * wears something climbs.
 */
export function tighteningPlan(
  input: DecideInput,
  enforcing: readonly AgentRecord[],
  all: readonly Draft[],
  dressed: readonly Dressed[],
  notes: Notes,
): PlanDraft | null {
  const drafts = all.filter((draft) => draft.before?.persona.id === draft.after.persona.id && climbs(draft))
  if (drafts.length === 0) return null
  const climbed = new Map(drafts.map((draft) => [draft.record.id as string, climbedState(draft)]))
  const sets = createPeerSets({
    workloads: dressed,
    entries: input.intel.entries,
    homeNetworks: input.settings.homeNetworks,
    names: new Map<string, SetMeaning>(drafts.flatMap((draft) => [...draft.resolution.sets])),
    resolvers: resolversOf(input),
    ...placesOf(input),
  }).declared()
  const agents: Record<AgentId, AgentDraft> = {}
  for (const agent of enforcing) {
    const target = input.target[agent.id]
    if (target === undefined) continue
    const kept = withoutIdentity(target)
    const workloads = kept.workloads.map((one) => climbed.get(one.workload) ?? one)
    const old = new Set(kept.sets.map((set) => set.name))
    const state = { ...kept, workloads, sets: [...kept.sets] }
    state.sets.push(
      ...keptSets(
        { ...state, sets: kept.sets },
        sets.filter((set) => !old.has(set.name)),
      ),
    )
    agents[agent.id] = state
  }
  const steps = drafts.map((draft) => ({
    ...stepOf(draft, [draft.after.ladder!.why]),
    shift: null,
    after: climbed.get(draft.record.id)!,
  }))
  return finish(
    input,
    agents,
    steps,
    'change',
    drafts.map((draft) => ({ ...draft, approval: 'auto' as const })),
    notes,
  )
}

/** The step's rules before those in force, its rates where they are lower. */
function climbedState({ before, after }: Draft): DesiredState {
  const list = (direction: 'egress' | 'ingress') => ({
    ...before![direction],
    rules: [
      ...after[direction].rules.filter(isOfLadder),
      ...before![direction].rules.filter((rule: ResolvedRule) => !isOfLadder(rule)),
    ],
  })
  const bandwidth = lower(before!.bandwidth, after.bandwidth)
  return {
    ...before!,
    egress: list('egress'),
    ingress: list('ingress'),
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ladder: after.ladder!,
  }
}

function lower(was: DesiredState['bandwidth'], will: DesiredState['bandwidth']): DesiredState['bandwidth'] {
  const rate = (state: DesiredState['bandwidth']) => (state?.up?.rate ?? Infinity) + (state?.down?.rate ?? Infinity)
  return will !== undefined && (was === undefined || rate(will) < rate(was)) ? will : was
}
