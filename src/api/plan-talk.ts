/**
 * What the last day's conversations say of a plan: how many each rule decides, before and after, and who would no longer
 * reach a workload that changes. The evaluator is slow and obvious: above a budget nothing is counted, and that is said.
 */
import { judgeState } from '../decide/blast.ts'
import { judge } from '../decide/judge.ts'
import type { AgentState, DesiredState, ResolvedRule } from '../model/desired.ts'
import { copiedBytes } from '../model/facets/inspection.ts'
import type { AgentId, WorkloadId } from '../model/ids.ts'
import type { Plan } from '../model/plan.ts'
import type { ConversationRecord, WorkloadRecord } from '../model/records.ts'

export type Talked = {
  /** By the very rule objects of the plan's steps; null: not counted. */
  readonly seen: ReadonlyMap<ResolvedRule, number> | null
  readonly loses: readonly WorkloadId[] | null
  /** Bytes of the last day that a sensor would have got by the new state, of those that are looked at. */
  readonly copied: ReadonlyMap<WorkloadId, number> | null
}

/** Set members walked, all in all: some 0.1 µs each. */
const BUDGET = 2_000_000

export function talkOf(
  plan: Plan,
  parent: Plan | null,
  workloads: readonly WorkloadRecord[],
  conversations: readonly ConversationRecord[],
): Talked {
  const agentOf = new Map(workloads.map((one) => [one.id, one.agent]))
  const owners = new Map(workloads.flatMap(({ id, report }) => report.addresses.map((a) => [a.split('/')[0]!, id])))
  const states = new Map(
    (Object.keys(plan.agents) as AgentId[]).map((agent) => {
      const after = plan.agents[agent]!
      return [agent, { after: looked(after), before: looked(parent?.agents[agent] ?? after) }] as const
    }),
  )
  const members = [...states.values()].reduce((sum, { after, before }) => sum + after.size + before.size, 0)
  if (members * conversations.length > BUDGET) return { seen: null, loses: null, copied: null }
  const seen = new Map<ResolvedRule, number>()
  const loses = new Set<WorkloadId>()
  const copied = new Map<WorkloadId, number>()
  const changing = new Set(plan.steps.map((step) => step.workload))
  const byWorkload = Map.groupBy(conversations, (one) => one.workload)
  for (const step of plan.steps) {
    const state = states.get(agentOf.get(step.workload) ?? ('' as AgentId))
    if (state === undefined) continue
    const { inspection } = step.after
    const talks = byWorkload.get(step.workload) ?? []
    if (inspection !== undefined)
      copied.set(
        step.workload,
        talks.reduce((sum, talk) => sum + copiedBytes(inspection, talk), 0),
      )
    for (const talk of talks) {
      const direction = talk.direction === 'initiated' ? 'egress' : 'ingress'
      const had = step.before === null ? 'allow' : count(seen, step.before, direction, talk, state.before)
      const will = count(seen, step.after, direction, talk, state.after)
      const peer = owners.get(talk.peer)
      if (had === 'allow' && will === 'deny' && talk.flows > talk.failed && peer !== undefined && !changing.has(peer))
        loses.add(peer)
    }
  }
  return { seen, loses: [...loses].sort(), copied }
}

type Looked = {
  readonly state: AgentState
  readonly members: (set: string) => readonly string[]
  readonly size: number
}

function looked(state: AgentState): Looked {
  const sets = new Map(state.sets.map((set) => [set.name, set.members]))
  const size = state.neverBlock.length + state.sets.reduce((sum, set) => sum + set.members.length, 0)
  return { state, size, members: (set) => sets.get(set) ?? [] }
}

/** The verdict; and one more for the rule that would decide it, were nothing contained. */
function count(
  seen: Map<ResolvedRule, number>,
  desired: DesiredState,
  direction: 'egress' | 'ingress',
  talk: ConversationRecord,
  { state, members }: Looked,
): 'allow' | 'deny' {
  const { rule } = judge(desired[direction], talk, members)
  if (rule !== null) seen.set(rule, (seen.get(rule) ?? 0) + 1)
  return judgeState(desired, direction, talk, state, members).verdict
}
