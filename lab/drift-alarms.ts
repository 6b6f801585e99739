/**
 * Recorded flows come in, how often a departure that lasts would have been evidence goes out, by host: what the watch is
 * told of every host is what a server would be, silence included.
 */
import { driftEvidence } from '../src/assess/drift-evidence.ts'
import { addRow, createWatch, driftOf, watchWindows } from '../src/learn/watch/watch.ts'
import { formatAddress } from '../src/model/address.ts'
import type { WorkloadId } from '../src/model/ids.ts'
import { DEFAULT_HOME_NETWORKS } from '../src/model/networks.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS, type Window } from '../src/model/window.ts'
import { createDirectory } from '../src/observe/reduce/directory.ts'
import { mergeWindow } from '../src/observe/reduce/merge.ts'
import { createReducer } from '../src/observe/reduce/reducer.ts'
import { createServiceNames } from '../src/observe/source.ts'
import { createFileSource } from '../src/observe/sources/open.ts'

export type Alarm = { readonly host: string; readonly at: number; readonly why: string }
export type Alarms = {
  /** Host-days that were judged: from the first window of a host to the end of the recording. */
  readonly days: number
  readonly hosts: number
  readonly alarms: readonly Alarm[]
}

/** `isJudged`: whose traffic that of an address is looked at. */
export async function driftAlarms(paths: readonly string[], isJudged: (address: string) => boolean): Promise<Alarms> {
  const services = createServiceNames()
  const directory = createDirectory({
    discover: (words) => {
      const address = formatAddress(words)
      return isJudged(address) ? { key: address, id: address as WorkloadId } : null
    },
  })
  const reducer = createReducer({
    directory,
    homeNetworks: DEFAULT_HOME_NETWORKS,
    serviceName: services.nameOf,
    idle: 'omit',
  })
  const watch = createWatch()
  const hosts = new Map<string, { readonly row: number; window: Window; since: number | null }>()
  const alarms: Alarm[] = []
  let windows = 0
  const step = (host: string) => {
    const track = hosts.get(host)!
    track.window.sums[sumAt.ticks] = WINDOW_MS / TICK_MS
    watchWindows(watch, [{ row: track.row, window: track.window }])
    windows++
    const drift = driftOf(watch, track.row)!
    const evidence = driftEvidence(drift, host, drift.at)
    if (evidence !== null && track.since !== drift.since) {
      track.since = drift.since
      alarms.push({ host, at: drift.at, why: evidence.why })
    }
    track.window = createWindow(host as WorkloadId, track.window.start + WINDOW_MS, WINDOW_MS)
  }
  const stepUntil = (host: string, start: number) => {
    while (hosts.get(host)!.window.start < start) step(host)
  }
  const take = (ticks: readonly Window[]) => {
    for (const tick of [...ticks].sort((a, b) => a.start - b.start)) {
      const start = Math.floor(tick.start / WINDOW_MS) * WINDOW_MS
      const track = hosts.get(tick.workload) ?? {
        row: addRow(watch),
        window: createWindow(tick.workload, start, WINDOW_MS),
        since: null,
      }
      hosts.set(tick.workload, track)
      stepUntil(tick.workload, start)
      mergeWindow(track.window, tick)
    }
  }
  let newest = 0
  for await (const batch of createFileSource({ paths, services }).batches(AbortSignal.timeout(600_000))) {
    reducer.add(batch)
    for (let row = 0; row < batch.count; row++) newest = Math.max(newest, batch.end[row]!)
    take(reducer.close(newest - 2 * WINDOW_MS).ticks)
  }
  take(reducer.close(newest + WINDOW_MS).ticks)
  for (const host of hosts.keys()) stepUntil(host, newest)
  return { days: (windows * WINDOW_MS) / 86_400_000, hosts: hosts.size, alarms }
}
