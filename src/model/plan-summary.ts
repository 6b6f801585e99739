/**
 * What a list says of a plan: who, what, how far, until when; without rules and without what agents get, which can be
 * megabytes. In: a plan's head, what people call its workloads, what its agents said last. Out: one row.
 */
import type { DesiredState } from './desired.ts'
import type { AgentId } from './ids.ts'
import type { Plan, PlanStep } from './plan.ts'
import type { AgentRecord, PlanRecord } from './records.ts'

export type StepHead = Pick<PlanStep, 'workload' | 'shift' | 'from' | 'to' | 'why'> & {
  /** `key`: what is left to call it by when it is over. */
  readonly after: Pick<DesiredState, 'key' | 'containment'>
}
/** A whole record is one, too: what reads heads takes both. `steps` holds the first `STEPS_LISTED`. */
export type PlanHead = Pick<PlanRecord, 'state' | 'approvedBy' | 'updatedAt' | 'version'> & {
  readonly plan: Omit<Plan, 'steps' | 'agents' | 'skipped'> & { readonly steps: readonly StepHead[] }
}
export type PlanRow = PlanHead & { readonly agents: readonly AgentId[] }
export type PlanSummary = PlanRow & {
  readonly title: string
  /** epoch ms at which the first of its agents undoes it; null while no timer runs. */
  readonly deadline: number | null
}

export const STEPS_LISTED = 200

export function planRow({ plan, state, approvedBy, updatedAt, version }: PlanRecord): PlanRow {
  const { steps, agents, skipped: _skipped, ...rest } = plan
  const heads = steps.slice(0, STEPS_LISTED).map(({ workload, shift, from, to, why, after }) => {
    return { workload, shift, from, to, why, after: { key: after.key, containment: after.containment } }
  })
  return {
    plan: { ...rest, steps: heads },
    agents: Object.keys(agents) as AgentId[],
    state,
    approvedBy,
    updatedAt,
    version,
  }
}

export function summarizePlan(
  row: PlanRow,
  nameOf: (workload: string) => string | null,
  agents: readonly AgentRecord[],
): PlanSummary {
  return { ...row, title: planTitle(row, nameOf), deadline: deadlineOf(row, agents) }
}

/** Verb and object: `Contain etl-worker-07`, `Shift pg-main and api-1 to Database`. */
export function planTitle({ plan }: PlanHead, nameOf: (workload: string) => string | null): string {
  const [first] = plan.steps
  if (first === undefined) return 'Update address sets and settings'
  const total = Math.max(plan.steps.length, plan.blastRadius.workloads)
  const names = nameList(
    plan.steps.slice(0, 3).map((step) => nameOf(step.workload) ?? step.after.key),
    total,
  )
  if (plan.direction === 'containment') return `Contain ${names}`
  if (first.why[0].rule.startsWith('rollback/')) return `Roll back ${names}`
  if (plan.steps.every(({ from, to }) => from?.persona === to.persona)) return `Update the rules of ${names}`
  const targets = new Set(plan.steps.map(({ to }) => to.name))
  return targets.size === 1 ? `Shift ${names} to ${first.to.name}` : `Shift ${names}`
}

/** The host's own timer, as its agent said it last. */
function deadlineOf({ plan, state }: PlanHead, agents: readonly AgentRecord[]): number | null {
  if (state !== 'applying' && state !== 'confirming') return null
  const deadlines = agents.flatMap(({ applied }) =>
    applied !== null && applied.generation.n === plan.generation.n ? (applied.deadline ?? []) : [],
  )
  return deadlines.length === 0 ? null : Math.min(...deadlines)
}

/** `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`; `shown` are the first of `total`. */
export function nameList(shown: readonly string[], total: number): string {
  const more = total - shown.length
  const parts = more > 0 ? [...shown, `${more} more`] : shown
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}
