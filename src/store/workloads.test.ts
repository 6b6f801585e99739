import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import {
  auditBy,
  conversationRecord,
  evidenceRecord,
  MAIN,
  OTHER,
  personaRef,
  workloadReport,
} from '../../test/records.ts'
import type { Belief } from '../model/belief.ts'
import type { Risk } from '../model/evidence.ts'
import type { AgentId, WorkloadId } from '../model/ids.ts'
import { workloadId } from '../model/workload-id.ts'
import { TAKEOVER_AFTER_MS } from './workloads.ts'

const store = await testStore()
const { workloads } = store
const [one, two] = ['a_1' as AgentId, 'a_2' as AgentId]
const NOW = 1_000_000
const alice = auditBy('alice', 'workload.assign')
const HOSTILE = ['nul\0name', '"; drop table workloads; --', '../../etc', '<b>\u202e', 'lone \ud800 half', "x'y\\z{},"]

function belief(persona: string): Belief {
  return {
    at: 1,
    personas: [{ persona, p: 0.9 }],
    unknown: 0.1,
    believed: persona,
    because: [],
    model: 'm',
    features: 'f',
  }
}
const risk = (value: number): Risk => ({ value, base: -4, sum: 0, terms: [], at: 1 })

async function reported(key: string, agent = one, now = NOW) {
  const [record] = await workloads.report(MAIN, agent, [workloadReport(key)], now)
  return record!
}

function heard(agent: AgentId, boot: string, sequence: number, now: number) {
  return store.agents.seen(
    MAIN,
    agent,
    { host: 'h', mode: 'observe', boot, sequence, applied: null, counters: { lost: 0 } },
    now,
  )
}

test('a report makes the workload, and says nothing new when nothing is', async () => {
  const record = await reported('k1')
  assert.deepEqual(
    [record.id, record.agent, record.firstSeen, record.lastSeen, record.version],
    [workloadId(MAIN, 'k1'), one, NOW, NOW, 1],
  )
  assert.deepEqual([record.assigned, record.worn, record.belief, record.risk], [null, null, null, null])
  const again = await reported('k1', one, NOW + 1_000)
  assert.deepEqual([again.version, again.firstSeen, again.lastSeen], [1, NOW, NOW + 1_000])
  const [changed] = await workloads.report(MAIN, one, [{ ...workloadReport('k1'), name: 'new' }], NOW)
  assert.deepEqual([changed!.version, changed!.report.name, changed!.lastSeen], [2, 'new', NOW + 1_000])
})

test('hostile names come back as they went in', async () => {
  const records = await workloads.report(
    MAIN,
    one,
    HOSTILE.map((name) => ({ ...workloadReport(name), name })),
    NOW,
  )
  assert.deepEqual(new Set(records.map((record) => record.report.name)), new Set(HOSTILE))
})

test('a workload of a live agent is not taken over; of a silent one it is', async () => {
  await reported('contested')
  assert.deepEqual(await workloads.report(MAIN, two, [workloadReport('contested')], NOW + TAKEOVER_AFTER_MS - 1), [])
  // the workload was reported long ago, but its agent still speaks
  await heard(one, 'boot', 1, NOW + 50_000)
  assert.deepEqual(await workloads.report(MAIN, two, [workloadReport('contested')], NOW + TAKEOVER_AFTER_MS + 1), [])
  const taken = await reported('contested', two, NOW + 50_000 + TAKEOVER_AFTER_MS)
  assert.deepEqual([taken.agent, taken.version], [two, 2])
})

test('two agents claiming one new workload at once: one gets it', async () => {
  const claims = await Promise.all(
    Array.from({ length: 8 }, (_, i) => workloads.report(MAIN, `a_c${i}` as AgentId, [workloadReport('claimed')], NOW)),
  )
  assert.equal(claims.filter((rows) => rows.length === 1).length, 1)
})

test('an assignment is versioned and audited', async () => {
  const { id, version } = await reported('assigned')
  const result = await workloads.assign(MAIN, id, personaRef('Database'), alice)
  assert.ok(result.ok)
  assert.deepEqual([result.value.assigned, result.value.version], [personaRef('Database'), version + 1])
  assert.equal((await store.ledger.audits(MAIN, { limit: 1, cursor: null })).items[0]!.action, 'workload.assign')
  const none = await workloads.assign(MAIN, id, null, alice)
  assert.equal(none.ok && none.value.assigned, null)
  assert.deepEqual(await workloads.assign(MAIN, 'w_none' as WorkloadId, null, alice), { ok: false, code: 'missing' })
})

