import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import type { Drift, DriftCause } from '../model/drift.ts'
import { Evidence } from '../model/evidence.ts'
import { driftEvidence, SUSTAINED_WINDOWS } from './drift-evidence.ts'
import { riskOf } from './risk.ts'

const SINCE = Date.UTC(2026, 10, 22, 14, 5)
const NOW = SINCE + 3 * 60_000
const CAUSE: DriftCause = {
  at: SINCE,
  metric: 'bytes to outside',
  unit: 'bytes',
  seen: 12_300_000,
  low: 0,
  high: 40_000,
  side: 'above',
}

const drifting = (over: Partial<Drift> = {}, cause: Partial<DriftCause> = {}): Drift => ({
  at: NOW,
  score: 0.99,
  since: SINCE,
  lasted: SUSTAINED_WINDOWS,
  surprise: 9,
  windows: 400,
  regimes: 2,
  regime: 1,
  cause: { ...CAUSE, ...cause },
  ...over,
})

test('a departure that lasts is evidence, with its cause in words', () => {
  const evidence = driftEvidence(drifting(), 'web1', NOW)!
  assert.ok(Value.Check(Evidence, evidence))
  assert.equal(evidence.why, 'bytes to outside 12.3 MB per 30 s, usually below 40.0 kB; since 14:05 UTC')
  const says = (cause: Partial<DriftCause>) => driftEvidence(drifting({}, cause), 'web1', NOW)!.why
  assert.equal(
    says({ metric: 'flows answered', unit: 'flows', seen: 0, low: 71.6, high: 240, side: 'below' }),
    'flows answered 0 per 30 s, usually above 72; since 14:05 UTC',
  )
  assert.equal(
    says({ metric: 'round trip', unit: 'ms', seen: 120.4, low: 2, high: 14.02 }),
    'round trip 120 ms, usually below 14 ms; since 14:05 UTC',
  )
})

test('nothing that does not last, is over, or shows in no metric is evidence', () => {
  const none = [
    drifting({ lasted: SUSTAINED_WINDOWS - 1 }),
    drifting({ since: null, score: 0.2, lasted: 0 }),
    drifting({ cause: null }),
    drifting({}, { side: 'within' }),
  ]
  for (const one of none) assert.equal(driftEvidence(one, 'web1', NOW), null)
})

test('drift alone never lifts the risk to 0.3, the first step of a ladder, however long and strange it is', () => {
  const said = (['above', 'below'] as const).map(
    (side, i) =>
      driftEvidence(drifting({ at: NOW + i, score: 1, lasted: 10_000 }, { side, seen: 1e15 }), 'web1', NOW + i)!,
  )
  const risk = riskOf(said, NOW)
  assert.equal(risk.terms.length, 1)
  assert.ok(risk.value > 0.15 && risk.value < 0.3, `${risk.value}`)
  assert.ok(risk.terms.every(({ evidence }) => !evidence.authenticated))
})

test('it fades: half of it is gone five minutes after it ended, and nothing is left after an hour', () => {
  const evidence = driftEvidence(drifting(), 'web1', NOW)!
  assert.equal(riskOf([evidence], NOW + 300_000).terms[0]?.decayed, 0.5)
  assert.equal(riskOf([evidence], NOW + 3_600_000).terms.length, 0)
})
