/**
 * Decides. In: the whole state, with time, seed and what is in force as arguments. Out: one immutable draft (what each agent
 * should enforce, whole) or none, what would be done if it were allowed, and a reason for every step taken or left out.
 * The same state gives the same answer in any order of its parts.
 */
import type { AgentState } from '../model/desired.ts'
import type { SecretBook } from '../model/facets/secret.ts'
import type { AgentId, TenantId, WorkloadId } from '../model/ids.ts'
import type { ApprovalClass, Plan, PlanStep } from '../model/plan.ts'
import type {
  AgentRecord,
  ConversationRecord,
  ManifestRecord,
  Settings,
  ShiftRecord,
  WorkloadRecord,
} from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { mayAct } from './authority.ts'
import type { BlastRadius } from './blast.ts'
import { digest, sortBy } from './canonical.ts'
import { holdAboveCap } from './caps.ts'
import { changeText, differs, isContainment } from './draft-change.ts'
import { type Draft, dressFleet, emptyNotes } from './dress.ts'
import type { Persona } from './effective.ts'
import type { Endpoint } from './fail-safe.ts'
import type { IntelEntry } from './peer-sets.ts'
import type { Places } from './places.ts'
import { changePlan, containmentPlan, sparingPlan, tighteningPlan } from './plan-drafts.ts'

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
    /** Without files, rules by country or autonomous system match nothing. */
    readonly places?: Places
  }
  /** The newest version of every secret; none when absent. */
  readonly secrets?: SecretBook
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
  /** The row of the table that gave the class. */
  readonly approvalWhy: Why
  readonly steps: readonly PlanStep[]
  readonly skipped: Plan['skipped']
  /** Every enforcing agent, whole. */
  readonly agents: Readonly<Record<AgentId, AgentDraft>>
  /** Those whose state differs from the target. */
  readonly changed: readonly AgentId[]
  /** Workloads that automation changes of its own: counted against the caps. */
  readonly automatic: readonly WorkloadId[]
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
  /** A cap was broken: from now on automation only suggests, until a person resumes it. */
  readonly trip: Why | null
  readonly report: readonly string[]
  /** SHA-256 by name, for the ledger. */
  readonly inputs: Readonly<Record<string, string>>
  readonly activations: Readonly<Record<string, number>>
  /** When something ends by itself next; decide again then. */
  readonly wakeAt: number | null
}

export function decide(input: DecideInput): Decision {
  return { ...decideUnsigned(input), inputs: digests(input) }
}

/** The decision without the digests of its inputs: for previews, which are not written down. */
export function decideUnsigned(input: DecideInput): Omit<Decision, 'inputs'> {
  const notes = emptyNotes()
  const { dressed, drafts } = dressFleet(input, notes)
  const enforcing = sortBy(input.agents, (one) => one.id).filter((agent) => {
    if (mayAct(agent.mode)) return true
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
  holdAboveCap(input, mine, notes)
  const containing = mine.filter((draft) => isContainment(draft))
  const wanted =
    containing.length > 0
      ? containmentPlan(input, enforcing, containing, notes)
      : changing(input, enforcing, mine, dressed, notes)
  const sparing = sparingPlan(input, enforcing, notes)
  const plan = sparing !== null && (containing.length > 0 || wanted?.approval !== 'auto') ? sparing : wanted
  return {
    plan,
    sparing,
    shifts: notes.shifts,
    wouldDo: notes.wouldDo,
    skipped: notes.skipped,
    alarms: notes.alarms,
    trip: notes.alarms.find((one) => one.rule.startsWith('cap/')) ?? null,
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

/** A change that waits for people holds no tightening up; one that a person pinned away is only said. */
function changing(...given: Parameters<typeof changePlan>): PlanDraft | null {
  const [input, , drafts, , notes] = given
  const pinned = input.settings.pinned ?? null
  if (pinned !== null) {
    const moved = drafts.filter(differs)
    for (const draft of moved)
      notes.wouldDo.push({ workload: draft.record.id, why: { rule: pinned.why.rule, text: changeText(draft) } })
    return null
  }
  const wanted = changePlan(...given)
  return wanted === null || wanted.approval === 'auto' ? wanted : (tighteningPlan(...given) ?? wanted)
}

/** The draft with its identity: what the store keeps and agents get. `shiftOf` names the shift a step carries out. */
export function planOf(
  draft: PlanDraft,
  identity: Pick<Plan, 'id' | 'tenant' | 'parent' | 'generation' | 'decision' | 'createdAt' | 'proposedBy'>,
): Plan {
  const { changed: _changed, automatic: _automatic, summary: _summary, agents, ...rest } = draft
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

function wakeAt(input: DecideInput, drafts: readonly Draft[]): number | null {
  const ends = [
    ...drafts.flatMap((draft) => [
      draft.after.containment?.until ?? 0,
      draft.after.ladder?.until ?? 0,
      draft.effective.until ?? 0,
    ]),
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
    ...(input.intel.places === undefined ? {} : { places: digest(input.intel.places.digest) }),
    target: digest(input.target),
    ...(input.secrets === undefined || input.secrets.size === 0 ? {} : { secrets: digest([...input.secrets].sort()) }),
    clock: digest([input.now, input.seed]),
  }
}
