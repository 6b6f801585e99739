/** The shipped model, on lab runs it was not made from and on other people's networks. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { initialBelief, stepBelief } from '../src/learn/filter.ts'
import { scoreModel } from '../src/learn/fit.ts'
import { DEFAULT_MODEL, type ModelJson } from '../src/learn/model.ts'
import { formatAddress } from '../src/model/address.ts'
import type { WorkloadId } from '../src/model/ids.ts'
import { DEFAULT_HOME_NETWORKS } from '../src/model/networks.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS, type Window } from '../src/model/window.ts'
import { createDirectory } from '../src/observe/reduce/directory.ts'
import { mergeWindow } from '../src/observe/reduce/merge.ts'
import { createReducer } from '../src/observe/reduce/reducer.ts'
import { createServiceNames } from '../src/observe/source.ts'
import { createFileSource } from '../src/observe/sources/open.ts'
import { DATA, needData } from '../test/need.ts'
import { readRuns } from './dataset.ts'
import { readRecording } from './recording.ts'
import { sequencesOf, splitRuns, stepsOf, train } from './train.ts'
import { collectTicks, slide } from './windows.ts'

const shipped = readFileSync(new URL('../src/learn/models/default.json', import.meta.url), 'utf8')
const { runs, hash } = readRuns()

test('training from the committed runs gives the shipped model, byte for byte', () => {
  assert.equal(`${JSON.stringify(train(runs, hash, 1).model)}\n`, shipped)
})

test('on lab runs it has not seen it is right or abstains', () => {
  const { fitting, calibrating, measuring } = splitRuns(runs)
  const seeds = new Set([...fitting, ...calibrating].map((run) => run.seed))
  assert.ok(measuring.length > 0 && measuring.every((run) => !seeds.has(run.seed)))
  const score = scoreModel(JSON.parse(shipped) as ModelJson, stepsOf(measuring))
  assert.ok(score.hosts >= 60 && score.hosts === sequencesOf(measuring).length)
  assert.ok(score.hostsConfidentWrong <= 0.05, JSON.stringify(score))
  assert.ok(score.confidentWrong <= 0.05, JSON.stringify(score))
  assert.ok(score.hostsRight >= 0.6, `abstaining always would be no model: ${JSON.stringify(score)}`)
})

test('in the recording nobody is taken for somebody else, and most are recognised', async () => {
  const { inventory, paths, truth } = readRecording()
  const services = createServiceNames()
  const source = createFileSource({ paths, services })
  const seen = await collectTicks(source, services, inventory, new AbortController().signal)
  const quietHours = seen.map(({ workload, ticks }) => {
    let state = initialBelief(DEFAULT_MODEL)
    const believed: (string | null)[] = []
    // Until the attack of the last minutes.
    for (const window of [...slide(ticks, WINDOW_MS / TICK_MS)].slice(0, 9)) {
      const step = stepBelief(DEFAULT_MODEL, state, window, window.start + WINDOW_MS)
      state = step.state
      believed.push(step.belief.believed)
    }
    return { name: workload.name, last: believed.at(-1) ?? null, truth: truth[workload.name]! }
  })
  assert.deepEqual(
    quietHours.filter(({ last, truth: is }) => last !== null && last !== is),
    [],
  )
  assert.ok(quietHours.filter(({ last, truth: is }) => last === is).length >= 6, JSON.stringify(quietHours))
})

/** Every address of a capture through the filter: who is believed to be what, at any window. */
async function strangers(path: string): Promise<Map<string, Set<string>>> {
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
  return believed
}

/**
 * Captures of the data folder, labelled by eye from their READMEs, anchors and service ports: what an address may be
 * believed to be. Any address that is not listed and yet believed counts as wrong.
 */
const CAPTURES: Record<string, { hosts: number; may: Record<string, readonly string[]> }> = {
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
    hosts: 100,
    may: { '64.225.56.201': ['API Server'], '73.54.23.243': ['Compromised'], '*': ['Scanner'] },
  },
  'flows/otrf-apt29/day1': { hosts: 6, may: { '10.0.1.4': ['Compromised'], '10.0.1.6': ['Compromised'] } },
}

for (const [path, { hosts, may }] of Object.entries(CAPTURES))
  test(`strangers of ${path}: right or abstaining`, { skip: needData(path) }, async () => {
    const believed = await strangers(`${DATA}/${path}`)
    const wrong = [...believed].filter(([who, names]) =>
      [...names].some((name) => !(may[who] ?? may['*'] ?? []).includes(name)),
    )
    const told = wrong.map(([who, names]) => `${who}: ${[...names].join(', ')}`).join('; ')
    assert.ok(wrong.length <= 0.05 * hosts, `${wrong.length} of ${hosts} are taken for what they are not: ${told}`)
  })
