import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FIGURES, figureAt, perSecond, type Vitals } from '../../model/vitals.ts'
import { createLooked, createVitals, decodeVitals, encodeVitals, mergeVitals, put, readingsBetween } from './vitals.ts'

const looked = (cpu: number, memory: number, origin = 1) => {
  const one = createLooked()
  put(one, 'cpu', cpu, origin)
  put(one, 'memory', memory)
  return one
}

test('a counter is what was added; begun anew, of another origin, or never read before, it is not known, and never zero', () => {
  const of = (readings: Float64Array) => [readings[figureAt.cpu], readings[figureAt.memory], readings[figureAt.sent]]
  assert.deepEqual(of(readingsBetween(looked(10, 5), looked(12.5, 7))), [2.5, 7, Number.NaN])
  assert.deepEqual(of(readingsBetween(looked(10, 5), looked(10, 7))), [0, 7, Number.NaN])
  assert.deepEqual(of(readingsBetween(looked(10, 5), looked(9, 7))), [Number.NaN, 7, Number.NaN])
  assert.deepEqual(of(readingsBetween(looked(10, 5, 1), looked(12, 7, 2))), [Number.NaN, 7, Number.NaN])
  assert.deepEqual(of(readingsBetween(null, looked(12, 7))), [Number.NaN, 7, Number.NaN])
})

const value = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: Number.NaN })
const tick = fc.record({
  n: fc.integer({ min: 0, max: 11 }),
  values: fc.array(value, { minLength: FIGURES.length, maxLength: FIGURES.length }),
})
const made = ({ n, values }: { n: number; values: number[] }): Vitals => {
  const one = createVitals(n * 5_000, 5_000)
  for (const [i, v] of values.entries()) {
    one.values[i] = v
    if (Number.isNaN(v)) continue
    one.coveredMs[i] = 5_000
    one.readAt[i] = (n + 1) * 5_000
  }
  return one
}
const merged = (ticks: readonly Vitals[]): Vitals => {
  const into = createVitals(ticks[0]!.start, ticks[0]!.spanMs)
  for (const one of ticks) mergeVitals(into, one)
  return into
}

test('merging is the same in any order and grouping, for ticks of different times', () => {
  fc.assert(
    fc.property(fc.uniqueArray(tick, { minLength: 2, maxLength: 6, selector: ({ n }) => n }), fc.nat(), (ticks, at) => {
      const all = ticks.map(made)
      const whole = merged(all)
      const cut = 1 + (at % (all.length - 1))
      assert.deepEqual(merged([merged(all.slice(0, cut)), merged(all.slice(cut))]), whole)
      assert.deepEqual(merged([...all].reverse()), whole)
    }),
  )
})

test('a gap counts as nothing: the rate is of what was covered', () => {
  const a = createVitals(0, 5_000)
  const b = createVitals(5_000, 5_000)
  a.values[figureAt.sent] = 1_000
  a.coveredMs[figureAt.sent] = 5_000
  mergeVitals(a, b)
  assert.equal(perSecond(a, figureAt.sent), 200)
  assert.equal(perSecond(a, figureAt.cpu), null)
  assert.equal(a.spanMs, 10_000)
})

test('a batch comes back as it went; columns of other versions are passed over, and nothing that is sent breaks it', () => {
  const readings = readingsBetween(looked(1, 2), looked(3.25, 4))
  const wire = encodeVitals(1_000, 5_000, [{ key: 'a', readings, why: new Map([['sent', 'no link']] as const) }])
  assert.deepEqual(wire.figures, ['cpu', 'memory'])
  const back = decodeVitals(JSON.parse(JSON.stringify(wire)), wire.rows[0]!)
  assert.deepEqual(back.values, readings)
  const newer = { ...wire, figures: ['tea', ...wire.figures] }
  const row = { key: 'a', values: [9, ...wire.rows[0]!.values] }
  assert.deepEqual(decodeVitals(newer, row).values, readings)
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.option(fc.double({ min: 0 }))), (figures, values) => {
      decodeVitals({ ...wire, figures }, { key: 'a', values })
    }),
  )
})
