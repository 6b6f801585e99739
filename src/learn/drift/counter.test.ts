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

test('a row whose time was lost is bridged; rows that have no times are one apart', () => {
  const timed = createCounter()
  const rows = [
    [0, 0],
    [60, 600],
    [Number.NaN, 1_200],
    [180, 1_800],
    [240, 2_400],
  ] as const
  assert.deepEqual(
    rows.map(([second, value]) => rateOf(timed, second, value)),
    [Number.NaN, 10, Number.NaN, 10, 10],
  )
  const untimed = createCounter()
  assert.deepEqual(
    [5, 8, 10].map((value) => rateOf(untimed, Number.NaN, value)),
    [Number.NaN, 3, 2],
  )
  // The first time ever: how long after the row before it is not known.
  assert.deepEqual([rateOf(untimed, 100, 20), rateOf(untimed, 110, 40)], [Number.NaN, 2])
})
