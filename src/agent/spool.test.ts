import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentReport } from '../model/wire.ts'
import { MAX_DENIES } from '../model/wire.ts'
import { createSpool } from './spool.ts'

const report = (sequence: number): AgentReport => ({
  boot: 'b',
  sequence,
  at: sequence,
  host: 'h',
  mode: 'observe',
  ...(sequence === 0 ? { workloads: [] } : {}),
  ticks: [{} as never],
  conversations: [],
  evidence: [{ key: `k${sequence}` } as never],
  reflexes: [{ key: `r${sequence}` } as never],
  applied: null,
  counters: {},
  denies: { rule: 1 },
})

test('the bound drops the oldest telemetry and counts it, and carries on what was done and seen', () => {
  const spool = createSpool(3)
  for (let n = 0; n < 10; n++) spool.push(report(n))
  assert.equal(spool.size, 3)
  assert.deepEqual(spool.counters, { droppedReports: 7, droppedTicks: 7, droppedEvidence: 0 })
  const first = spool.first()!
  assert.equal(first.sequence, 7)
  assert.equal(first.evidence.length, 8)
  assert.equal(first.reflexes.length, 8)
  assert.deepEqual(first.denies, { rule: 8 })
  assert.deepEqual(first.workloads, [])
  for (let n = 0; n < 3; n++) spool.shift()
  assert.equal(spool.first(), null)
})

test('what is carried on stays within what the server takes; those with most stay', () => {
  const spool = createSpool(1)
  const denies = (from: number, n: number) =>
    Object.fromEntries(Array.from({ length: MAX_DENIES / 2 }, (_, i) => [`rule ${from + i}`, n]))
  spool.push({ ...report(0), denies: { ...denies(0, 2), often: 9 } })
  spool.push({ ...report(1), denies: denies(MAX_DENIES / 2, 1) })
  const carried = spool.first()!.denies
  assert.equal(Object.keys(carried).length, MAX_DENIES)
  assert.deepEqual([carried.often, carried['rule 0'], carried[`rule ${MAX_DENIES - 1}`]], [9, 2, undefined])
})
