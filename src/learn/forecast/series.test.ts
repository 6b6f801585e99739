import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { knownSteps, type Life, type StepSum, seriesOf, serviceRows } from './series.ts'

const STEP = 300_000
const one = (slots: readonly number[]): StepSum[] => slots.map((t) => ({ at: t * STEP, known: 1, value: t }))
const life = (first: number, last: number): Life => ({ first: first * STEP, last: last * STEP })
const shown = (values: Float64Array) => Array.from(values, (v) => (Number.isNaN(v) ? null : v))

test('steps nobody looked at are gaps, to the end that was asked for', () => {
  const series = seriesOf(one([10, 11, 14]), [life(10, 14)], STEP, 17 * STEP + 1)
  assert.deepEqual([series.start, shown(series.values)], [10 * STEP, [10, 11, null, null, 14, null, null]])
  assert.equal(knownSteps(series), 3)
  assert.equal(seriesOf([], [], STEP, 17 * STEP).values.length, 0)
})

test('a sum in which too many are missing is a gap; who came later or is gone for a day is not missing', () => {
  const day = 288
  const rows = (known: number, slots: readonly number[]) => slots.map((t) => ({ at: t * STEP, known, value: known }))
  const lives = [life(0, 400), life(0, 400), life(2, 400), life(0, 100)]
  const series = seriesOf(
    [...rows(3, [0, 1]), ...rows(2, [2]), ...rows(4, [3]), ...rows(3, [101]), ...rows(2, [102])],
    lives,
    STEP,
    (401 + day) * STEP,
  )
  assert.deepEqual(
    [0, 1, 2, 3, 101, 102].map((t) => shown(series.values)[t]),
    [3, 3, null, 4, 3, null],
  )
  // Silent for less than a day: away, and what the others do is not all of it.
  const away = seriesOf(rows(1, [0, 1, 2]), [life(0, 2), life(0, 0)], STEP, 3 * STEP)
  assert.equal(knownSteps(away), 0)
})

test('whatever the rows and clocks say: each value stands in its step or nowhere, the newest of two', () => {
  const row = fc.record({
    at: fc.oneof(fc.integer({ min: -50, max: 300 }), fc.integer()).map((t) => t * 60_000),
    known: fc.integer({ min: 0, max: 4 }),
    value: fc.oneof(fc.nat(1_000), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY)),
  })
  const lives = fc.array(
    fc.tuple(fc.integer({ min: -50, max: 300 }), fc.integer({ min: -50, max: 300 })).map(([a, b]) => life(a, b)),
    { maxLength: 4 },
  )
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), lives, fc.integer({ min: 0, max: 70 }), (rows, held, end) => {
      const { start, values } = seriesOf(rows, held, STEP, end * STEP + 7)
      assert.ok(values.length <= 10_000 && start % STEP === 0)
      if (values.length === 0) return
      assert.equal(start + values.length * STEP, end * STEP)
      assert.ok(Number.isFinite(values[0]), 'it begins with what is known')
      values.forEach((v, t) => {
        const at = start + t * STEP
        const own = rows.filter((each) => Math.floor(each.at / STEP) * STEP === at && each.known > 0)
        if (Number.isNaN(v)) return
        assert.ok(own.some(({ value }) => value === v))
      })
    }),
  )
})

test('a service that was not used while the workload was looked at is zero', () => {
  const rows = serviceRows(one([1, 2, 4]), new Map([[2 * STEP, 70]]))
  assert.deepEqual(shown(seriesOf(rows, [life(1, 4)], STEP, 5 * STEP).values), [0, 70, null, 0])
})
