import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flowRows } from '../../../test/flow-rows.ts'
import type { FlowBatch } from '../../model/flow.ts'
import type { Hint } from '../../model/hint.ts'
import { createEventClock } from './event-clock.ts'

const hint = (at: number): Hint => ({
  kind: 'login',
  at,
  source: [0, 0, 0xffff, 1],
  target: [0, 0, 0xffff, 2],
  sourcePort: 1,
  targetPort: 25,
  proto: 6,
  service: 'smtp',
  outcome: 'refused',
  client: '',
})

function batchOf(rows: readonly number[], hints: readonly number[]): FlowBatch {
  const batch = flowRows(rows.map((at) => ({ at, from: '10.0.0.1', to: '10.0.0.2' })))
  batch.hints.push(...hints.map(hint))
  return batch
}

test('hints go with the rows of their time, each once, and move the clock as rows do', () => {
  const clock = createEventClock()
  const parts: { rows: number[]; hints: number[]; now: number }[] = []
  clock.walk(batchOf([1_000, 7_000, 20_000], [500, 6_000, 6_500, 30_000]), 5_000, (part, now) => {
    parts.push({ rows: [...part.start.subarray(0, part.count)], hints: part.hints.map(({ at }) => at), now })
  })
  assert.deepEqual(parts, [
    { rows: [], hints: [500], now: 500 },
    { rows: [1_000], hints: [6_000], now: 6_000 },
    { rows: [7_000, 20_000], hints: [6_500], now: 20_000 },
    { rows: [], hints: [30_000], now: 30_000 },
  ])
})

test('a batch of hints alone is walked, and one hint from the far future does not move the clock', () => {
  const clock = createEventClock()
  const seen: number[] = []
  clock.walk(batchOf([], [1_000, 2_000, 9e12]), 5_000, (part) => seen.push(...part.hints.map(({ at }) => at)))
  assert.deepEqual(seen, [1_000, 2_000, 9e12])
  assert.equal(clock.now, 2_000)
})

test('whatever the times, every row and every hint is given once, in order', () => {
  const times = fc.array(fc.nat(100_000), { maxLength: 60 })
  fc.assert(
    fc.property(times, times, fc.integer({ min: 1, max: 30_000 }), (rows, unsorted, span) => {
      const hints = [...unsorted].sort((a, b) => a - b)
      const clock = createEventClock()
      const seen = { rows: [] as number[], hints: [] as number[] }
      clock.walk(batchOf(rows, hints), span, (part) => {
        seen.rows.push(...part.start.subarray(0, part.count))
        seen.hints.push(...part.hints.map(({ at }) => at))
      })
      assert.deepEqual(seen, { rows, hints })
    }),
  )
})
