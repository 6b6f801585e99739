/** Discovery in the loop, on a real record: strange windows in, a proposal out, and what a person's word makes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { auditBy, MAIN, personaRef, workloadReport } from '../../test/records.ts'
import { draftPersona } from '../learn/discover/edit.ts'
import { initialBelief, stepObservation } from '../learn/filter.ts'
import { DEFAULT_MODEL } from '../learn/model.ts'
import type { Evidence } from '../model/evidence.ts'
import type { AgentId, WorkloadId } from '../model/ids.ts'
import { openStore } from '../store/database.ts'
import { createDiscovery, type Discovery } from './discovery.ts'

const HOST = 'host-a' as AgentId
const HALF = 30_000
const { scale, prototypes } = DEFAULT_MODEL.novelty
/** Far from all that is known, the same for all: what a planted program does. */
const strange = Float64Array.from(scale, (unit, f) => (prototypes[f] ?? 0) + 3 * unit)
const odd = Float64Array.from(scale, (unit, f) => (prototypes[f] ?? 0) - 3 * unit)

async function fixture() {
  const database = await testDatabase()
  const clock = { now: 1_000_000 }
  const store = await openStore({ ...database, clock: () => clock.now })
  const reports = ['m1', 'm2', 'm3', 'db', 'free'].map((key, i) => ({
    ...workloadReport(key),
    addresses: [`10.0.0.${i + 1}`],
    labels: key === 'free' ? { app: 'shop' } : {},
  }))
  const known = await store.workloads.report(MAIN, HOST, reports, clock.now)
  const idOf = (key: string) => known.find(({ report }) => report.key === key)!.id
  const [m1, m2, m3, db] = [idOf('m1'), idOf('m2'), idOf('m3'), idOf('db')]
  await store.workloads.assign(MAIN, db, personaRef('Database'), auditBy('ann'))
  const talk = (workload: WorkloadId, peer: string, port: number, flows: number) => ({
    ...{ workload, peer, port, proto: 6, direction: 'initiated' as const, start: clock.now, last: clock.now },
    ...{ flows, failed: 0, bytesOut: 1, bytesIn: 1, service: port === 25 ? 'smtp' : null },
  })
  await store.conversations.put(
    MAIN,
    [m1, m2, m3].flatMap((id) => [
      talk(id, '198.51.100.7', 25, 50),
      talk(id, '10.0.0.4', 5432, 5),
      talk(id, '10.0.0.5', 8080, 5),
    ]),
  )
  const start = () => createDiscovery({ tenant: MAIN, store, model: DEFAULT_MODEL, clock: () => clock.now })
  /** Minutes of windows of these workloads, with a round after each. */
  const play = async (discovery: Discovery, minutes: number, hosts: readonly WorkloadId[], x: Float64Array) => {
    for (let n = 0; n < minutes; n++) {
      for (const half of [1, 2]) for (const id of hosts) discovery.stray(id, clock.now + half * HALF, x)
      clock.now += 2 * HALF
      await discovery.round(clock.now)
    }
  }
  return {
    ...{ store, clock, start, play, m1, m2, m3, db },
    async [Symbol.asyncDispose]() {
      await store.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

test('strangers become one proposal with rules by meaning; a restart knows it again; accepted, its kind is recognised', async () => {
  await using f = await fixture()
  const { store, m1, m2, m3, db } = f
  const first = f.start()
  // What a person assigned is labelled: it is no stranger, whatever it does.
  await f.play(first, 5, [m1, m2, db], strange)
  const second = f.start()
  await second.restore()
  await f.play(second, 3, [m1, m2, m3], strange)
  const [record, ...more] = await store.proposals.all(MAIN)
  assert.equal(more.length, 0)
  assert.deepEqual([record!.name, record!.workloads], ['SMTP Client', [m1, m2, m3].sort()])
  assert.deepEqual(
    record!.rules.map(({ rule }) => rule.peers[0]),
    [
      { cidr: '0.0.0.0/0', except: rule4(record!.rules[0]!.rule.peers[0]!) },
      { persona: 'Database' },
      { labels: { app: 'shop' } },
    ],
  )
  assert.ok(record!.because.length > 0 && record!.nearest[0]!.distance > 1)
  const accepted = await second.act(record!.id, { do: 'accept', persona: 'smtp-client' }, 'ann')
  assert.ok(accepted.ok && accepted.value.state === 'accepted')
  assert.ok(believes(second, 'SMTP Client'))
  const third = f.start()
  await third.restore()
  assert.ok(believes(third, 'SMTP Client'))
  await f.play(third, 4, [m1, m2, m3], strange)
  assert.equal((await store.proposals.all(MAIN)).length, 1, 'it is not proposed again')
  assert.deepEqual(
    (await store.ledger.audits(MAIN, { limit: 10, cursor: null, action: 'proposal' })).items.map(
      ({ action, actor }) => [action, actor],
    ),
    [
      ['proposal.accept', 'ann'],
      ['proposal.found', 'guise'],
    ],
  )
  assert.equal(draftPersona(accepted.value).spec.profile?.default?.egress, 'deny')
})

test('with whom there is evidence about, no rule lets it talk, and the proposal says so', async () => {
  await using f = await fixture()
  const { store, clock, m1, m2, m3 } = f
  const evidence: Evidence = {
    ...{ kind: 'blocklist', subject: 'm1', peer: '198.51.100.7', weight: 3, halfLifeMs: 3_600_000, at: clock.now },
    ...{ authenticated: false, source: 'feed', why: 'it is on a block list', figures: {} },
  }
  await store.evidence.add(MAIN, [{ workload: m1, evidence }])
  await f.play(f.start(), 5, [m1, m2, m3], strange)
  const { rules, leftOut } = (await store.proposals.all(MAIN))[0]!
  assert.deepEqual(
    rules.map(({ rule }) => rule.peers[0]),
    [{ persona: 'Database' }, { labels: { app: 'shop' } }],
  )
  assert.deepEqual(
    leftOut.filter(({ why }) => why.includes('evidence')).map(({ why }) => why),
    ['there is evidence of kind blocklist about talking with it'],
  )
})

test('a person splits, merges, renames and rejects; rounds leave that alone', async () => {
  await using f = await fixture()
  const { store, m1, m2, m3 } = f
  const discovery = f.start()
  await f.play(discovery, 5, [m1, m2, m3], strange)
  const id = (await store.proposals.all(MAIN))[0]!.id
  const split = await discovery.act(id, { do: 'split', workloads: [m3] }, 'ann')
  assert.ok(split.ok)
  assert.deepEqual(split.value.workloads, [m1, m2].sort())
  await f.play(discovery, 2, [m1, m2, m3], strange)
  const rows = await store.proposals.all(MAIN)
  const part = rows.find((row) => row.id !== id)!
  assert.deepEqual([rows.length, part.workloads], [2, [m3]])
  assert.deepEqual(rows.find((row) => row.id === id)!.workloads, [m1, m2].sort())
  assert.equal((await discovery.act(part.id, { do: 'split', workloads: [m3] }, 'ann')).ok, false)
  const merged = await discovery.act(part.id, { do: 'merge', into: id }, 'ann')
  assert.deepEqual(merged.ok && merged.value.workloads, [m1, m2, m3].sort())
  assert.ok((await discovery.act(id, { do: 'rename', name: 'Mail Relay' }, 'ann')).ok)
  assert.equal((await discovery.act(id, { do: 'rename', name: '<b>' }, 'ann')).ok, false)
  assert.ok((await discovery.act(id, { do: 'reject' }, 'ann')).ok)
  await f.play(discovery, 4, [m1, m2, m3], strange)
  assert.deepEqual(
    (await store.proposals.all(MAIN)).map(({ name, state }) => [name, state]).sort(),
    [
      ['Mail Relay', 'rejected'],
      [part.name, 'merged'],
    ].sort(),
  )
  assert.equal((await discovery.act('pr_99', { do: 'reject' }, 'ann')).ok, false)
})

test('feedback is kept and believed; without a window there is nothing to learn from', async () => {
  await using f = await fixture()
  const { store, m1, m2 } = f
  const discovery = f.start()
  assert.equal((await discovery.teach(m1, 'Database', null, 'ann')).ok, false)
  discovery.stray(m1, f.clock.now, odd)
  assert.ok((await discovery.teach(m1, 'Database', null, 'ann')).ok)
  assert.ok((await discovery.teach(m2, 'Idle', [...strange], 'ann')).ok)
  assert.ok(believes(discovery, 'Database', odd) && believes(discovery, 'Idle'))
  assert.deepEqual((await store.proposals.lessons(MAIN)).map(({ persona, by }) => [persona, by]).sort(), [
    ['Database', 'ann'],
    ['Idle', 'ann'],
  ])
})

function rule4(peer: object): readonly string[] {
  return (peer as { except?: readonly string[] }).except ?? []
}

function believes(discovery: Discovery, persona: string, x = strange): boolean {
  const model = discovery.model()
  let state = initialBelief(model)
  let believed: string | null = null
  for (let n = 1; n <= 3; n++) {
    const step = stepObservation(model, state, { kind: 'active', x, trust: 1 }, n * HALF)
    state = step.state
    believed = step.belief.believed
  }
  return believed === persona
}
