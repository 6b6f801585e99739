/** The shipped model on other people's networks: what it believes of every address of a capture, and what it may. */
import { initialBelief, stepBelief } from '../src/learn/filter.ts'
import { DEFAULT_MODEL } from '../src/learn/model.ts'
import { formatAddress } from '../src/model/address.ts'
import type { WorkloadId } from '../src/model/ids.ts'
import { DEFAULT_HOME_NETWORKS } from '../src/model/networks.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS, type Window } from '../src/model/window.ts'
import { createDirectory } from '../src/observe/reduce/directory.ts'
import { mergeWindow } from '../src/observe/reduce/merge.ts'
import { createReducer } from '../src/observe/reduce/reducer.ts'
import { createServiceNames } from '../src/observe/source.ts'
import { createFileSource } from '../src/observe/sources/open.ts'

export type Strangers = {
  /** Addresses that were seen at all. */
  readonly hosts: number
  /** Those that were believed to be somebody, at any window. */
  readonly believed: ReadonlyMap<string, ReadonlySet<string>>
}

/** Every address of a capture through the filter. */
export async function strangers(path: string): Promise<Strangers> {
  const services = createServiceNames()
  const directory = createDirectory({
    discover: (words) => ({ key: formatAddress(words), id: formatAddress(words) as WorkloadId }),
  })
  const reducer = createReducer({
    directory,
    homeNetworks: DEFAULT_HOME_NETWORKS,
    serviceName: services.nameOf,
    idle: 'omit',
  })
  const tracks = new Map<string, { window: Window; state: ReturnType<typeof initialBelief> }>()
  const believed = new Map<string, Set<string>>()
  const step = (who: string) => {
    const track = tracks.get(who)!
    track.window.sums[sumAt.ticks] = WINDOW_MS / TICK_MS
    const next = stepBelief(DEFAULT_MODEL, track.state, track.window, track.window.start + WINDOW_MS)
    track.state = next.state
    if (next.belief.believed !== null) believed.set(who, (believed.get(who) ?? new Set()).add(next.belief.believed))
  }
  const take = (ticks: readonly Window[]) => {
    for (const tick of [...ticks].sort((a, b) => a.start - b.start)) {
      const start = Math.floor(tick.start / WINDOW_MS) * WINDOW_MS
      const track = tracks.get(tick.workload)
      if (track === undefined || start > track.window.start) {
        if (track) step(tick.workload)
        const state = track?.state ?? initialBelief(DEFAULT_MODEL)
        tracks.set(tick.workload, { state, window: createWindow(tick.workload, start, WINDOW_MS) })
      }
      mergeWindow(tracks.get(tick.workload)!.window, tick)
    }
  }
  let newest = 0
  for await (const batch of createFileSource({ paths: [path], services }).batches(new AbortController().signal)) {
    reducer.add(batch)
    for (let row = 0; row < batch.count; row++) newest = Math.max(newest, batch.end[row]!)
    take(reducer.close(newest - 2 * WINDOW_MS).ticks)
  }
  take(reducer.close(newest + WINDOW_MS).ticks)
  for (const who of tracks.keys()) step(who)
  return { hosts: tracks.size, believed }
}

type Allowed = { readonly hosts: number; readonly may: Readonly<Record<string, readonly string[]>> }

/**
 * Captures of the data folder, labelled by eye from their READMEs, anchors and service ports: what an address may be
 * believed to be (`*`: any other). Any address that is not listed and yet believed counts as wrong.
 */
export const CAPTURES: Readonly<Record<string, Allowed>> = {
  'flows/slips/port-scans/horizontal': { hosts: 30, may: { '10.0.2.112': ['Scanner', 'Compromised'] } },
  'flows/slips/test9-mixed-zeek-dir': {
    hosts: 122,
    may: {
      '10.0.2.15': ['Web User', 'Compromised'],
      // They serve HTTP and HTTPS to it, and nothing else is seen of them.
      '147.32.80.7': ['API Server'],
      '216.58.201.67': ['API Server'],
      '216.58.201.78': ['API Server'],
      '13.107.21.200': ['API Server'],
    },
  },
  'flows/slips/test10-mixed-zeek-dir': { hosts: 81, may: {} },
  'flows/slips/test13-malicious-dhcpscan-zeek-dir': { hosts: 3, may: {} },
  'flows/slips/test14-malicious-zeek-dir': { hosts: 2, may: { '10.0.2.15': ['Compromised'] } },
  'flows/slips/test15-malicious-zeek-dir': { hosts: 2, may: {} },
  'flows/slips/test18-malicious-ctu-sme-11-win/zeek-labeled': { hosts: 15, may: { '192.168.1.107': ['Compromised'] } },
  // One server under Internet noise: who knocks at it from outside scans, if anything.
  'flows/rita/missing_host/2024-04-20/conn.12:00:00-13:00:00.log.gz': {
    hosts: 648,
    may: { '64.225.56.201': ['API Server'], '73.54.23.243': ['Compromised'], '*': ['Scanner'] },
  },
  'flows/otrf-apt29/day1': { hosts: 6, may: { '10.0.1.4': ['Compromised'], '10.0.1.6': ['Compromised'] } },
}

/** Who was believed to be what it may not be, at any window. */
export function mistakenOf(believed: ReadonlyMap<string, ReadonlySet<string>>, may: Allowed['may']): string[] {
  return [...believed].flatMap(([who, names]) =>
    [...names].some((name) => !(may[who] ?? may['*'] ?? []).includes(name)) ? [`${who}: ${[...names].join(', ')}`] : [],
  )
}
