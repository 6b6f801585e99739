import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentState } from '../model/desired.ts'
import { endingByOurClock, heldByOurClock } from './skew.ts'
import { NOTHING } from './snapshot.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 0, 5)
const contained = (until: number) => ({ workloads: [{ containment: { until } }, { containment: null }] })
const endOf = (state: AgentState) => state.workloads[0]!.containment!.until

test('a server whose clock is days off contains for as long as it means to', () => {
  for (const serverAhead of [3 * DAY_MS, -3 * DAY_MS]) {
    const state = contained(NOW + serverAhead + 900_000) as unknown as AgentState
    assert.equal(endOf(endingByOurClock(state, -serverAhead + 40)), NOW + 900_000)
    assert.equal(endOf(endingByOurClock(state, -serverAhead - 40)), NOW + 900_000, 'the same to the millisecond')
  }
})

test('clocks that agree change nothing', () => {
  const state = contained(NOW) as unknown as AgentState
  assert.equal(endingByOurClock(state, 1_500), state)
})

test('what is in force is put on another clock with all that ends in it', () => {
  const state = contained(NOW + 900_000) as unknown as AgentState
  const draining = [{ key: 'a', facet: 'network' as const, addresses: [], instead: [], until: NOW }]
  const held = { ...NOTHING, state, draining }
  assert.equal(heldByOurClock(held, -1_500), held)
  assert.equal(heldByOurClock(NOTHING, -DAY_MS), NOTHING)
  const moved = heldByOurClock(held, -DAY_MS)
  assert.equal(endOf(moved.state!), NOW + 900_000 - DAY_MS)
  assert.equal(moved.draining?.[0]?.until, NOW - DAY_MS)
})
