/** The filter of the list of plans: `state:` and `by:` words, a generation's number, or text in title, id and proposer. All must hold. */
import { personOf } from '../model/actor.ts'
import { SHIFT_STATES, type ShiftState } from '../model/plan.ts'
import type { PlanSummary } from '../model/plan-summary.ts'

export type PlanFilter = (plan: PlanSummary) => boolean

/** `open` = under way; else names of states with commas. Null when one is not known. */
export function parseStates(text: string): readonly ShiftState[] | null {
  const words = text.split(',').filter(Boolean)
  const states = words.flatMap((word) =>
    word === 'open' ? OPEN : SHIFT_STATES.filter((state) => state === word),
  ) as ShiftState[]
  return words.every((word) => word === 'open' || SHIFT_STATES.some((state) => state === word)) ? states : null
}
const OPEN = ['proposed', 'shadowed', 'approved', 'applying', 'confirming'] as const satisfies readonly ShiftState[]

export function planFilter(text: string): PlanFilter {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean).slice(0, 20)
  return (plan) => words.every((word) => holds(plan, word))
}

function holds({ plan, title, state }: PlanSummary, word: string): boolean {
  if (word.startsWith('state:')) return state === word.slice(6)
  if (word.startsWith('by:')) return person(plan.proposedBy).includes(word.slice(3))
  if (/^\d+$/.test(word) && String(plan.generation.n) === word) return true
  const whys = plan.steps.map((step) => step.why[0].rule)
  return [title, plan.id, person(plan.proposedBy), plan.direction, ...whys].some((one) =>
    one.toLowerCase().includes(word),
  )
}

const person = (actor: string) => personOf(actor).toLowerCase()
