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
