import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentId, WorkloadId } from '../model/ids.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS } from '../model/window.ts'
import { addTick, createFleet, liveOf } from './fleet.ts'

const NOW = Date.UTC(2026, 0, 5, 12, 0, 0)
const DAY_MS = 86_400_000

function tick(start: number) {
  const one = createWindow('w_1' as WorkloadId, start, TICK_MS)
  one.sums[sumAt.flowsInitiated] = 1
  return one
}

test('a late tick amends; a clock that was set back does not stop beliefs until the future is reached', () => {
  const fleet = createFleet()
  const live = liveOf(fleet, 'w_1' as WorkloadId, 'a1' as AgentId, 'k', 'n')
  assert.equal(addTick(fleet, live, tick(NOW)), null)
  assert.equal(addTick(fleet, live, tick(NOW - WINDOW_MS)), null)
  assert.equal(fleet.counters.lateTicks, 1)
  const amended = addTick(fleet, live, tick(NOW + WINDOW_MS))
  assert.equal(amended?.sums[sumAt.flowsInitiated], 2)
  addTick(fleet, live, tick(NOW + 3 * DAY_MS))
  assert.equal(addTick(fleet, live, tick(NOW + 2 * WINDOW_MS))?.start, NOW + 3 * DAY_MS)
  assert.equal(addTick(fleet, live, tick(NOW + 3 * WINDOW_MS))?.start, NOW + 2 * WINDOW_MS)
})
