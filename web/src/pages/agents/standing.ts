/** Whether an agent's kernel is what it is meant to be: the generation in force against the newest plan that names it. */
import type { AgentRecord, PlanSummary } from '../../nouns.ts'

export type Standing = {
  readonly kind: 'equal' | 'pending' | 'behind' | 'refused' | 'none'
  /** generation in force; null when nothing was applied */
  readonly have: number | null
  /** generation that is intended; null when no plan names it */
  readonly intended: number | null
}

/** `plans` newest first or not: the highest generation that counts for the agent is intended. */
export function standingOf(agent: AgentRecord, plans: readonly PlanSummary[]): Standing {
  const counting = plans.filter(
    ({ state, agents }) =>
      (state === 'confirmed' || state === 'confirming' || state === 'applying') && agents.includes(agent.id),
  )
  const intended = counting.length === 0 ? null : Math.max(...counting.map(({ plan }) => plan.generation.n))
  const applied = agent.applied
  const have = applied?.generation.n ?? null
  if (applied === null) return { kind: intended === null ? 'none' : 'behind', have, intended }
  if (applied.state === 'refused' || applied.state === 'rolled-back') return { kind: 'refused', have, intended }
  if (applied.state !== 'confirmed') return { kind: 'pending', have, intended }
  return { kind: intended === null || (have ?? 0) >= intended ? 'equal' : 'behind', have, intended }
}

/** Reports, ticks and evidence that its spool had no room for while the server was away. */
export function droppedBy({ counters }: AgentRecord): number {
  return Object.entries(counters).reduce((sum, [name, n]) => (name.startsWith('spool.dropped') ? sum + n : sum), 0)
}
