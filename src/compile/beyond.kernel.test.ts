/** What leaves beyond a budget, and first words to strangers, in a kernel: packets against the evaluator's meaning. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { nameOf } from '../../bench/dispatch/ear.ts'
import { Network, v4, v6, within } from '../../bench/dispatch/network.ts'
import { craftStage, type Stage, type Thread } from '../../bench/equivalence/packet.ts'
import { needRoot } from '../../test/need.ts'
import type { AgentState, ResolvedRule, RuleList } from '../model/desired.ts'
import { compileDelta, confirmDelta } from './delta.ts'
import { evaluate, type Packet } from './evaluate.ts'
import { compileAgent } from './nft.ts'
import { differences, readBack } from './parse.ts'

const skip = needRoot()
let network: Network
before(async () => {
  if (skip !== false) return
  network = await Network.create('b')
  await network.hush()
  for (let i = 1; i <= 4; i++) await network.hear(i)
})
after(async () => {
  if (skip === false) await network.close()
})

const list = (...rules: Pick<ResolvedRule, 'beyond' | 'why'>[]): RuleList => ({
  rules: rules.map((one) => ({ verdict: 'deny', match: { peer: { kind: 'any' }, service: null }, ...one })),
  otherwise: 'allow',
  why: { rule: 'open', text: '' },
})
const rule = (name: string, beyond: NonNullable<ResolvedRule['beyond']>) => ({ why: { rule: name, text: '' }, beyond })

function stateOf(egress: RuleList, ingress: RuleList = list()): AgentState {
  const wear = (key: string, out: RuleList, into: RuleList) => ({
    workload: key,
    key,
    persona: { id: 'p', name: 'P', version: 1 },
    egress: out,
    ingress: into,
    containment: null,
  })
  return {
    generation: { system: 'test', timeline: 1, n: 1 },
    plan: 'test',
    mode: 'enforce',
    confirmWithinMs: 60_000,
    workloads: [wear('w1', egress, ingress), wear('w2', egress, ingress), wear('w3', list(), list())],
    sets: [],
    neverBlock: [],
    failSafe: [],
  }
}

const textOf = (state: AgentState) =>
  compileDelta(null, compileAgent(state, network.bindings), { pendingMs: null, now: 0 })
const load = async (state: AgentState) => {
  await network.nft(textOf(state))
}
/** The sets of the kernel's own elements hold so many, so that few fill them. */
const loadSmall = async (state: AgentState, most: number) => {
  const text = textOf(state)
  const small = text.replaceAll('size 65535', `size ${most}`)
  assert.notEqual(small, text)
  await network.nft(small)
}
let mark = 0
let id = 3_000
const flow = (from: number, to: number, address = v4): Thread => ({
  from: address(from),
  to: address(to),
  protocol: 'udp',
  port: 9,
  id: ++id,
})

/** How many of so many packets of the flow's stage arrive; 32 bytes each (40 + 12 with IPv6). */
async function arrive(thread: Thread, stage: Stage, count: number): Promise<number> {
  const of = (address: string) => [1, 2, 3, 4].find((i) => [v4(i), v6(i)].includes(address))!
  const [from, to] = stage === 'answer' ? [thread.to, thread.from] : [thread.from, thread.to]
  const packets = Array.from({ length: count }, () => craftStage(thread, stage, ++mark))
  await network.hear(of(to))
  await network.send(
    of(from),
    packets.map((bytes) => ({ to, bytes, receipt: '' })),
  )
  const names = new Set(packets.map((bytes) => nameOf(bytes)!))
  const heard = new Set<string>()
  await within(250, async () => {
    for (const name of await network.hear(of(to))) if (names.has(name)) heard.add(name)
    return heard.size === count
  })
  return heard.size
}

test('a budget counts what goes out, in flows that it opened and that others did; what comes in goes on', {
  skip,
}, async () => {
  const budget = rule('persona:p/dlp/budget/0', { kind: 'bytes', bytes: 320, seconds: 600, per: 'workload' })
  const state = stateOf(list(budget), list(budget))
  await load(state)
  const [out, six, into] = [flow(1, 3), flow(1, 3, v6), flow(3, 1)]
  assert.equal(await arrive(out, 'open', 5), 5, '160 of 320 bytes')
  assert.equal(await arrive(into, 'open', 20), 20, 'what comes in counts for nothing')
  const rest = (await arrive(into, 'answer', 3)) + (await arrive(six, 'open', 6))
  assert.ok(rest >= 4 && rest <= 5, `${rest} more, of both families, until it is used up`)
  assert.equal(await arrive(out, 'open', 4), 0, 'used up')
  assert.equal(await arrive(into, 'answer', 4), 0, 'also as answers')
  assert.equal(await arrive(into, 'open', 4), 4, 'still reached')
  assert.equal(await arrive(out, 'answer', 4), 4, 'still answered')
  assert.equal(await arrive(flow(2, 3), 'open', 5), 5, 'another workload has its own')
  const found = readBack(await network.list())!
  assert.ok((found.denies.get('persona:p/dlp/budget/0')?.packets ?? 0) >= 8)
  assert.deepEqual(differences(compileAgent(state, network.bindings), found), [])

  const packet = (thread: Thread, tracking: Packet['tracking']): Packet => {
    const { from, to, port } = thread
    const isBack = tracking === 'reply'
    const faces = from === v4(1) ? ['w1h', 'w3h'] : ['w3h', 'w1h']
    return {
      enters: faces[isBack ? 1 : 0]!,
      leaves: faces[isBack ? 0 : 1]!,
      source: isBack ? to : from,
      tracking,
      flow: { from, to, protocol: 'udp', port },
    }
  }
  const spent = { now: 0, reflexes: [], spent: [{ key: 'w1', rule: 'persona:p/dlp/budget/0' }] }
  const said = (thread: Thread, tracking: Packet['tracking'], live = spent) =>
    evaluate(state, network.bindings, packet(thread, tracking), live).verdict
  assert.deepEqual(
    [said(out, 'original'), said(into, 'reply'), said(into, 'original'), said(out, 'reply')],
    ['deny', 'deny', 'allow', 'allow'],
  )
  assert.equal(said(out, 'first', { ...spent, spent: [] }), 'allow')
})

