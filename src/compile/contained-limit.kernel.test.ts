/** A containment that only bounds, in a kernel: what is above it is denied, the rest as worn, what is never blocked is spared. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { nameOf } from '../../bench/dispatch/ear.ts'
import { Network, v4, v6, within } from '../../bench/dispatch/network.ts'
import { craftStage, type Stage, type Thread } from '../../bench/equivalence/packet.ts'
import { needRoot } from '../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../model/desired.ts'
import { compileDelta, confirmDelta, revertDelta } from './delta.ts'
import { evaluate, type Packet } from './evaluate.ts'
import { compileAgent } from './nft.ts'
import { differences, readBack } from './parse.ts'

const skip = needRoot()
let network: Network
before(async () => {
  if (skip !== false) return
  network = await Network.create('q')
  await network.hush()
  for (let i = 1; i <= 4; i++) await network.hear(i)
})
after(async () => {
  if (skip === false) await network.close()
})

const open: RuleList = { rules: [], otherwise: 'allow', why: { rule: 'open', text: '' } }
const RULE = 'persona:p/mitigation/0'
type Containment = NonNullable<DesiredState['containment']>
const held = (directions: Containment['directions'], limit: Containment['limit']): Containment => ({
  directions,
  ...(limit && { limit }),
  until: Date.now() + 600_000,
  why: { rule: RULE, text: 'risk' },
})
function stateOf(containment: Containment | null): AgentState {
  const wear = (key: string, of: Containment | null): DesiredState => ({
    workload: key,
    key,
    persona: { id: 'p', name: 'P', version: 1 },
    egress: open,
    ingress: open,
    containment: of,
  })
  return {
    generation: { system: 'test', timeline: 1, n: 1 },
    plan: 'test',
    mode: 'enforce',
    confirmWithinMs: 60_000,
    workloads: [wear('w1', containment), wear('w2', null), wear('w3', null), wear('w4', null)],
    sets: [],
    neverBlock: [v4(4)],
    failSafe: [],
  }
}

let mark = 0
let id = 6_000
const flow = (from: number, to: number, address = v4): Thread => ({
  from: address(from),
  to: address(to),
  protocol: 'udp',
  port: 9,
  id: ++id,
})

/** How many of these flows have a packet of that stage arrive. */
async function arrive(threads: readonly Thread[], stage: Stage): Promise<number> {
  const of = (address: string) => [1, 2, 3, 4].find((i) => [v4(i), v6(i)].includes(address))!
  const packets = threads.map((thread) => ({
    to: stage === 'answer' ? thread.from : thread.to,
    from: stage === 'answer' ? thread.to : thread.from,
    bytes: craftStage(thread, stage, ++mark),
  }))
  const [{ from, to }] = packets as [(typeof packets)[number]]
  await network.hear(of(to))
  await network.send(
    of(from),
    packets.map(({ bytes, to: where }) => ({ to: where, bytes, receipt: '' })),
  )
  const names = new Set(packets.map(({ bytes }) => nameOf(bytes)!))
  const heard = new Set<string>()
  await within(250, async () => {
    for (const name of await network.hear(of(to))) if (names.has(name)) heard.add(name)
    return heard.size === names.size
  })
  return heard.size
}
const flows = (n: number, from: number, to: number, address = v4) =>
  Array.from({ length: n }, () => flow(from, to, address))

test('new flows above the limit are denied, both ways, of both families; old ones and the spared go on', {
  skip,
}, async () => {
  const plain = compileAgent(stateOf(null), network.bindings)
  await network.nft(compileDelta(null, plain, { pendingMs: null, now: Date.now() }))
  const old = flow(1, 3)
  assert.equal(await arrive([old], 'open'), 1)
  const bounded = stateOf(held('none', { unit: 'flows', perSecond: 2 }))
  const compiled = compileAgent(bounded, network.bindings)
  await network.nft(compileDelta(plain, compiled, { pendingMs: 60_000, now: Date.now() }))
  const fewer = await arrive([...flows(6, 1, 3), ...flows(6, 1, 3, v6)], 'open')
  assert.ok(fewer >= 2 && fewer <= 4, `${fewer} of 12`)
  const into = await arrive(flows(8, 3, 1), 'open')
  assert.ok(into >= 2 && into <= 4, `${into} of 8 to it`)
  assert.equal(await arrive([old, old, old, old, old, old], 'open'), 6, 'what was open goes on')
  assert.equal(await arrive([old, old, old, old], 'answer'), 4)
  assert.equal(await arrive(flows(8, 1, 4), 'open'), 8, 'never to be blocked')
  assert.equal(await arrive(flows(8, 2, 3), 'open'), 8, 'another workload')
  await network.nft(confirmDelta(plain, compiled, Date.now()))
  const found = readBack(await network.list())!
  assert.ok((found.denies.get(RULE)?.packets ?? 0) >= 8)
  assert.deepEqual(differences(compiled, found), [])

  const cut = compileAgent(stateOf(held('egress', { unit: 'flows', perSecond: 2 })), network.bindings)
  await network.nft(compileDelta(compiled, cut, { pendingMs: 60_000, now: Date.now() }))
  assert.equal(await arrive([old], 'open'), 0, 'outbound is cut off')
  const still = await arrive(flows(8, 3, 1), 'open')
  assert.ok(still <= 4, `${still} of 8: what is opened to it stays bounded`)
  await network.nft(revertDelta(compiled, cut, Date.now()))
  await network.nft(compileDelta(compiled, plain, { pendingMs: null, now: Date.now() }))
  assert.deepEqual(differences(plain, readBack(await network.list())!), [])
  assert.equal(await arrive(flows(8, 1, 3), 'open'), 8, 'released')
})

test('the evaluator says the same of what is used up', () => {
  const bindings = [1, 3, 4].map((i) => ({
    key: `w${i}`,
    interface: `f${i}`,
    addresses: [v4(i)],
    driver: 'netns' as const,
  }))
  const said = (containment: Containment, to: number, tracking: Packet['tracking'], spent: boolean) => {
    const asks = { enters: 'f1', leaves: `f${to}`, source: v4(1) }
    const flowOf = { from: v4(1), to: v4(to), protocol: 'tcp' as const, port: 443 }
    const live = { now: 0, reflexes: [], spent: spent ? [{ key: 'w1', rule: RULE }] : [] }
    return evaluate(stateOf(containment), bindings, { ...asks, tracking, flow: flowOf }, live).verdict
  }
  const [few, bytes] = [held('none', { unit: 'flows', perSecond: 1 }), held('none', { unit: 'bytes', perSecond: 1 })]
  assert.deepEqual(
    [
      said(few, 3, 'first', true),
      said(few, 3, 'original', true),
      said(few, 3, 'first', false),
      said(few, 4, 'first', true),
    ],
    ['deny', 'allow', 'allow', 'allow'],
  )
  assert.deepEqual([said(bytes, 3, 'original', true), said(bytes, 3, 'original', false)], ['deny', 'allow'])
  assert.equal(said(held('egress', few.limit), 3, 'original', false), 'deny')
})
