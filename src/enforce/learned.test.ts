import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../model/address.ts'
import type { AgentState, Learned, RuleList } from '../model/desired.ts'
import { createFlowBatch } from '../model/flow.ts'
import { createNetworks } from '../model/networks.ts'
import { createLearnedSets, fits } from './learned.ts'

const T = 1_700_000_000_000
const MINUTE = 60_000
const address = (text: string, ttl = 300) => ({ address: parseAddress(text)!, ttl })
const list = (...sets: string[]): RuleList => ({
  rules: sets.map((set) => ({
    verdict: 'allow',
    match: { peer: { kind: 'set', set }, service: null },
    why: { rule: set, text: '' },
  })),
  otherwise: 'deny',
  why: { rule: 'default-deny', text: '' },
})

function create(sets: Readonly<Record<string, Partial<Learned>>>, named = Object.keys(sets)) {
  const texts: string[] = []
  const state = {
    workloads: [{ egress: list(...named), ingress: list() }],
    sets: Object.entries(sets).map(([name, more]) => ({
      name,
      members: [],
      learned: { names: ['www.example.com'], resolvers: [], use: 'allow' as const, ...more },
    })),
  } as unknown as AgentState
  const learned = createLearnedSets({
    inForce: () => state,
    neverBlock: () => createNetworks(['203.0.113.9']),
    homeNetworks: () => createNetworks(['10.0.0.0/8']),
    load: async (text) => void texts.push(text),
    say: (line) => texts.push(line),
  })
  const written = async () => {
    await learned.settled()
    return texts.splice(0).join('')
  }
  return { learned, written }
}

test('an answer is written for its time, within bounds; the same again writes nothing', async () => {
  const { learned, written } = create({ a: {} })
  const answer = { query: 'www.example.com', addresses: [address('192.0.2.7', 600), address('2001:db8::7', 1)] }
  learned.learn(answer, T)
  assert.equal(
    await written(),
    [
      ['4_32', '192.0.2.7', 600_000],
      ['6_128', '2001:db8::7', 60_000],
    ]
      .map(([bucket, text, ms], i) =>
        ['add', 'delete', 'add']
          .map(
            (verb) =>
              `${verb} element inet guise set_a_${bucket} { ${text}${verb === 'delete' ? '' : ` timeout ${ms}ms`} }\n`,
          )
          .join(i === 0 ? '' : ''),
      )
      .join(''),
  )
  learned.learn(answer, T)
  assert.equal(await written(), '')
  learned.learn({ ...answer, addresses: [address('192.0.2.8', 1e9)] }, T)
  assert.match(await written(), /192\.0\.2\.8 timeout 3600000ms/)
})

test('another name, a set that no rule asks, and addresses that no name may stand for are passed over', async () => {
  const { learned, written } = create({ a: {}, unasked: {} }, ['a'])
  learned.learn({ query: 'example.com', addresses: [address('192.0.2.7')] }, T)
  const bad = ['127.0.0.1', '169.254.169.254', '224.0.0.1', '0.0.0.0', '255.255.255.255', '::1', 'fe80::1', 'ff02::1']
  learned.learn({ query: 'www.example.com', addresses: bad.map((text) => address(text)) }, T)
  assert.equal(await written(), '')
  assert.equal(learned.counters.spared, bad.length)
})

test('an answer into the home networks needs a word, and one to be denied spares the never-block list', async () => {
  const { learned, written } = create({ out: {}, both: { inside: true }, deny: { use: 'deny' } })
  learned.learn({ query: 'www.example.com', addresses: [address('10.0.0.5'), address('203.0.113.9')] }, T)
  const text = await written()
  assert.deepEqual(
    [...text.matchAll(/^delete element inet guise set_(\w+)_4_32 \{ (\S+)/gm)].map(([, set, to]) => `${set} ${to}`),
    ['out 203.0.113.9', 'both 10.0.0.5', 'both 203.0.113.9'],
  )
})

test('who is spoken with stays, for as long as it answers, and not for ever', async () => {
  const { learned, written } = create({ a: {} })
  learned.learn({ query: 'www.example.com', addresses: [address('192.0.2.7', 60)] }, T)
  await written()
  const batch = createFlowBatch(1)
  batch.count = 1
  batch.target.set(parseAddress('192.0.2.7')!)
  batch.sourceWorkload[0] = 0
  batch.packetsIn[0] = 0
  learned.heed(batch, T + 30_000)
  assert.equal(await written(), '', 'it never answered')
  batch.packetsIn[0] = 3
  learned.heed(batch, T + 30_000)
  assert.match(await written(), /timeout 120000ms/)
  for (let at = T + MINUTE; at < T + 25 * 60 * MINUTE; at += MINUTE) learned.heed(batch, at)
  await written()
  learned.restore(T + 25 * 60 * MINUTE)
  assert.equal(await written(), '')
  assert.equal(learned.live, 0)
})

test('an address whose time is over comes back by an answer, not by a flow', async () => {
  const { learned, written } = create({ a: {} })
  const answer = { query: 'www.example.com', addresses: [address('192.0.2.7', 60)] }
  learned.learn(answer, T)
  await written()
  const batch = createFlowBatch(1)
  batch.count = 1
  batch.target.set(parseAddress('192.0.2.7')!)
  batch.sourceWorkload[0] = 0
  batch.packetsIn[0] = 3
  for (const at of [T + MINUTE, T + 2 * MINUTE, T + 60 * MINUTE]) learned.heed(batch, at)
  assert.equal(await written(), '')
  assert.equal(learned.counters.renewed, 0)
  learned.learn(answer, T + 61 * MINUTE)
  assert.match(await written(), /192\.0\.2\.7 timeout 60000ms/)
})

test('a table made anew gets back what still holds', async () => {
  const { learned, written } = create({ a: {} })
  learned.learn({ query: 'www.example.com', addresses: [address('192.0.2.7', 600), address('192.0.2.8', 60)] }, T)
  await written()
  learned.restore(T + 2 * MINUTE)
  assert.match(await written(), /^add element inet guise set_a_4_32 \{ 192\.0\.2\.7 timeout 480000ms \}\n/)
})

test('one set holds only so many; what the kernel refuses is told and tried again', async () => {
  const { learned } = create({ a: {} })
  for (let i = 0; i < 5_000; i++)
    learned.learn({ query: 'www.example.com', addresses: [address(`192.${i >> 8}.${i & 255}.1`)] }, T)
  assert.deepEqual([learned.live, learned.counters.crowded], [4_096, 904])
  const said: string[] = []
  let refusals = 1
  const state = {
    workloads: [{ egress: list('a'), ingress: list() }],
    sets: [{ name: 'a', members: [], learned: { names: ['x'], resolvers: [], use: 'allow' } }],
  } as unknown as AgentState
  const other = createLearnedSets({
    inForce: () => state,
    neverBlock: () => createNetworks([]),
    homeNetworks: () => createNetworks([]),
    load: async () => {
      if (refusals-- > 0) throw new Error('busy')
      said.push('written')
    },
    say: (line) => said.push(line),
  })
  for (const _ of [1, 2]) {
    other.learn({ query: 'x', addresses: [address('192.0.2.7')] }, T)
    await other.settled()
  }
  assert.deepEqual(said, ['what a stands for could not be written: busy', 'written'])
})

test('which names fit', () => {
  assert.deepEqual(
    ['example.com', 'a.example.com', 'a.b.example.com', 'badexample.com'].map((name) => fits('*.example.com', name)),
    [false, true, true, false],
  )
  assert.ok(fits('example.com', 'example.com') && !fits('example.com', 'www.example.com'))
})
