/**
 * Decides. In: the whole state, with time, seed and what is in force as arguments. Out: one immutable draft (what each agent
 * should enforce, whole) or none, what would be done if it were allowed, and a reason for every step taken or left out.
 * The same state gives the same answer in any order of its parts.
 */
import type { AgentState, DesiredState, Generation } from '../model/desired.ts'
import { CARRIES, facetsOf } from '../model/facets.ts'
import type { AgentId, PersonaId, ShiftId, TenantId, WorkloadId } from '../model/ids.ts'
import { slug } from '../model/ids.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import type { ApprovalClass, Plan, PlanStep } from '../model/plan.ts'
import { durationMs } from '../model/policy.ts'
import type {
  AgentRecord,
  ConversationRecord,
  ManifestRecord,
  Settings,
  ShiftRecord,
  WorkloadRecord,
} from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { takenAddresses } from './address-claims.ts'
import { type BlastRadius, blastRadius } from './blast.ts'
import { canonical, digest } from './canonical.ts'
import { contextOf } from './context.ts'
import { type Effective, effectiveOf, type Persona, personasOf } from './effective.ts'
import { type Endpoint, failSafePaths } from './fail-safe.ts'
import { type Mitigation, mitigate } from './mitigate.ts'
import { createPeerSets, type Dressed, type IntelEntry, type SetMeaning } from './peer-sets.ts'
import { type Resolution, resolve } from './resolve.ts'
import { createRuleEngine, type RuleEngine } from './rules.ts'
import { isSubject } from './subjects.ts'

export type DecideInput = {
  /** epoch ms */
  readonly now: number
  readonly seed: number
  readonly tenant: TenantId
  readonly settings: Settings
  readonly agents: readonly AgentRecord[]
  readonly workloads: readonly WorkloadRecord[]
  readonly manifests: readonly ManifestRecord[]
  readonly intel: {
    readonly entries: readonly IntelEntry[]
    readonly neverBlock: readonly string[]
    readonly hash: string
  }
  /** Every shift not yet over, an operator's and our own; ended and terminal ones are passed over. */
  readonly shifts: readonly ShiftRecord[]
  /** What each agent enforces now, as last confirmed. */
  readonly target: Readonly<Record<AgentId, AgentState>>
  /** The last minutes, for the blast radius. */
  readonly conversations: readonly ConversationRecord[]
  readonly controlPlane: readonly Endpoint[]
  /** Workloads automation changed in the last minute. */
  readonly recentChanges: number
  /** From the last decision: when each `when` policy took hold. Losing it only starts their ttl again. */
  readonly activations: Readonly<Record<string, number>>
}

export type ShiftProposal = {
  readonly workload: WorkloadId
  readonly from: Persona['ref'] | null
  readonly to: Persona['ref']
  readonly until: number
  readonly why: readonly [Why, ...Why[]]
}
export type AgentDraft = Omit<AgentState, 'generation' | 'plan'>
export type PlanDraft = {
  readonly direction: Plan['direction']
  readonly approval: ApprovalClass
  readonly steps: readonly PlanStep[]
  readonly skipped: Plan['skipped']
  /** Every enforcing agent, whole. */
  readonly agents: Readonly<Record<AgentId, AgentDraft>>
  /** Those whose state differs from the target. */
  readonly changed: readonly AgentId[]
  readonly blastRadius: BlastRadius
  readonly summary: string
}
export type Decision = {
  readonly plan: PlanDraft | null
  /** New never-block entries alone, on what is in force now: for when `plan` cannot be had. Null = there are none. */
  readonly sparing: PlanDraft | null
  /** New automatic shifts: store them, decide again, and they are worn. */
  readonly shifts: readonly ShiftProposal[]
  /** What is not done because of a mode or a cap, with why. */
  readonly wouldDo: readonly { readonly workload: WorkloadId; readonly why: Why }[]
  readonly skipped: Plan['skipped']
  readonly alarms: readonly Why[]
  readonly report: readonly string[]
  /** SHA-256 by name, for the ledger. */
  readonly inputs: Readonly<Record<string, string>>
  readonly activations: Readonly<Record<string, number>>
  /** When something ends by itself next; decide again then. */
  readonly wakeAt: number | null
}

export type Draft = {
  readonly record: WorkloadRecord
  readonly effective: Effective
  readonly resolution: Resolution
  readonly mitigation: Mitigation
  readonly byPolicy: readonly Why[]
  readonly before: DesiredState | null
  after: DesiredState
}
type Notes = {
  readonly skipped: { workload: WorkloadId; why: Why }[]
  readonly wouldDo: { workload: WorkloadId; why: Why }[]
  readonly alarms: Why[]
  readonly shifts: ShiftProposal[]
  readonly activations: Record<string, number>
}

