import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { distance, nearest, novelty } from './novelty.ts'

const scale = Float64Array.of(1, 2, 0.5)

test('differences count in units of their scale, are capped, and only where something is known', () => {
  const x = Float64Array.of(1, 4, Number.NaN)
  assert.equal(distance(x, scale, Float64Array.of(1, 4, Number.NaN), 0), 0)
  assert.equal(distance(x, scale, Float64Array.of(2, 4, Number.NaN), 0), 0.5)
  assert.equal(distance(x, scale, Float64Array.of(1, 4, 7), 0), 1 / 3)
  assert.equal(distance(x, scale, Float64Array.of(1e9, 4, Number.NaN), 0), 2)
})

test('stopping early never changes who is nearest', () => {
  const value = fc.oneof(fc.double({ min: -50, max: 50, noNaN: true }), fc.constant(Number.NaN))
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 3, maxLength: 3 }),
      fc.array(value, { minLength: 30, maxLength: 30 }),
      (a, b) => {
        const x = Float64Array.from(a)
        const prototypes = Float64Array.from(b)
        const all = Array.from({ length: 10 }, (_, i) => distance(x, scale, prototypes, i * 3))
        assert.equal(nearest(x, scale, prototypes), Math.min(4, ...all))
      },
    ),
  )
})

test('novelty is half at the threshold and grows with the distance', () => {
  const model = { scale, prototypes: Float64Array.of(0, 0, 0), threshold: 1, slope: 4 }
  assert.equal(novelty(model, Float64Array.of(1, 2, 0.5)), 0.5)
  assert.ok(novelty(model, Float64Array.of(0, 0, 0)) < 0.05)
  assert.ok(novelty(model, Float64Array.of(9, 9, 9)) > 0.95)
})
