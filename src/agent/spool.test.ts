import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentReport } from '../model/wire.ts'
import { MAX_CONVERSATIONS, MAX_DENIES, MAX_EVIDENCE, MAX_TICKS } from '../model/wire.ts'
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
  assert.deepEqual(spool.counters, { droppedReports: 7, droppedTicks: 7, droppedConversations: 0, droppedEvidence: 0 })
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

test('what is being sent while the spool overflows is what has arrived; what waits behind it is sent as well', () => {
  const spool = createSpool(3)
  for (let n = 0; n < 3; n++) spool.push(report(n))
  const sent = [spool.first()!]
  for (let n = 3; n < 6; n++) spool.push(report(n))
  spool.shift()
  for (let next = spool.first(); next !== null; next = spool.first()) {
    sent.push(next)
    spool.shift()
  }
  assert.deepEqual(
    sent.map(({ sequence }) => sequence),
    [0, 4, 5],
  )
  const evidence = sent.flatMap((one) => one.evidence.map(({ key }) => key))
  assert.deepEqual(evidence, ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'])
  assert.deepEqual(spool.counters, { droppedReports: 3, droppedTicks: 3, droppedConversations: 0, droppedEvidence: 0 })
})

test('what did not arrive is dropped before anything newer', () => {
  const spool = createSpool(2)
  for (let n = 0; n < 2; n++) spool.push(report(n))
  assert.equal(spool.first()?.sequence, 0)
  spool.keep()
  spool.push(report(2))
  assert.equal(spool.first()?.sequence, 1)
})

test('more than one report may hold, found within a tick: what weighs most and came last is told, the rest counted', () => {
  const spool = createSpool()
  const some = <T>(n: number, of: (i: number) => T) => Array.from({ length: n }, (_, i) => of(i))
  const weighs = (i: number) => ({ key: `k${i}`, evidence: { weight: i === 1 ? 4 : 1 } }) as never
  spool.push({
    ...report(1),
    ticks: some(MAX_TICKS + 3, (i) => ({ start: i }) as never),
    conversations: some(MAX_CONVERSATIONS + 2, (i) => ({ start: i }) as never),
    evidence: some(MAX_EVIDENCE + 5, weighs),
  })
  const { ticks, conversations, evidence } = spool.first()!
  assert.deepEqual([ticks.length, conversations.length, evidence.length], [MAX_TICKS, MAX_CONVERSATIONS, MAX_EVIDENCE])
  assert.deepEqual([ticks[0]!.start, conversations[0]!.start, evidence[0]!.key], [3, 2, 'k1'])
  const { droppedTicks, droppedConversations, droppedEvidence } = spool.counters
  assert.deepEqual([droppedTicks, droppedConversations, droppedEvidence], [3, 2, 5])
})