/** What every workload should wear by what is written, whatever the mode of its agent. */
export function dressFleet(input: DecideInput, notes: Notes = emptyNotes()) {
  const engine = createRuleEngine()
  const personas = personasOf(input.manifests)
  const policies = input.manifests.flatMap((one) => (one.manifest.kind === 'Policy' ? [one.manifest] : []))
  const dressed = sortBy(input.workloads, (one) => one.id).map((record) => ({
    record,
    effective: effectiveOf(record, personas, input.shifts, input.now),
  }))
  const resolving = resolveOnce()
  const drafts = dressed.flatMap((one) => draftOf(input, one, policies, personas, engine, resolving, notes))
  return { dressed, drafts: withoutTaken(input, dressed, drafts, notes) }
}

function emptyNotes(): Notes {
  return { skipped: [], wouldDo: [], alarms: [], shifts: [], activations: {} }
}

/** Who wears the same persona under the same policies has the same rules: one list for all of them. */
function resolveOnce(): typeof resolve {
  const known = new Map<string, Resolution>()
  return (persona, policies) => {
    const key = JSON.stringify([persona.ref.id, ...policies.map((policy) => policy.metadata.name)])
    const resolution = known.get(key) ?? resolve(persona, policies)
    known.set(key, resolution)
    return resolution
  }
}

export function decide(input: DecideInput): Decision {
  return { ...decideUnsigned(input), inputs: digests(input) }
}

/** The decision without the digests of its inputs: for previews, which are not written down. */
export function decideUnsigned(input: DecideInput): Omit<Decision, 'inputs'> {
  const notes = emptyNotes()
  const { dressed, drafts } = dressFleet(input, notes)
  const enforcing = sortBy(input.agents, (one) => one.id).filter((agent) => {
    if (agent.mode === 'enforce') return true
    for (const draft of drafts)
      if (draft.record.agent === agent.id && differs(draft))
        notes.wouldDo.push({
          workload: draft.record.id,
          why: {
            rule: `mode/${agent.mode}`,
            text: `its agent is in mode ${agent.mode}; in enforce: ${changeText(draft)}`,
          },
        })
    return false
  })
  const mine = drafts.filter((draft) => enforcing.some((agent) => agent.id === draft.record.agent))
  freezeAboveCap(input, mine, notes)
  const containing = mine.filter((draft) => isContainment(draft))
  const wanted =
    containing.length > 0
      ? containmentPlan(input, enforcing, containing, notes)
      : changePlan(input, enforcing, mine, dressed, notes)
  const sparing = sparingPlan(input, enforcing, notes)
  const plan = sparing !== null && (containing.length > 0 || wanted?.approval !== 'auto') ? sparing : wanted
  return {
    plan,
    sparing,
    shifts: notes.shifts,
    wouldDo: notes.wouldDo,
    skipped: notes.skipped,
    alarms: notes.alarms,
    report: [
      ...(plan?.steps ?? []).map((step) => `${step.workload}: ${step.why[0].text}`),
      ...notes.skipped.map((one) => `${one.workload} left out: ${one.why.text}`),
      ...notes.wouldDo.map((one) => `${one.workload} would: ${one.why.text}`),
      ...notes.alarms.map((one) => `alarm: ${one.text}`),
    ],
    activations: notes.activations,
    wakeAt: wakeAt(input, mine),
  }
}

/** The draft with its identity: what the store keeps and agents get. `shiftOf` names the shift a step carries out. */
export function planOf(
  draft: PlanDraft,
  identity: Pick<Plan, 'id' | 'tenant' | 'parent' | 'generation' | 'decision' | 'createdAt' | 'proposedBy'>,
): Plan {
  const { changed: _changed, summary: _summary, agents, ...rest } = draft
  return {
    ...rest,
    ...identity,
    agents: Object.fromEntries(
      Object.entries(agents).map(([agent, state]) => [
        agent,
        { ...state, generation: identity.generation, plan: identity.id },
      ]),
    ) as Plan['agents'],
  }
}

