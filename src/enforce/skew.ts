/** A state says by the server's clock when its containments end; this says it by ours, so that one of minutes is not one of days. */
import type { AgentState } from '../model/desired.ts'

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
