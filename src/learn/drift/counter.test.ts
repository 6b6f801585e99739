import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounter, rateOf } from './counter.ts'

test('a restart counts from zero, a missing row is bridged, times that do not move give no rate', () => {
  const counter = createCounter()
  const rows = [
    [0, 1_000, Number.NaN],
    [10, 1_500, 50],
    [20, 200, 20],
    [30, Number.NaN, Number.NaN],
    [40, 600, 20],
    [40, 700, Number.NaN],
    [50, 710, 1],
  ] as const
  for (const [second, value, rate] of rows) assert.equal(rateOf(counter, second, value), rate)
})