function draftOf(
  input: DecideInput,
  one: Dressed,
  policies: readonly PolicyManifest[],
  personas: ReadonlyMap<string, Persona>,
  engine: RuleEngine,
  resolving: typeof resolve,
  notes: Notes,
): Draft[] {
  const { record, effective } = one
  const skip = (rule: string, text: string): Draft[] => {
    notes.skipped.push({ workload: record.id, why: { rule, text } })
    return []
  }
  if (record.report.driver === 'recording')
    return skip('driver/recording', 'it is a recording: everything is observed, nothing is worn')
  if (record.report.frontedBy !== undefined)
    return skip('fronted', `${record.report.frontedBy} fronts it and wears its persona`)
  const carried: readonly string[] = CARRIES[record.report.driver as keyof typeof CARRIES] ?? []
  const missing = facetsOf(effective.persona.spec).filter((facet) => !carried.includes(facet))
  const before = inForce(input, record)
  if (missing.length > 0)
    return skip(
      'facet-not-supported',
      `driver ${record.report.driver as string} does not carry ${missing.join(', ')}, so it does not wear ${effective.persona.ref.name}`,
    )
  const { applying, byPolicy } = policiesFor(input, one, policies, engine, notes)
  const resolution = resolving(effective.persona, applying)
  for (const rule of resolution.wouldDo)
    if (rule.verdict === 'deny') notes.wouldDo.push({ workload: record.id, why: rule.why })
  const mitigation = mitigate(record, effective.persona, before?.containment ?? null, input.now, engine)
  for (const why of mitigation.skipped) notes.skipped.push({ workload: record.id, why })
  proposeShift(input, one, mitigation, personas, notes)
  const { ref, spec } = effective.persona
  const network = spec.profile?.network
  const dns = spec.profile?.dns
  const after: DesiredState = {
    workload: record.id,
    key: record.report.key,
    persona: { ...ref },
    egress: resolution.egress,
    ingress: resolution.ingress,
    ...(network === undefined
      ? {}
      : { network: { addresses: [...network.addresses], gateways: [...(network.gateways ?? [])] } }),
    ...(dns === undefined ? {} : { dns: { servers: [...dns.servers], search: [...(dns.search ?? [])] } }),
    containment: mitigation.containment,
  }
  return [{ record, effective, resolution, mitigation, byPolicy, before, after }]
}

function inForce(input: DecideInput, record: WorkloadRecord): DesiredState | null {
  return input.target[record.agent]?.workloads.find((desired) => desired.workload === record.id) ?? null
}

/** An address is worn once: who may not have it wears the rest of its persona. */
function withoutTaken(input: DecideInput, dressed: readonly Dressed[], drafts: Draft[], notes: Notes): Draft[] {
  const taken = takenAddresses(dressed, ({ record }) => inForce(input, record))
  return drafts.map((draft) => {
    const found = taken.get(draft.record.id)
    if (found === undefined) return draft
    const { network: _network, ...after } = draft.after
    const text = `its persona ${draft.effective.persona.ref.name} has the address ${found.address}, which is ${found.by.record.report.name}'s, so it keeps its own network`
    notes.skipped.push({ workload: draft.record.id, why: { rule: 'address-taken', text: text.slice(0, 500) } })
    return { ...draft, after }
  })
}

/** Policies whose subject and `when` hold. A `when` that took hold stays for its ttl, and is renewed only if it still holds then. */
function policiesFor(
  input: DecideInput,
  dressed: Dressed,
  policies: readonly PolicyManifest[],
  engine: RuleEngine,
  notes: Notes,
) {
  const { record, effective } = dressed
  const byPolicy: Why[] = []
  const applying = policies.filter((policy) => {
    const { when, ttl } = policy.spec
    if (!isSubject(policy, dressed)) return false
    if (when === undefined) return true
    const name = policy.metadata.name
    const compiled = engine.compile(when)
    const held = compiled.ok
      ? compiled.value.evaluate(contextOf(record, effective.persona.ref.name, input.now))
      : { holds: false, failed: compiled.why }
    if (held.failed !== null)
      notes.skipped.push({
        workload: record.id,
        why: { rule: name, policy: name, text: `\`${when}\` could not be evaluated: ${held.failed}`.slice(0, 500) },
      })
    const key = `${slug(name)}/${record.id}`
    const since = input.activations[key]
    const span = ttl === undefined ? 0 : durationMs(ttl)
    const running = since !== undefined && input.now < since + span
    if (!running && !held.holds) return false
    notes.activations[key] = running ? since : input.now
    byPolicy.push({ rule: name, policy: name, text: `policy ${name} holds because \`${when}\``.slice(0, 500) })
    return true
  })
  return { applying, byPolicy }
}

