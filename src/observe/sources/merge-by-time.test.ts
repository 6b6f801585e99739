import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flowRows } from '../../../test/flow-rows.ts'
import type { FlowBatch } from '../../model/flow.ts'
import type { Hint } from '../../model/hint.ts'
import { mergeByTime } from './merge-by-time.ts'

const hint = (at: number): Hint => ({
  kind: 'dns',
  at,
  source: [0, 0, 0xffff, 1],
  target: [0, 0, 0xffff, 2],
  sourcePort: 1,
  targetPort: 53,
  proto: 17,
  query: 'a.example',
  type: 1,
  code: 0,
  answers: [],
  answeredMs: -1,
})

type Log = { readonly rows: readonly number[]; readonly hints: readonly number[] }

/** Each log in batches of three rows and three hints. */
function logOf({ rows, hints }: Log) {
  async function* batches(): AsyncGenerator<FlowBatch> {
    for (let i = 0; i < Math.max(rows.length, hints.length); i += 3) {
      const batch = flowRows(rows.slice(i, i + 3).map((at) => ({ at, from: '10.0.0.1', to: '10.0.0.2' })))
      batch.hints.push(...hints.slice(i, i + 3).map(hint))
      yield batch
    }
  }
  return { firstMs: Math.min(...rows, ...hints), open: batches }
}

async function merged(logs: readonly Log[]): Promise<{ rows: number[]; hints: number[] }> {
  const out = { rows: [] as number[], hints: [] as number[] }
  const sorted = logs.map(logOf).sort((a, b) => a.firstMs - b.firstMs)
  for await (const batch of mergeByTime(sorted)) {
    out.rows.push(...batch.start.subarray(0, batch.count))
    out.hints.push(...batch.hints.map(({ at }) => at))
  }
  return out
}

test('rows of one log and hints of another come side by side', async () => {
  const logs = [
    { rows: [1_000, 2_000, 3_000, 4_000], hints: [] },
    { rows: [], hints: [1_500, 2_500, 9_000] },
  ]
  const order: string[] = []
  for await (const batch of mergeByTime(logs.map(logOf))) {
    order.push(...Array.from(batch.start.subarray(0, batch.count), (at) => `row ${at}`))
    order.push(...batch.hints.map(({ at }) => `hint ${at}`))
  }
  assert.deepEqual(order, ['row 1000', 'row 2000', 'row 3000', 'row 4000', 'hint 1500', 'hint 2500', 'hint 9000'])
})

test('logs in order merge to one in order, and nothing is lost or doubled', async () => {
  const times = fc.array(fc.nat(200_000), { maxLength: 20 }).map((list) => list.sort((a, b) => a - b))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ rows: times, hints: times }), { minLength: 1, maxLength: 6 }),
      async (logs) => {
        const whole = logs.filter(({ rows, hints }) => rows.length + hints.length > 0)
        const inOrder = (list: readonly number[]) => [...list].sort((a, b) => a - b)
        const out = await merged(whole)
        assert.deepEqual(inOrder(out.rows), inOrder(whole.flatMap(({ rows }) => rows)))
        assert.deepEqual(inOrder(out.hints), inOrder(whole.flatMap(({ hints }) => hints)))
        if (whole.every(({ rows, hints }) => rows.length === 0 || hints.length === 0)) {
          assert.deepEqual(out.rows, inOrder(out.rows))
          assert.deepEqual(out.hints, inOrder(out.hints))
        }
      },
    ),
  )
})
