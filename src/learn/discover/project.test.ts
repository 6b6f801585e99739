import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FEATURE_WORDS } from '../feature-words.ts'
import { FEATURES } from '../features.ts'
import { DEFAULT_MODEL } from '../model.ts'
import { seeded, shuffled } from '../random.ts'
import { axesOf, hullOf, meanPlace, placeOf, projectionOf } from './project.ts'

const { novelty } = DEFAULT_MODEL
const WIDTH = FEATURES.length
const rows = Array.from({ length: novelty.prototypes.length / WIDTH }, (_, i) =>
  novelty.prototypes.subarray(i * WIDTH, (i + 1) * WIDTH),
)
const shipped = projectionOf(novelty)

test('every feature has words for an axis', () => {
  assert.deepEqual(
    Object.keys(FEATURE_WORDS),
    FEATURES.map(({ name }) => name),
  )
})

test('of known directions the stronger comes first, of length one, at a right angle, and pointing up', () => {
  const prototypes = Float64Array.from({ length: 3 * 200 }, (_, i) => {
    const t = Math.floor(i / 3)
    // One line through features 0 and 2, a weaker one along 1.
    return i % 3 === 1 ? Math.cos(t * 1.7) / 2 : (i % 3 === 0 ? -1 : 1) * Math.sin(t)
  })
  const { directions, shares } = projectionOf({ scale: Float64Array.of(1, 1, 1), prototypes })
  const near = (a: Float64Array, b: readonly number[]) => a.every((v, i) => Math.abs(v - b[i]!) < 0.02)
  assert.ok(near(directions[0], [Math.SQRT1_2, 0, -Math.SQRT1_2]), directions[0].join())
  assert.ok(near(directions[1], [0, 1, 0]), directions[1].join())
  assert.ok(shares[0] > 0.85 && Math.abs(shares[0] + shares[1] - 1) < 1e-6)
})

test('the shipped model: axes are told in words, personas lie apart', () => {
  const [across, up] = axesOf(shipped)
  assert.ok(across.share > up.share && up.share > 0.05, `${across.share} ${up.share}`)
  for (const { more, less } of [across, up]) assert.ok(more.length >= 1 && more.length <= 3 && less.length <= 3)
  const each = rows.length / DEFAULT_MODEL.personas.length
  const middles = DEFAULT_MODEL.personas.map((_, i) =>
    meanPlace(rows.slice(i * each, (i + 1) * each).map((row) => placeOf(shipped, row))),
  )
  const [server, consumer] = [middles[0]!, middles[1]!]
  assert.ok(Math.hypot(server[0] - consumer[0], server[1] - consumer[1]) > 2)
})

test('prototypes in another order give the same axes; the same ones the same bit for bit', () => {
  assert.deepEqual(projectionOf(novelty), shipped)
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prototypes = Float64Array.from(shuffled(rows, seeded(seed)).flatMap((row) => [...row]))
      const other = projectionOf({ scale: novelty.scale, prototypes })
      for (const row of rows.slice(0, 5)) {
        const [a, b] = [placeOf(shipped, row), placeOf(other, row)]
        assert.ok(Math.hypot(a[0] - b[0], a[1] - b[1]) < 1e-6)
      }
    }),
    { numRuns: 5 },
  )
})

test('whatever the numbers, places are finite; what is not known moves nothing', () => {
  const value = fc.oneof(fc.double(), fc.constant(Number.NaN))
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 * 6 }), fc.array(value, { minLength: 4, maxLength: 4 }), (all, x) => {
      const prototypes = Float64Array.from(
        all.slice(0, all.length - (all.length % 4)).map((v) => (Math.abs(v) < 1e100 ? v : 1)),
      )
      const made = projectionOf({ scale: Float64Array.of(1, 2, 0.05, 1), prototypes })
      assert.ok(placeOf(made, Float64Array.from(x)).every(Number.isFinite))
      assert.ok(made.shares.every((share) => share >= 0 && share <= 1 + 1e-9))
    }),
  )
  const nothing = placeOf(shipped, new Float64Array(WIDTH).fill(Number.NaN))
  assert.deepEqual(nothing, [0, 0])
})

test('a hull holds all its points, and no point of it is within', () => {
  assert.deepEqual(hullOf([]), [])
  assert.deepEqual(
    hullOf([
      [1, 1],
      [1, 1],
    ]),
    [[1, 1]],
  )
  assert.deepEqual(
    hullOf([
      [0, 0],
      [2, 0],
      [1, 1],
      [2, 2],
      [0, 2],
      [1, 0],
    ]),
    [
      [0, 0],
      [2, 0],
      [2, 2],
      [0, 2],
    ],
  )
})
