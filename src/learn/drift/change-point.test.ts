import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changedAt, createSegment } from './change-point.ts'

function points(values: readonly number[]): number[] {
  const segment = createSegment()
  return values.flatMap((value, row) => {
    const ago = changedAt(segment, value)
    return ago < 0 ? [] : [row - ago]
  })
}
/** Noise without chance: the fractional parts of multiples of the golden ratio. */
const noise = (k: number) => ((k * 0.618_033_988_749) % 1) - 0.5

test('steps are found where they are; noise, a ramp and a constant have none', () => {
  const steps = Array.from({ length: 300 }, (_, k) => noise(k) + (k < 100 ? 0 : k < 200 ? 5 : -3))
  const found = points(steps)
  assert.equal(found.length, 2)
  assert.ok(Math.abs(found[0]! - 100) <= 1 && Math.abs(found[1]! - 200) <= 1, `${found}`)
  assert.deepEqual(points(Array.from({ length: 500 }, (_, k) => noise(k))), [])
  assert.deepEqual(points(Array.from({ length: 500 }, (_, k) => k + noise(k))), [])
  assert.deepEqual(points(new Array<number>(500).fill(3)), [])
})

test('a large offset changes nothing', () => {
  const steps = Array.from({ length: 200 }, (_, k) => noise(k) + (k < 100 ? 0 : 5))
  assert.deepEqual(points(steps.map((value) => value + 1e9)), points(steps))
})
