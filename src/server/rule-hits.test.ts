import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentId } from '../model/ids.ts'
import { createHitBook } from './rule-hits.ts'

const [here, there] = ['h1', 'h2'] as AgentId[]

test('packets add up per host and rule; per second is that of the last half minute', () => {
  const book = createHitBook()
  book.add(here!, { 'policy:a/0': 30, 'policy:b/0': 1 }, 1_000)
  book.add(here!, { 'policy:a/0': 60 }, 6_000)
  book.add(there!, { 'policy:a/0': 5 }, 6_000)
  const [hit, ...more] = book.of(here!, ['policy:a/0', 'policy:z/9'], 10_000)
  assert.deepEqual(more, [])
  assert.deepEqual(hit, { rule: 'policy:a/0', packets: 90, perSecond: 3, last: 6_000 })
  assert.equal(book.of(here!, ['policy:a/0'], 33_000)[0]?.perSecond, 2)
  assert.equal(book.of(here!, ['policy:a/0'], 60_000)[0]?.perSecond, 0)
  assert.equal(book.of(there!, ['policy:a/0'], 10_000)[0]?.packets, 5)
})
