import assert from 'node:assert/strict'
import { test } from 'node:test'
import { riskOf } from '../assess/risk.ts'
import type { Evidence } from '../model/evidence.ts'
import type { AgentId, WorkloadId } from '../model/ids.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS } from '../model/window.ts'
import { addEvidence, addTick, createFleet, liveOf } from './fleet.ts'

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

function said(over: Partial<Evidence>): Evidence {
  const about = { kind: 'exfiltration', subject: '10.0.0.5', peer: '203.0.113.9', weight: 5, at: NOW } as const
  const how = { halfLifeMs: 3_600_000, authenticated: true, source: 't', why: 'w', figures: {} }
  return { ...about, ...how, ...over }
}

test('no crowd of what could be forged pushes out what could not, or stands in its place', () => {
  const fleet = createFleet()
  const live = liveOf(fleet, 'w_1' as WorkloadId, 'a1' as AgentId, 'k', 'n')
  const risk = (at = NOW) => riskOf([...live.evidence.values()], at).value
  addEvidence(fleet, live, said({}))
  const alone = risk()
  assert.ok(alone > 0.7)
  for (let i = 0; i < 300; i++)
    addEvidence(fleet, live, said({ kind: 'dns.tunnel', peer: `d${i}.example`, weight: 2, authenticated: false }))
  assert.ok(risk() >= alone)
  addEvidence(fleet, live, said({ weight: 0.5, authenticated: false }))
  assert.ok(risk() >= alone)
  assert.equal(live.evidence.size, 200)
  assert.equal(fleet.counters.evidenceDropped, 102)
})

test('beyond the bound the weakest goes: what has faded before all, then of equals the oldest', () => {
  const fleet = createFleet()
  const live = liveOf(fleet, 'w_1' as WorkloadId, 'a1' as AgentId, 'k', 'n')
  const peers = () => [...live.evidence.values()].map(({ peer }) => peer)
  addEvidence(fleet, live, said({ peer: 'faded', at: NOW - DAY_MS }))
  addEvidence(fleet, live, said({ peer: 'weak', weight: 1, authenticated: false }))
  addEvidence(fleet, live, said({ peer: 'released', kind: 'manual', weight: -3 }))
  for (let i = 0; i < 197; i++) addEvidence(fleet, live, said({ peer: `p${i}`, weight: 2 }))
  for (const [peer, gone] of [
    ['x', 'faded'],
    ['y', 'weak'],
    ['z', 'p0'],
  ] as const) {
    assert.ok(peers().includes(gone))
    addEvidence(fleet, live, said({ peer, weight: 2 }))
    assert.ok(!peers().includes(gone) && peers().includes(peer))
  }
  assert.ok(peers().includes('released'))
})