test('observe moves many workloads at once, keeps what is not said, and writes their history', async () => {
  const ids = (
    await workloads.report(
      MAIN,
      one,
      Array.from({ length: 500 }, (_, i) => workloadReport(`bulk${i}`)),
      NOW,
    )
  ).map((record) => record.id)
  const step = (at: number, value: Belief | null) =>
    ids.map((workload) => ({
      workload,
      at,
      belief: value,
      risk: risk(0.5),
      bytesOut: 3_000,
      bytesIn: 6_000,
      spanMs: 30_000,
    }))
  await workloads.observe(MAIN, step(NOW + 1_000, belief('Database')))
  await workloads.observe(MAIN, [...step(NOW + 2_000, null), ...step(NOW + 2_000, null)])
  const record = (await workloads.get(MAIN, ids[7]!))!
  assert.equal(record.belief!.believed, 'Database')
  assert.deepEqual([record.rate, record.lastSeen, record.risk!.value], [{ out: 100, in: 200 }, NOW + 2_000, 0.5])
  const points = await workloads.history(MAIN, ids[7]!, NOW, NOW + 5_000)
  assert.deepEqual(
    points.map((point) => [point.at, point.bytesOut, point.belief?.believed ?? null, point.risk]),
    [
      [NOW + 1_000, 3_000, 'Database', 0.5],
      [NOW + 2_000, 3_000, null, 0.5],
    ],
  )
  assert.deepEqual(await workloads.history(MAIN, ids[7]!, NOW + 1_500, NOW + 1_600), [])
  const traffic = await workloads.traffic(MAIN, NOW, NOW + 4_000, 4)
  assert.equal(traffic.length, 500)
  assert.deepEqual(traffic.find((row) => row.id === ids[7])!.values, [null, 9_000, 9_000, null])
  assert.deepEqual(await workloads.traffic(OTHER, NOW, NOW + 4_000, 4), [])
})

test('rows of workloads nobody reported fall away', async () => {
  const stranger = 'w_stranger' as WorkloadId
  const row = { workload: stranger, at: NOW, belief: null, risk: null, bytesOut: 1, bytesIn: 1, spanMs: 1 }
  await workloads.observe(MAIN, [row])
  await store.evidence.add(MAIN, [evidenceRecord(stranger, null, NOW)])
  await store.conversations.put(MAIN, [conversationRecord(stranger, '192.0.2.1', NOW)])
  assert.deepEqual(await workloads.history(MAIN, stranger, 0, NOW), [])
  assert.deepEqual(await store.evidence.of(MAIN, stranger, 0), [])
  assert.deepEqual(await store.conversations.of(MAIN, stranger, 0, 10), [])
})

test('worn since counts from the change of persona, not from every report of it', async () => {
  const { id } = await reported('worn')
  const wear = (name: string, containedUntil: number | null, now: number) =>
    workloads.wear(MAIN, [{ workload: id, worn: personaRef(name), containedUntil }], now)
  await wear('Database', null, 100)
  const first = (await workloads.get(MAIN, id))!
  await wear('Database', null, 200)
  assert.deepEqual(await workloads.get(MAIN, id), first)
  assert.deepEqual([first.worn, first.wornSince], [personaRef('Database'), 100])
  await wear('Database', 900, 300)
  const contained = (await workloads.get(MAIN, id))!
  assert.deepEqual([contained.wornSince, contained.containedUntil], [100, 900])
  await wear('Idle', null, 400)
  assert.equal((await workloads.get(MAIN, id))!.wornSince, 400)
  await wear('Idle', 900, 500)
  await workloads.unwear(MAIN, 'somebody else' as never, 600)
  assert.equal((await workloads.get(MAIN, id))!.containedUntil, 900)
  await workloads.unwear(MAIN, contained.agent, 600)
  const free = (await workloads.get(MAIN, id))!
  assert.deepEqual([free.worn, free.wornSince, free.containedUntil], [null, 600, null])
  await workloads.unwear(MAIN, contained.agent, 700)
  assert.deepEqual(await workloads.get(MAIN, id), free)
})

