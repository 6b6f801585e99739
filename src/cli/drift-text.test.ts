import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Drift } from '../model/drift.ts'
import { driftText } from './drift-text.ts'

const DRIFT: Drift = {
  at: 1_790_000_000_000,
  score: 0.031,
  since: null,
  lasted: 0,
  surprise: 1.2,
  windows: 400,
  regimes: 2,
  regime: 0,
  cause: {
    at: 1_790_000_000_000,
    metric: 'bytes out',
    unit: 'bytes',
    seen: 91_234,
    low: 12_345,
    high: 80_000,
    side: 'above',
  },
}

test('a drift in words: quiet, strange since when and by what, and before anything is known', () => {
  assert.equal(
    driftText('web1', DRIFT),
    [
      'web1: drift 0.03',
      '400 windows of 30 s seen, 2 regimes known, in regime 1 now',
      'least expected of the last window: bytes out: 91200 bytes, above the expected 12300 to 80000, 1 window in 15.8',
    ].join('\n'),
  )
  assert.equal(
    driftText('web1', { ...DRIFT, score: 0.98, since: 1_790_000_000_000 })
      .split('\n')
      .at(-1),
    'it began with bytes out: 91200 bytes, above the expected 12300 to 80000',
  )
  assert.match(driftText('web1', DRIFT), /^web1: drift 0\.03\n/)
  assert.match(driftText('web1', { ...DRIFT, since: 1_790_000_000_000 }), /^web1: drift 0\.03, since 2026-09-2/)
  assert.match(driftText('web1', { ...DRIFT, cause: null, windows: 3 }), /nothing is expected of it yet/)
  assert.match(driftText('web1', null), /no window of it was whole yet/)
})
