/** A state says by the server's clock when its containments end; this says it by ours, so that one of minutes is not one of days. */
import type { AgentState } from '../model/desired.ts'
import type { Snapshot } from './snapshot.ts'

/** Skew is told in whole minutes, so that the next generation's unchanged containments are still the same. */
const STEP_MS = 60_000

/** `aheadMs`: how far our clock is ahead of the server's. Below half a minute the state is handed back as it is. */
export function endingByOurClock(state: AgentState, aheadMs: number): AgentState {
  const shift = Math.round(aheadMs / STEP_MS) * STEP_MS
  if (shift === 0) return state
  const workloads = state.workloads.map((workload) =>
    workload.containment === null
      ? workload
      : { ...workload, containment: { ...workload.containment, until: workload.containment.until + shift } },
  )
  return { ...state, workloads }
}

/** The same for what is in force, where the clock it was held by is not the one that the next state goes by. */
export function heldByOurClock(snapshot: Snapshot, aheadMs: number): Snapshot {
  if (snapshot.state === null) return snapshot
  const state = endingByOurClock(snapshot.state, aheadMs)
  if (state === snapshot.state) return snapshot
  const { draining } = snapshot
  return draining === undefined
    ? { ...snapshot, state }
    : { ...snapshot, state, draining: draining.map((one) => ({ ...one, until: one.until + aheadMs })) }
}
