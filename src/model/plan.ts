/** Plans and shifts: the whole intended change, immutable, and the one table of how a shift may move. */

import type { AgentState, DesiredState, Generation } from './desired.ts'
import type { AgentId, DecisionId, PersonaId, PlanId, ShiftId, TenantId, WorkloadId } from './ids.ts'
import type { Why } from './why.ts'

export const SHIFT_STATES = [
  'proposed',
  'shadowed',
  'approved',
  'applying',
  'confirming',
  'confirmed',
  'rolled-back',
  'expired',
  'refused',
] as const
export type ShiftState = (typeof SHIFT_STATES)[number]

/** From → allowed next. Terminal states have none; the same table explains a refused move. */
export const SHIFT_MOVES = {
  proposed: ['shadowed', 'approved', 'refused', 'expired'],
  shadowed: ['approved', 'refused', 'expired'],
  approved: ['applying', 'refused', 'expired'],
  applying: ['confirming', 'rolled-back', 'expired'],
  confirming: ['confirmed', 'rolled-back', 'expired'],
  confirmed: ['rolled-back', 'expired'],
  'rolled-back': [],
  expired: [],
  refused: [],
} as const satisfies Record<ShiftState, readonly ShiftState[]>

/** Under way or confirmed: what may still move. These shifts say who wears what. */
export const CURRENT_STATES: readonly ShiftState[] = SHIFT_STATES.filter((state) => SHIFT_MOVES[state].length > 0)

export function mayMove(from: ShiftState, to: ShiftState): boolean {
  return (SHIFT_MOVES[from] as readonly ShiftState[]).includes(to)
}

export type ApprovalClass = 'auto' | 'one' | 'two'

export type PlanStep = {
  readonly workload: WorkloadId
  readonly shift: ShiftId | null
  readonly from: { readonly persona: PersonaId; readonly name: string } | null
  readonly to: { readonly persona: PersonaId; readonly name: string }
  /** Why this step is (or, in `skipped`, is not) in the plan. */
  readonly why: readonly [Why, ...Why[]]
  readonly before: DesiredState | null
  readonly after: DesiredState
}

export type Plan = {
  readonly id: PlanId
  readonly tenant: TenantId
  /** May become the target only when its parent is the target. */
  readonly parent: PlanId | null
  readonly generation: Generation
  /** containment = every step only takes reach away and has an end. */
  readonly direction: 'containment' | 'change'
  readonly approval: ApprovalClass
  /** The row of the table of classes that gave it; plans of older releases have none. */
  readonly approvalWhy?: Why
  readonly steps: readonly PlanStep[]
  readonly skipped: readonly { readonly workload: WorkloadId; readonly why: Why }[]
  /** What each agent gets, whole. */
  readonly agents: Readonly<Record<AgentId, AgentState>>
  readonly decision: DecisionId
  readonly blastRadius: {
    readonly workloads: number
    readonly conversationsCut: number
    readonly cut: readonly string[]
  }
  readonly createdAt: number
  readonly proposedBy: string
}