test('evidence: a repeat replaces the older row, never the newer, and NUL in a peer is no error', async () => {
  const { id } = await reported('evident')
  await store.evidence.add(MAIN, [
    evidenceRecord(id, 'peer\0', 10),
    evidenceRecord(id, 'peer\0', 30),
    evidenceRecord(id, null, 20),
  ])
  await store.evidence.add(MAIN, [evidenceRecord(id, 'peer\0', 25)])
  assert.deepEqual(
    (await store.evidence.of(MAIN, id, 0)).map((row) => [row.peer, row.at]),
    [
      ['peer\0', 30],
      [null, 20],
    ],
  )
  assert.equal((await store.evidence.of(MAIN, id, 21)).length, 1)
  assert.ok((await store.evidence.since(MAIN, 0)).some((row) => row.workload === id))
})

test('conversations: running totals replace, an older total does not', async () => {
  const { id } = await reported('talker')
  await store.conversations.put(MAIN, [conversationRecord(id, '192.0.2.1', 100, 5)])
  await store.conversations.put(MAIN, [
    conversationRecord(id, '192.0.2.1', 200, 9),
    conversationRecord(id, '::1', 50, 1),
  ])
  await store.conversations.put(MAIN, [conversationRecord(id, '192.0.2.1', 150, 7)])
  assert.deepEqual(await store.conversations.of(MAIN, id, 0, 10), [
    conversationRecord(id, '192.0.2.1', 200, 9),
    conversationRecord(id, '::1', 50, 1),
  ])
  assert.equal((await store.conversations.of(MAIN, id, 0, 1)).length, 1)
  const { bytesOut: _, bytesIn: __, last: ___, service: ____, ...step } = conversationRecord(id, '192.0.2.1', 200, 9)
  assert.deepEqual(await store.conversations.steps(MAIN, [id], 0, 1), [{ ...step, spanMs: 300_000, steps: 1 }])
  assert.equal((await store.conversations.steps(MAIN, [id], 0, 10)).length, 2)
  assert.deepEqual(await store.conversations.steps(MAIN, [id], 1, 10), [])
  assert.deepEqual(await store.conversations.steps(MAIN, [], 0, 10), [])
})

test('a report is taken once per boot and sequence, also when sent twice at once', async () => {
  const agent = 'a_seen' as AgentId
  assert.equal(await heard(agent, 'b1', 1, NOW), true)
  assert.equal(await heard(agent, 'b1', 1, NOW), false)
  const racing = await Promise.all(Array.from({ length: 8 }, () => heard(agent, 'b1', 2, NOW + 1)))
  assert.equal(racing.filter(Boolean).length, 1)
  assert.equal(await heard(agent, 'b2', 0, NOW + 2), true)
  assert.equal(await heard(agent, 'b1', 2, NOW + 3), false, 'a late repeat of an earlier boot')
  const record = (await store.agents.get(MAIN, agent))!
  assert.deepEqual(
    [record.lastReport, record.mode, record.version, record.counters],
    [NOW + 2, 'observe', 3, { lost: 0 }],
  )
  assert.equal(await store.agents.get(OTHER, agent), null)
  assert.deepEqual(await store.agents.list(OTHER), [])
})

test('another tenant sees nothing and changes nothing', async () => {
  const { id } = await reported('secret')
  await store.evidence.add(MAIN, [evidenceRecord(id, null, NOW)])
  await store.conversations.put(MAIN, [conversationRecord(id, '192.0.2.9', NOW)])
  const before = await workloads.get(MAIN, id)
  await workloads.wear(OTHER, [{ workload: id, worn: personaRef('Idle'), containedUntil: null }], NOW)
  await workloads.observe(OTHER, [
    { workload: id, at: NOW + 9, belief: belief('Idle'), risk: risk(1), bytesOut: 1, bytesIn: 1, spanMs: 1 },
  ])
  await store.evidence.add(OTHER, [evidenceRecord(id, 'planted', NOW)])
  assert.deepEqual(await workloads.assign(OTHER, id, personaRef('Idle'), alice), { ok: false, code: 'missing' })
  assert.deepEqual(await workloads.get(MAIN, id), before)
  assert.equal(await workloads.get(OTHER, id), null)
  assert.deepEqual(await workloads.all(OTHER), [])
  assert.deepEqual((await workloads.list(OTHER, { limit: 10, cursor: null })).items, [])
  assert.deepEqual(await workloads.history(OTHER, id, 0, 1e15), [])
  assert.deepEqual(await store.evidence.of(OTHER, id, 0), [])
  assert.deepEqual(await store.evidence.since(OTHER, 0), [])
  assert.deepEqual(await store.conversations.of(OTHER, id, 0, 10), [])
  assert.equal((await store.evidence.of(MAIN, id, 0)).length, 1)
})
