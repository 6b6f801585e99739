/** When what is usual of a workload counts no more: it was given another role, or is seen through other sources. */
import { forgetRow } from '../learn/watch/watch.ts'
import type { WorkloadId } from '../model/ids.ts'
import type { PlanRecord } from '../model/records.ts'
import type { SourceHealth } from '../model/source-health.ts'
import type { Window } from '../model/window.ts'
import type { AgentReport } from '../model/wire.ts'
import type { Fleet, Live } from './fleet.ts'

/** From now on it is new: nothing of it is strange for a quarter of an hour. */
export function forgetUsual(fleet: Fleet, live: Live): void {
  forgetRow(fleet.watch, live.row)
  live.evidence.delete('drift|')
}

/** Who wears another persona by this plan, or again the one before it, is expected to change. A containment changes no persona. */
export function forgetShifted(fleet: Fleet, { plan, state }: PlanRecord): void {
  if (state !== 'confirming' && state !== 'confirmed' && state !== 'rolled-back') return
  for (const { workload, from, to } of plan.steps) {
    const live = fleet.live.get(workload)
    if (live !== undefined && from?.name !== to.name) forgetUsual(fleet, live)
  }
}

/** Until when each is contained by what is in force now. */
export function noteContained(fleet: Fleet, { plan, state }: PlanRecord): void {
  if (state !== 'confirmed') return
  for (const { workloads } of Object.values(plan.agents))
    for (const { workload, containment } of workloads) {
      const live = fleet.live.get(workload as WorkloadId)
      if (live !== undefined) live.containedUntil = containment?.until ?? 0
    }
}

/** What is cut off is unlike itself by our doing: such a window says nothing of it. */
export function isUncut({ containedUntil }: Live, window: Pick<Window, 'start'>): boolean {
  return window.start >= containedUntil
}

/** Told of from afar: quiet, they may as well be gone, and all their workloads with them. */
const AFAR: ReadonlySet<SourceHealth['kind']> = new Set(['netflow', 'zeek', 'eve', 'recording'])

/** The sources of a report that tell of flows now; null when it does not speak of sources. */
export function flowSourcesOf({ sources }: AgentReport): string | null {
  if (sources === undefined) return null
  return sources
    .filter(({ kind, state }) => state !== 'failed' && (kind === 'conntrack' || (AFAR.has(kind) && state !== 'silent')))
    .map(({ name }) => name)
    .sort()
    .join('\n')
}
