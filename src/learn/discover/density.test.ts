import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clusterByDensity, NOISE } from './density.ts'

const settings = { reach: 1, whole: 0.3, least: 2 }

function label(points: readonly (readonly [x: number, group: number])[], wanted = settings): number[] {
  const far = new Float64Array(points.length ** 2)
  points.forEach(([a], i) => {
    points.forEach(([b], j) => {
      far[i * points.length + j] = Math.abs(a - b)
    })
  })
  return [
    ...clusterByDensity(
      far,
      Int32Array.from(points, ([, group]) => group),
      wanted,
    ),
  ]
}

test('places that several visit are clusters, whoever is alone is noise', () => {
  const points = [
    [0, 0],
    [0.1, 1],
    [0.15, 0],
    [5, 2],
    [5.1, 3],
    [20, 4],
  ] as const
  assert.deepEqual(label(points), [0, 0, 0, 1, 1, NOISE])
})

test('one workload seen a hundred times is still one', () => {
  assert.ok(label(Array.from({ length: 100 }, (_, i) => [i / 1_000, 7] as const)).every((one) => one === NOISE))
})

test('within reach, two dense places with a gap between them are two', () => {
  const dense = (at: number, group: number) =>
    Array.from({ length: 6 }, (_, i) => [at + i * 0.02, group + (i % 3)] as const)
  const points = [...dense(0, 0), ...dense(0.9, 10)]
  assert.equal(new Set(label(points)).size, 2)
  assert.equal(new Set(label(points, { ...settings, whole: 0.95 })).size, 1)
})

test('nothing at all, and one point, are no cluster', () => {
  assert.deepEqual(label([]), [])
  assert.deepEqual(label([[0, 0]]), [NOISE])
})

test('who is with whom does not depend on the order of the points', () => {
  const point = fc.tuple(fc.double({ min: 0, max: 10, noNaN: true }), fc.integer({ min: 0, max: 5 }))
  fc.assert(
    fc.property(fc.uniqueArray(point, { maxLength: 25, selector: ([x]) => x }), (points) => {
      const forwards = label(points)
      const backwards = label(points.toReversed()).toReversed()
      const pairs = (labels: readonly number[]) =>
        labels.map((a, i) => labels.map((b, j) => i !== j && a === b && a !== NOISE))
      assert.deepEqual(pairs(backwards), pairs(forwards))
    }),
  )
})
