/** The end of making a plan: its blast radius, the class it needs and why, what each step says of itself. */

import type { AgentState, DesiredState, Generation } from '../model/desired.ts'
import type { AgentId, PersonaId, ShiftId } from '../model/ids.ts'
import type { ApprovalClass, Plan, PlanStep } from '../model/plan.ts'
import { someOf } from '../model/some-of.ts'
import type { Why } from '../model/why.ts'
import { approvalOf, type Change } from './authority.ts'
import { createWidening } from './authority-widens.ts'
import { blastRadius } from './blast.ts'
import { sameMeaning, sortBy } from './canonical.ts'
import { isAutomatic } from './draft-change.ts'
import { type Draft, type Notes, neverBlockOf } from './dress.ts'
import { failSafePaths } from './fail-safe.ts'
import type { AgentDraft, DecideInput, PlanDraft } from './plan.ts'

export function finish(
  input: DecideInput,
  agents: Record<AgentId, AgentDraft>,
  steps: readonly PlanStep[],
  direction: Plan['direction'],
  drafts: readonly Draft[],
  notes: Notes,
): PlanDraft {
  const identity = { generation: { system: '', timeline: 0, n: 0 } satisfies Generation, plan: '' }
  const ids = Object.keys(agents).sort() as AgentId[]
  const changed = ids.filter(
    (id) => input.target[id] === undefined || !sameMeaning(withoutIdentity(input.target[id]), agents[id]),
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
      ? (leavingText(input, agents) ?? `address sets or settings of ${changed.length} agent(s) change`)
      : `${direction === 'containment' ? 'contains' : 'changes'} ${someOf(
          steps.map((step) => names.get(step.workload) ?? step.workload),
          5,
        )}; cuts ${radius.conversationsCut} recent conversation(s)`
  const nameOf = (id: string) => names.get(id) ?? id
  const judged = approvalOf(changeOf(input, agents, steps, direction, drafts, radius.conversationsCut, nameOf))
  return {
    direction,
    approval: judged.approval,
    approvalWhy: judged.why,
    steps,
    skipped: [...notes.skipped],
    agents,
    changed,
    automatic: drafts.filter(isAutomatic).map(({ record }) => record.id),
    blastRadius: radius,
    summary,
  }
}

/** A workload that is over, or that nothing can be planned for, is in nobody's state any more; no step says so. */
function leavingText({ target }: DecideInput, agents: Readonly<Record<AgentId, AgentDraft>>): string | null {
  const keys = Object.entries(agents).flatMap(([id, { workloads }]) => {
    const kept = new Set(workloads.map((one) => one.workload))
    return (target[id as AgentId]?.workloads ?? []).flatMap((one) => (kept.has(one.workload) ? [] : [one.key]))
  })
  return keys.length === 0 ? null : `plans nothing any more for ${someOf(keys.sort(), 5)}`
}

/** What the table of classes looks at. First adoption is what its owner declared: it moves nobody. */
function changeOf(
  input: DecideInput,
  agents: Readonly<Record<AgentId, AgentDraft>>,
  steps: readonly PlanStep[],
  direction: Plan['direction'],
  drafts: readonly Draft[],
  cut: number,
  nameOf: (id: string) => string,
): Change {
  const widens = createWidening()
  const moved = steps.filter((step) => step.before !== null)
  const wider = () => moved.filter(({ before, after }) => widens(before, after))
  const byItself = new Set(
    drafts.filter(({ effective }) => effective.cause === 'automatic').map(({ record }) => record.id),
  )
  const asking = (approval: ApprovalClass) =>
    drafts.filter((one) => one.approval === approval).map(({ record }) => nameOf(record.id))
  return {
    isContainment: direction === 'containment',
    fleet: input.workloads.length,
    moved: moved.length,
    cut,
    failSafeGone: failSafeGone(input, agents),
    trusted: { auto: [], one: asking('one'), two: asking('two') },
    widenedByItself: () =>
      wider()
        .filter(({ workload }) => byItself.has(workload))
        .map(({ workload }) => nameOf(workload)),
    widened: () => wider().length,
    switchedOff: steps
      .filter(({ before, after }) => after.machine?.power === 'off' && before?.machine?.power !== 'off')
      .map(({ workload }) => nameOf(workload)),
  }
}

/** Where the control plane listens is the server's own; every other path a person took away. */
function failSafeGone({ target }: DecideInput, agents: Readonly<Record<AgentId, AgentDraft>>): string[] {
  const gone = Object.entries(agents).flatMap(([id, { failSafe }]) => {
    const kept = new Set(failSafe.map((path) => path.id))
    return (target[id as AgentId]?.failSafe ?? []).map((path) => path.id).filter((path) => !kept.has(path))
  })
  return [...new Set(gone)].filter((id) => !id.startsWith('failsafe/control-')).sort()
}

export function stepOf(draft: Draft, why: readonly [Why, ...Why[]]): PlanStep {
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

export function openState(after: DesiredState): DesiredState {
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
export function emptyState(input: DecideInput): AgentDraft {
  return {
    mode: 'enforce',
    workloads: [],
    sets: [],
    neverBlock: neverBlockOf(input),
    failSafe: failSafePaths(sortBy(input.controlPlane, (one) => `${one.cidr}:${one.port}`)).filter(
      (path) => !(input.settings.failSafeOff ?? []).includes(path.id),
    ),
    confirmWithinMs: input.settings.confirmWithinMs,
  }
}
export function withoutIdentity(state: AgentState): AgentDraft {
  const { generation: _generation, plan: _plan, ...rest } = state
  return rest
}