test('what was used stays used through a change of other rules; a span that is over begins anew', {
  skip,
}, async () => {
  const budget = rule('b', { kind: 'bytes', bytes: 64, seconds: 2, per: 'workload' })
  const [one, two] = [
    stateOf(list(budget)),
    stateOf(list(budget, rule('n', { kind: 'bytes', bytes: 1e9, seconds: 9, per: 'peer' }))),
  ]
  await load(one)
  const out = flow(1, 3)
  assert.ok((await arrive(out, 'open', 6)) <= 2)
  const [before, after] = [compileAgent(one, network.bindings), compileAgent(two, network.bindings)]
  await network.nft(compileDelta(before, after, { pendingMs: 60_000, now: 0 }))
  await network.nft(confirmDelta(before, after, 0))
  const span = await within(5_000, async () => (await arrive(out, 'open', 1)) === 1)
  assert.ok(span, 'after two seconds it may send again')
})

test('a budget of each peer is one for each', { skip }, async () => {
  await load(stateOf(list(rule('peer', { kind: 'bytes', bytes: 100, seconds: 600, per: 'peer' }))))
  assert.ok((await arrive(flow(1, 3), 'open', 8)) <= 3)
  assert.ok((await arrive(flow(1, 4), 'open', 3)) === 3)
  assert.ok((await arrive(flow(1, 3, v6), 'open', 2)) >= 1, 'an address of the other family is another peer')
})

test('a new destination waits, who it spoke with goes on, and then it is let through', { skip }, async () => {
  const state = stateOf(list(rule('hold', { kind: 'new', seconds: 2 })))
  await load(stateOf(list()))
  const known = flow(1, 3)
  assert.equal(await arrive(known, 'open', 1), 1)
  await load(state)
  assert.equal(await arrive(known, 'open', 3), 3, 'a flow from before goes on')
  const [fresh, six] = [flow(1, 4), flow(1, 4, v6)]
  assert.deepEqual([await arrive(fresh, 'open', 2), await arrive(six, 'open', 2)], [0, 0])
  assert.ok(await within(6_000, async () => (await arrive(fresh, 'open', 1)) === 1), 'the hold is over')
  assert.ok(await within(3_000, async () => (await arrive(six, 'open', 1)) === 1))
  assert.equal(await arrive(flow(1, 4), 'open', 1), 1, 'it is known now')
  const packet: Packet = {
    enters: 'w1h',
    leaves: 'w4h',
    source: v4(1),
    tracking: 'first',
    flow: { from: v4(1), to: v4(4), protocol: 'udp', port: 9 },
  }
  const live = (peer: string) => ({ now: 0, reflexes: [], spent: [{ key: 'w1', rule: 'hold', peer }] })
  const said = (peer: string, tracking: Packet['tracking']) =>
    evaluate(state, network.bindings, { ...packet, tracking }, live(peer)).verdict
  assert.deepEqual([said(v4(4), 'first'), said(v4(4), 'original'), said(v4(3), 'first')], ['deny', 'allow', 'allow'])
})

test('a full set lets nobody through: not counted is denied, as is what cannot be remembered', { skip }, async () => {
  const peer = rule('peer', { kind: 'bytes', bytes: 1e6, seconds: 600, per: 'peer' })
  await loadSmall(stateOf(list(peer)), 1)
  const [counted, beyond] = [flow(1, 3), flow(1, 4)]
  assert.equal(await arrive(counted, 'open', 3), 3)
  assert.equal(await arrive(beyond, 'open', 3), 0)
  assert.equal(await arrive(counted, 'open', 3), 3, 'who was counted goes on')
  assert.equal(await arrive(flow(3, 1), 'open', 3), 3, 'what comes in is not counted')

  await loadSmall(stateOf(list(rule('hold', { kind: 'new', seconds: 1 }))), 1)
  assert.equal(await arrive(flow(1, 3), 'open', 1), 0)
  assert.ok(await within(6_000, async () => (await arrive(flow(1, 3), 'open', 1)) === 1), 'the hold is over')
  const deadline = Date.now() + 2_500
  while (Date.now() < deadline) assert.equal(await arrive(flow(1, 4), 'open', 1), 0, 'held and never known')
  assert.equal(await arrive(flow(1, 3), 'open', 1), 1, 'who is known goes on')
})