function proposeShift(
  input: DecideInput,
  { record, effective }: Dressed,
  mitigation: Mitigation,
  personas: ReadonlyMap<string, Persona>,
  notes: Notes,
): void {
  const { shift } = mitigation
  if (shift === null) return
  const to = personas.get(slug(shift.persona))
  if (to === undefined) {
    notes.skipped.push({
      workload: record.id,
      why: { ...shift.why, text: `there is no persona ${shift.persona} to shift to` },
    })
    return
  }
  if (to.ref.id === effective.persona.ref.id) return
  const proposal = {
    workload: record.id,
    from: effective.persona.ref,
    to: to.ref,
    until: shift.until,
    why: [shift.why] as const,
  }
  const agent = input.agents.find((one) => one.id === record.agent)
  if (agent?.mode === 'enforce') notes.shifts.push(proposal)
  else
    notes.wouldDo.push({
      workload: record.id,
      why: { ...shift.why, text: `would shift it to ${to.ref.name}: ${shift.why.text}`.slice(0, 500) },
    })
}

function freezeAboveCap(input: DecideInput, drafts: readonly Draft[], notes: Notes): void {
  const automatic = drafts.filter((draft) => differs(draft) && isAutomatic(draft))
  const room = Math.max(0, input.settings.maxChangesPerMinute - input.recentChanges)
  if (automatic.length <= room) return
  const text = `automation would change ${automatic.length} workloads now and changed ${input.recentChanges} in the last minute, above the cap of ${input.settings.maxChangesPerMinute}: it only suggests until that falls`
  notes.alarms.push({ rule: 'cap/changes-per-minute', text })
  for (const draft of automatic) {
    notes.wouldDo.push({ workload: draft.record.id, why: { rule: 'cap/changes-per-minute', text: changeText(draft) } })
    // What is in force stays: frozen means neither tightened nor loosened by itself.
    if (draft.before !== null) draft.after = draft.before
    else draft.after = { ...draft.after, containment: null }
  }
}

/** What a person spares waits for no containment and no approval of something else. Entries taken off tighten: they go the usual way. */
function sparingPlan(input: DecideInput, enforcing: readonly AgentRecord[], notes: Notes): PlanDraft | null {
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

function containmentPlan(
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

function changePlan(
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

/** One person for a change that cuts talk on more than 10 workloads and a quarter of the fleet; two for more than half of 20 or more. First adoption is what its owner declared. */
export function approvalFor(fleet: number, moved: number, cut: number): ApprovalClass {
  if (cut === 0 || moved <= Math.max(10, fleet / 4)) return 'auto'
  return fleet >= 20 && moved > fleet / 2 ? 'two' : 'one'
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

function differs(draft: Draft): boolean {
  return draft.before === null || canonical(draft.before) !== canonical(draft.after)
}
/** New or renewed containment: only takes reach away, and ends. */
function isContainment({ before, after }: Draft): boolean {
  return after.containment !== null && canonical(after.containment) !== canonical(before?.containment ?? null)
}
/** An automatic tightening; that an effect ended by itself, or that a person asked for it, is not counted against the cap. */
function isAutomatic(draft: Draft): boolean {
  return (
    isContainment(draft) ||
    (draft.before !== null && (draft.byPolicy.length > 0 || draft.effective.cause === 'automatic'))
  )
}
function changeText(draft: Draft): string {
  if (isContainment(draft))
    return `contain it (${draft.after.containment!.directions}): ${draft.after.containment!.why.text}`.slice(0, 500)
  return `wear ${draft.effective.persona.ref.name}: ${draft.effective.why.text}`.slice(0, 500)
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
function wakeAt(input: DecideInput, drafts: readonly Draft[]): number | null {
  const ends = [
    ...drafts.flatMap((draft) => [draft.after.containment?.until ?? 0, draft.effective.until ?? 0]),
    ...input.shifts.map((shift) => shift.until ?? 0),
  ].filter((end) => end > input.now)
  return ends.length === 0 ? null : Math.min(...ends)
}
function digests(input: DecideInput): Record<string, string> {
  return {
    workloads: digest(sortBy(input.workloads, (one) => one.id)),
    manifests: digest(sortBy(input.manifests, (one) => `${one.kind}/${one.id}`)),
    agents: digest(sortBy(input.agents, (one) => one.id).map(({ id, mode }) => ({ id, mode }))),
    shifts: digest(sortBy(input.shifts, (one) => one.id)),
    settings: digest(input.settings),
    intel: digest(input.intel.hash),
    target: digest(input.target),
    clock: digest([input.now, input.seed]),
  }
}
function sortBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}
