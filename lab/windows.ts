/** A flow source and who has which address come in, each workload's 30 s windows go out, sliding by one tick or more. */
import { DEFAULT_TENANT } from '../src/model/ids.ts'
import { DEFAULT_HOME_NETWORKS } from '../src/model/networks.ts'
import { createWindow, TICK_MS, WINDOW_MS, type Window } from '../src/model/window.ts'
import type { WorkloadReport } from '../src/model/wire.ts'
import { workloadId } from '../src/model/workload-id.ts'
import { createDirectory } from '../src/observe/reduce/directory.ts'
import { mergeWindow } from '../src/observe/reduce/merge.ts'
import { createReducer } from '../src/observe/reduce/reducer.ts'
import type { FlowSource, ServiceNames } from '../src/observe/source.ts'

export type Seen = { readonly workload: WorkloadReport; readonly ticks: readonly Window[] }

/** Reads a source to its end (or to `signal`) and returns every workload's ticks, silence included. */
export async function collectTicks(
  source: FlowSource,
  services: ServiceNames,
  workloads: readonly WorkloadReport[],
  signal: AbortSignal,
): Promise<Seen[]> {
  const directory = createDirectory()
  for (const { key, addresses } of workloads) directory.put({ key, id: workloadId(DEFAULT_TENANT, key), addresses })
  const reducer = createReducer({
    directory,
    homeNetworks: DEFAULT_HOME_NETWORKS,
    serviceName: services.nameOf,
    idle: 'every-tick',
  })
  const ticks = new Map<string, Window[]>(workloads.map((w) => [workloadId(DEFAULT_TENANT, w.key), []]))
  let newest = 0
  const keep = (until: number) => {
    for (const tick of reducer.close(until).ticks) ticks.get(tick.workload)?.push(tick)
  }
  for await (const batch of source.batches(signal)) {
    if (newest === 0) reducer.close(Math.min(...batch.end.subarray(0, batch.count)))
    reducer.add(batch)
    for (let row = 0; row < batch.count; row++) newest = Math.max(newest, batch.end[row]!)
    keep(newest - WINDOW_MS)
  }
  keep(newest)
  return workloads.map((workload) => ({
    workload,
    ticks: ticks.get(workloadId(DEFAULT_TENANT, workload.key))!.sort((a, b) => a.start - b.start),
  }))
}

/** Windows of 30 s, one every `stride` ticks. */
export function* slide(ticks: readonly Window[], stride: number): Generator<Window> {
  const each = WINDOW_MS / TICK_MS
  for (let i = 0; i + each <= ticks.length; i += stride) {
    const window = createWindow(ticks[i]!.workload, ticks[i]!.start, WINDOW_MS)
    for (const tick of ticks.slice(i, i + each)) mergeWindow(window, tick)
    yield window
  }
}
