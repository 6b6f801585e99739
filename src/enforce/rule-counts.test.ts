import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuleCounts } from './rule-counts.ts'

const count = (packets: number) => ({ packets, bytes: packets * 100 })
const found = (all: Record<string, number>) => new Map(Object.entries(all).map(([id, n]) => [id, count(n)]))
const ids = new Map([['a', 'policy:a/0']])

test('what came since the last call, by the rule; a reload of the table starts over and loses nothing', () => {
  const counts = createRuleCounts()
  counts.add(found({ a: 5, b: 2 }), ids)
  counts.add(found({ a: 9, b: 2 }), ids)
  assert.deepEqual(counts.take(10), { 'policy:a/0': 9, b: 2 })
  assert.deepEqual(counts.take(10), {})
  counts.add(found({ a: 3, b: 2 }), ids)
  assert.deepEqual(counts.take(10), { 'policy:a/0': 3 })
  // A rule that went and came back is a new one.
  counts.add(found({ a: 3 }), ids)
  counts.add(found({ a: 3, b: 2 }), ids)
  assert.deepEqual(counts.take(10), { b: 2 })
})

test('the busiest are told when there are too many', () => {
  const counts = createRuleCounts()
  counts.add(found({ a: 1, b: 7, c: 3 }), new Map())
  assert.deepEqual(Object.keys(counts.take(2)), ['b', 'c'])
})
