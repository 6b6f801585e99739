import assert from 'node:assert/strict'
import { test } from 'node:test'
import { priorOf } from './persona-prior.ts'

const HOUR = 3_600_000
/** Busy from 8 to 17, `size` times as much. */
const shape = (t: number) => (t % 24 >= 8 && t % 24 < 18 ? 100 : 10)
const lived = (workload: string, size: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, k) => ({ workload, at: (from + k) * HOUR, value: size * shape(from + k) }))

test('the usual day of the others, from where the series begins, at the level in the middle', () => {
  const rows = [...lived('a', 1, 0, 72), ...lived('b', 2, 0, 72), ...lived('c', 90, 0, 48)]
  const prior = priorOf(rows, HOUR, 24, 6 * HOUR, 200)!
  prior.shape.forEach((v, t) => {
    assert.ok(Math.abs(v - 2 * shape(t + 6)) < 1e-9, `hour ${t + 6}: ${v}`)
  })
  // Alike in shape: what is left is how far they differ in level, and that is known after a while.
  const young = priorOf(rows, HOUR, 24, 6 * HOUR, 0)!
  assert.ok(young.spread > 1 && prior.spread < 0.25, `${young.spread}, ${prior.spread}`)
})

test('who was seen for too little of a day, or did nothing, is nobody to lean on', () => {
  assert.equal(priorOf([], HOUR, 24, 0, 0), null)
  assert.equal(priorOf(lived('a', 1, 0, 12), HOUR, 24, 0, 0), null)
  assert.equal(priorOf(lived('a', 0, 0, 48), HOUR, 24, 0, 0), null)
  const holed = lived('a', 1, 0, 48).filter(({ at }) => (at / HOUR) % 24 < 20)
  assert.ok(priorOf(holed, HOUR, 24, 0, 0)!.shape.every((v) => v > 0))
})
