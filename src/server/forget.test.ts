/** Workloads come and go, on a real database: what is decided on, and what is held in memory, does not grow with them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { MAIN, workloadReport } from '../../test/records.ts'
import { driftOf, watchWindows } from '../learn/watch/watch.ts'
import type { AgentId } from '../model/ids.ts'
import { createWindow, sumAt, WINDOW_MS } from '../model/window.ts'
import { workloadId } from '../model/workload-id.ts'
import { openStore } from '../store/database.ts'
import { WORKLOADS_KEPT_MS } from '../store/retention.ts'
import { gather } from './decision-input.ts'
import { createFleet, type Live, liveOf } from './fleet.ts'
import { createForgetting, FORGET_EVERY_MS } from './forget.ts'

const AGENT = 'h_1' as AgentId
const NO_INTEL = { entries: [], neverBlock: [], hash: 'none' }

test('a host of short-lived workloads costs what it runs now, round after round; who comes back is new', async () => {
  await using database = await testDatabase()
  await using store = await openStore({ ...database, clock: () => now })
  const fleet = createFleet()
  let now = 100 * 86_400_000
  let sequence = 0
  const forget = createForgetting({ tenant: MAIN, store, fleet, clock: () => now })

  const report = async (keys: readonly string[]): Promise<Live[]> => {
    const known = await store.workloads.report(MAIN, AGENT, keys.map(workloadReport), now)
    const lives = known.map(({ id, report: { key, name } }) => liveOf(fleet, id, AGENT, key, name))
    const seen = { host: 'h', mode: 'enforce', boot: 'b', sequence: sequence++, applied: null, counters: {} } as const
    await store.agents.seen(MAIN, AGENT, seen, now)
    return lives
  }
  const window = (live: Live) => {
    const one = createWindow(live.workload, now, WINDOW_MS)
    one.sums[sumAt.flowsServed] = 10
    return { row: live.row, window: one }
  }
  const held = async () => [
    (await gather(store, MAIN, fleet, NO_INTEL)).workloads.length,
    fleet.live.size,
    fleet.watch.rows,
  ]

  const first = await report(['stays', 'a', 'b', 'c'])
  watchWindows(fleet.watch, first.map(window))
  assert.deepEqual(await held(), [4, 4, 4])
  now += WORKLOADS_KEPT_MS + 1
  await report(['stays'])
  assert.equal(await forget(), 0, 'the agent may have come back just now')
  for (let generation = 0; generation < 5; generation++) {
    await report(['stays', ...['x', 'y', 'z'].map((name) => `${name}-${generation}`)])
    now += FORGET_EVERY_MS
    await report(['stays'])
    assert.equal(await forget(), 3)
    assert.deepEqual(await held(), [4, 4, 7])
    now += WORKLOADS_KEPT_MS
    await report(['stays'])
  }
  const [back] = await report(['a'])
  assert.ok(back!.row < 7)
  assert.deepEqual([back!.belief, back!.evidence.size, driftOf(fleet.watch, back!.row)], [null, 0, null])
  const record = (await store.workloads.get(MAIN, workloadId(MAIN, 'a')))!
  assert.equal(record.firstSeen, now)
})

test('an agent that is silent when the round comes loses nobody', async () => {
  await using database = await testDatabase()
  await using store = await openStore({ ...database, clock: () => now })
  const fleet = createFleet()
  let now = 100 * 86_400_000
  const forget = createForgetting({ tenant: MAIN, store, fleet, clock: () => now })
  await store.workloads.report(MAIN, AGENT, [workloadReport('a')], now)
  const seen = { host: 'h', mode: 'enforce', boot: 'b', sequence: 1, applied: null, counters: {} } as const
  await store.agents.seen(MAIN, AGENT, seen, now)
  for (let round = 0; round < 3; round++) {
    now += WORKLOADS_KEPT_MS
    assert.equal(await forget(), 0)
  }
})
