/** What is in force for a workload. States are immutable, so each is indexed once: fleets are asked for one by one. */
import type { AgentState, DesiredState } from '../model/desired.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { DecideInput } from './plan.ts'

const indexes = new WeakMap<AgentState, ReadonlyMap<string, DesiredState>>()

export function inForce({ target }: Pick<DecideInput, 'target'>, record: WorkloadRecord): DesiredState | null {
  const state = target[record.agent]
  if (state === undefined) return null
  const index = indexes.get(state) ?? new Map(state.workloads.map((one) => [one.workload, one]))
  indexes.set(state, index)
  return index.get(record.id) ?? null
}
