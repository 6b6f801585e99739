import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { AgentReport } from './wire.ts'

const report = { boot: 'b', sequence: 0, at: 1, host: 'h', mode: 'observe', applied: null, counters: {}, denies: {} }
const lists = { ticks: [], conversations: [], evidence: [], reflexes: [] }
const evidence = {
  kind: 'blocklist',
  subject: 's',
  peer: null,
  weight: 1,
  halfLifeMs: 1_000,
  at: 1,
  authenticated: true,
  source: 's',
  why: 'w',
  figures: {},
}
const takes = (over: object) => Value.Check(AgentReport, { ...report, ...lists, ...over })

test('numbers that the record cannot hold, or that never fade, are refused at the door', () => {
  const one = (over: object) => takes({ evidence: [{ key: 'k', evidence: { ...evidence, ...over } }] })
  assert.ok(one({}))
  for (const over of [{ at: 1e300 }, { at: -1 }, { halfLifeMs: 1e12 }, { halfLifeMs: 0 }]) assert.ok(!one(over))
  const reflex = { key: 'k', peer: '192.0.2.1', at: 1, until: 2, why: 'w' }
  assert.ok(takes({ reflexes: [reflex] }))
  assert.ok(!takes({ reflexes: [{ ...reflex, until: 1e300 }] }))
})

test('a mapping has a bound on its keys and on what they hold, far above what an agent sends', () => {
  const many = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`rule ${i}`, 1]))
  assert.ok(takes({ counters: many(1_000), denies: many(10_000), hits: many(5_000) }))
  assert.ok(takes({ denies: { ['x'.repeat(160)]: 1, 'two\nlines': 1 } }))
  const workload = { key: 'k', name: 'n', kind: 'host', driver: 'host', interface: null, addresses: [] }
  const labelled = (labels: object) => takes({ workloads: [{ ...workload, labels }] })
  assert.ok(labelled({ app: 'shop', [`${'p'.repeat(253)}/${'n'.repeat(63)}`]: '' }))
  for (const over of [
    { counters: many(1_001) },
    { counters: { ['x'.repeat(65)]: 1 } },
    { counters: { 'two\nlines': 'no number' } },
    { denies: many(10_001) },
    { denies: { ['x'.repeat(161)]: 1 } },
    { hits: many(5_001) },
    { evidence: [{ key: 'k', evidence: { ...evidence, figures: many(65) } }] },
    { evidence: [{ key: 'k', evidence: { ...evidence, figures: { 'two\nlines': '' } } }] },
    { hits: { 'two\nlines': {} } },
  ])
    assert.ok(!takes(over), Object.keys(over)[0])
  const texts = Object.fromEntries(Object.keys(many(101)).map((key) => [key, '']))
  assert.ok(!labelled(texts))
  assert.ok(!labelled({ ['x'.repeat(318)]: '' }))
  assert.ok(!labelled({ app: 'x'.repeat(64) }))
})
