/** The map on a real record: who is where, who strays, what is proposed, and what another tenant sees of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { auditBy, MAIN, OTHER } from '../../test/records.ts'
import { familiar } from '../learn/discover/describe.ts'
import { initialBelief, type Observation, stepObservation } from '../learn/filter.ts'
import { DEFAULT_MODEL, type Model } from '../learn/model.ts'
import type { AgentId, WorkloadId } from '../model/ids.ts'
import type { MapPlace } from '../model/persona-map.ts'
import type { ProposalRecord } from '../model/proposal.ts'
import { openStore } from '../store/database.ts'
import { createFleet, type Fleet, liveOf } from './fleet.ts'
import { createPersonaMap } from './persona-map.ts'

const NOW = 10_000_000
const { novelty } = DEFAULT_MODEL
const WIDTH = novelty.scale.length
const known = familiar(DEFAULT_MODEL)
const prototype = (persona: string, n: number) => {
  const at = known.get(persona)![n]!
  return novelty.prototypes.slice(at, at + WIDTH)
}
/** Between nobody's habits, beyond all of them. */
const strange = prototype('Scanner', 0).map((v, f) => v + 6 * novelty.scale[f]!)

function see(fleet: Fleet, name: string, windows: readonly Observation[], at = NOW): WorkloadId {
  const live = liveOf(fleet, name as WorkloadId, 'host-a' as AgentId, name, name)
  live.seen = windows.map((seen, i) => ({ at: at - 30_000 * (windows.length - i), seen }))
  for (const { at: end, seen } of live.seen) {
    const step = stepObservation(DEFAULT_MODEL, live.belief ?? initialBelief(DEFAULT_MODEL), seen, end)
    live.belief = step.state
    live.lastBelief = step.belief
  }
  return live.workload
}
const active = (...xs: readonly Float64Array[]): Observation[] => xs.map((x) => ({ kind: 'active', x, trust: 1 }))
const apart = (a: MapPlace, b: MapPlace) => Math.hypot(a[0] - b[0], a[1] - b[1])

const proposal = (workloads: readonly WorkloadId[]): ProposalRecord => ({
  ...{ id: 'pr_1', name: 'Probe', state: 'open', description: 'd', because: [], nearest: [], rules: [], leftOut: [] },
  workloads,
  clusters: [
    {
      ...{ id: 1, since: 1, last: 1, rounds: 3, workloads, windows: 6, spread: 0.1, newest: 1, centre: [...strange] },
      exemplars: workloads.map((workload) => ({ workload, at: 1, x: [...strange] })),
    },
  ],
  ...{ isHeld: false, became: null, createdAt: 1, updatedAt: 1, version: 0 },
})

test('workloads lie by their persona, strays come first and in their proposal, others see nothing', async () => {
  await using database = await testDatabase()
  const store = await openStore({ ...database, clock: () => NOW })
  const fleet = createFleet()
  see(fleet, 'db', active(...[0, 1, 2, 3, 4].map((n) => prototype('Database', n))))
  see(fleet, 'sleeper', [{ kind: 'quiet' }, { kind: 'nothing' }])
  see(fleet, 'gone', active(prototype('Database', 0)), NOW - 3_600_000)
  const probe = see(fleet, 'probe', active(...Array.from({ length: 6 }, () => strange)))
  await store.proposals.change(MAIN, [proposal([probe])], [], auditBy('guise'))
  let model: Model = DEFAULT_MODEL
  const map = createPersonaMap({ tenant: MAIN, store, fleet, model: () => model, clock: () => NOW })

  const told = await map(MAIN)
  assert.deepEqual(
    told.workloads.map(({ name, likeliest, stray }) => [name, stray ? null : likeliest]),
    [
      ['probe', null],
      ['db', 'Database'],
    ],
  )
  assert.deepEqual([told.quiet, told.more, told.model], [1, 0, DEFAULT_MODEL.id])
  assert.deepEqual(told.known.map(({ persona }) => persona).sort(), [...known.keys()].sort())
  const [one] = told.proposals
  assert.ok(apart(one!.at, told.workloads[0]!.at) < 0.02, 'the proposal is where its workload is')
  assert.deepEqual([one!.name, one!.workloads, one!.hull.length], ['Probe', [probe], 1])

  // A word of people moves no axis, and shows where it was said.
  model = { ...model, personas: [...model.personas, 'Probe'], taught: [{ persona: model.personas.length, x: strange }] }
  const later = await map(MAIN)
  assert.deepEqual(later.axes, told.axes)
  assert.ok(apart(later.known.at(-1)!.at, told.workloads[0]!.at) < 0.02)

  const foreign = await map(OTHER)
  assert.deepEqual([foreign.workloads, foreign.proposals, foreign.quiet], [[], [], 0])
  await store.close()
})

test('two thousand at most, in tens of milliseconds', async () => {
  const fleet = createFleet()
  for (let i = 0; i < 2_100; i++) {
    const live = liveOf(fleet, `w${i}` as WorkloadId, 'host-a' as AgentId, `w${i}`, `w${i}`)
    live.seen = active(...Array.from({ length: 6 }, () => prototype('Database', i % 40))).map((seen) => ({
      at: NOW,
      seen,
    }))
  }
  const store = { proposals: { all: async () => [] } } as never
  const map = createPersonaMap({ tenant: MAIN, store, fleet, model: () => DEFAULT_MODEL, clock: () => NOW })
  await map(MAIN)
  // Of the processor: this test may have to wait for one.
  const begun = process.cpuUsage()
  const { workloads, more } = await map(MAIN)
  const used = process.cpuUsage(begun)
  const tookMs = (used.user + used.system) / 1_000
  assert.deepEqual([workloads.length, more], [2_000, 100])
  assert.ok(tookMs < 200, `took ${tookMs} ms`)
})
