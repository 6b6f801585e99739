/** Who talks to whom, on a real database: folding, verdicts, both ends counted once, and quick for a large fleet. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiFixture } from '../../../test/api.ts'
import { auditBy, conversationRecord, decisionRecord, planMaker, workloadReport } from '../../../test/records.ts'
import type { AgentState, DesiredState, RuleList } from '../../model/desired.ts'
import { type AgentId, DEFAULT_TENANT, type PlanId } from '../../model/ids.ts'
import type { ConversationRecord } from '../../model/records.ts'
import type { Topology, TopologyTalks } from '../../model/topology.ts'
import { workloadId } from '../../model/workload-id.ts'

const api = await apiFixture()
after(() => api[Symbol.asyncDispose]())
const MIN = 60_000
const NOW = api.clock.now
const host = 'host-a' as AgentId
const id = (key: string) => workloadId(DEFAULT_TENANT, key)
const why = (rule: string) => ({ rule, text: `because of ${rule}` })
const allowAll: RuleList = { rules: [], otherwise: 'allow', why: why('open') }

async function fleet(): Promise<void> {
  const rows: [string, string, Record<string, string>, string?][] = [
    ['web-1', '10.0.0.1', { tier: 'web' }, 'API Consumer'],
    ['web-2', '10.0.0.2', { tier: 'web' }, 'API Consumer'],
    ['db-1', '10.0.0.5', {}, 'Database'],
    ['odd', '10.0.0.9', {}],
  ]
  await api.store.workloads.report(
    DEFAULT_TENANT,
    host,
    rows.map(([key, address, labels]) => ({ ...workloadReport(key), addresses: [`${address}/24`], labels })),
    NOW,
  )
  for (const [key, , , persona] of rows)
    if (persona !== undefined)
      await api.store.workloads.assign(
        DEFAULT_TENANT,
        id(key),
        { id: persona as never, name: persona, version: 1 },
        auditBy('t'),
      )
  await api.store.evidence.add(DEFAULT_TENANT, [
    {
      workload: id('web-2'),
      evidence: {
        kind: 'blocklist',
        subject: 'web-2',
        peer: '203.0.113.7:443',
        weight: 2,
        halfLifeMs: 3_600_000,
        at: NOW - MIN,
        authenticated: true,
        source: 'test',
        why: '203.0.113.7 is on a list',
        figures: {},
      },
    },
  ])
}

function talk(key: string, peer: string, more: Partial<ConversationRecord> = {}): ConversationRecord {
  return { ...conversationRecord(id(key), peer, NOW - MIN, 4), start: NOW - 5 * MIN, ...more }
}

function state(): AgentState {
  const egress: RuleList = {
    rules: [
      { verdict: 'deny', match: { peer: { kind: 'cidr', cidr: '203.0.113.0/24' }, service: null }, why: why('block') },
    ],
    otherwise: 'allow',
    why: why('default'),
  }
  const desired = (key: string, list: RuleList): DesiredState => ({
    workload: id(key),
    key,
    persona: { id: 'p', name: 'P', version: 1 },
    egress: list,
    ingress: allowAll,
    containment: null,
  })
  return {
    generation: { system: 's', timeline: 1, n: 1 },
    plan: 'p',
    mode: 'enforce',
    workloads: [desired('web-1', egress), desired('web-2', egress), desired('db-1', allowAll)],
    sets: [],
    neverBlock: [],
    failSafe: [],
    confirmWithinMs: 60_000,
  }
}

async function enforce(agents: Readonly<Record<string, AgentState>>, decision: string): Promise<PlanId> {
  const record = decisionRecord(decision)
  const make = planMaker(record.id)
  const proposed = await api.store.plans.propose(
    DEFAULT_TENANT,
    (...args) => ({ ...make(...args), agents: agents as Record<AgentId, AgentState> }),
    record,
    [],
    auditBy('t'),
  )
  assert.ok(proposed.ok)
  const plan = proposed.value.plan.id
  for (const to of ['approved', 'applying', 'confirming', 'confirmed'] as const) {
    const moved = await api.store.plans.move(DEFAULT_TENANT, plan, to, auditBy('t'))
    assert.ok(moved.ok, to)
  }
  return plan
}

async function ask<T = Topology>(query: string): Promise<T> {
  const answer = await api.as('viewer', `/v1/topology${query}`)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json() as T
}

test('folds to segments, personas and workloads, with verdicts of the rules in force', async () => {
  await fleet()
  await api.store.conversations.put(DEFAULT_TENANT, [
    // both ends counted it: once
    talk('web-1', '10.0.0.5', { port: 5432 }),
    talk('db-1', '10.0.0.1', { port: 5432, direction: 'served', bytesOut: 20, bytesIn: 10 }),
    talk('web-2', '10.0.0.5', { port: 5432 }),
    talk('web-2', '203.0.113.7', { flows: 3, failed: 3 }),
    talk('web-1', '198.51.100.9'),
    talk('odd', '10.0.0.5', { port: 5432 }),
    talk('odd', '10.0.0.53', { port: 53, proto: 17 }),
  ])
  await enforce({ [host]: state() }, 'd_1')
  const map = await ask('?level=persona')
  assert.deepEqual(
    map.segments.map((s) => [s.id, s.column, s.workloads]),
    [
      ['web', 1, 2],
      ['not-placed', 2, 1],
      ['data', 3, 1],
      ['outside', 4, 0],
    ],
  )
  const edges = new Map(map.edges.map((edge) => [edge.id, edge]))
  const consumers = edges.get('p:web:api-consumer>p:data:database')!
  assert.deepEqual([consumers.flows, consumers.bytes, consumers.verdicts.allow], [8, 60, 8])
  assert.equal(consumers.services[0]!.port, 5432)
  const cut = edges.get('p:web:api-consumer>a:203.0.113.7')!
  assert.deepEqual([cut.verdicts.deny, cut.failed, cut.evidence], [3, 3, '203.0.113.7 is on a list'])
  // the rules of db-1 judge what `odd` asks, though nothing judges `odd`
  assert.equal(edges.get('p:not-placed:unknown>p:data:database')!.verdicts.allow, 4)
  assert.deepEqual([map.hidden.flows, map.hidden.edges], [4, 1])
  assert.equal((await ask('?level=persona&infrastructure=show')).hidden.flows, 0)

  const segments = await ask('?level=segment')
  assert.deepEqual(segments.nodes.map((node) => node.id).sort(), ['o:internet', 's:data', 's:not-placed', 's:web'])
  const total = (one: Topology) => one.edges.reduce((sum, edge) => sum + edge.bytes, one.folded.bytes)
  assert.equal(total(segments), total(map))
  const workloads = await ask('?level=workload')
  assert.equal(total(workloads), total(map))
  assert.ok(workloads.nodes.some((node) => node.id === id('web-2') && node.evidence?.name === 'web-2'))
})

test('a filter leaves what it holds for and whom it talks to', async () => {
  const one = await ask('?level=workload&q=odd')
  assert.deepEqual(one.nodes.map((node) => node.name).sort(), ['db-1', 'odd'])
  assert.equal(one.matched, 1)
  const dropped = await ask('?level=persona&q=verdict:drop')
  assert.deepEqual(
    dropped.edges.map((edge) => edge.to),
    ['a:203.0.113.7'],
  )
  assert.equal((await api.as('viewer', '/v1/topology?q=port:many')).statusCode, 422)
  assert.equal((await api.as('viewer', '/v1/topology?from=5&to=4')).statusCode, 400)
})

test('new is what nobody of a pair of nodes did before', async () => {
  await api.store.conversations.put(DEFAULT_TENANT, [
    talk('web-1', '10.0.0.5', { port: 5432, start: NOW - 180 * MIN, last: NOW - 170 * MIN }),
  ])
  const map = await ask('?level=persona')
  const fresh = Object.fromEntries(map.edges.map((edge) => [edge.id, edge.fresh]))
  assert.equal(fresh['p:web:api-consumer>p:data:database'], false)
  assert.equal(fresh['p:not-placed:unknown>p:data:database'], true)
})

test('the conversations behind an edge, dropped first, each with its reason', async () => {
  const behind = (a: string, b?: string) =>
    ask<TopologyTalks>(`/conversations?level=persona&a=${a}${b === undefined ? '' : `&b=${b}`}`)
  const all = await behind('p:web:api-consumer')
  const said = all.items.map((row) => [row.name, row.peerName ?? row.peer, row.verdict, row.why?.rule].join(' '))
  assert.equal(said[0], 'web-2 203.0.113.7 deny block')
  assert.deepEqual(said.slice(1).sort(), [
    'web-1 198.51.100.9 allow default',
    'web-1 db-1 allow default',
    'web-2 db-1 allow default',
  ])
  assert.equal(all.deniedLastHour, 3)
  assert.equal((await behind('p:web:api-consumer', 'p:data:database')).items.length, 2)
  assert.deepEqual((await behind('o:internet')).items.map((row) => row.peer).sort(), ['198.51.100.9', '203.0.113.7'])
  assert.equal((await behind('a:203.0.113.7')).items[0]!.name, 'web-2')
})

test('who is outside follows the home networks, whatever the plan', async () => {
  const outside = async () => (await ask('?level=segment')).nodes.map((node) => node.id).filter((one) => one[0] === 'o')
  assert.deepEqual(await outside(), ['o:internet'])
  const settings = await api.store.settings.get(DEFAULT_TENANT)
  const homeNetworks = [...settings.homeNetworks, '198.51.100.0/24', '203.0.113.0/24']
  assert.ok((await api.store.settings.put(DEFAULT_TENANT, { ...settings, homeNetworks }, auditBy('t'))).ok)
  assert.deepEqual(await outside(), ['o:inside'])
})
