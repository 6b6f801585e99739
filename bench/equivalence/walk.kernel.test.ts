import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { compileDelta, removeText } from '../../src/compile/delta.ts'
import { evaluate, type Packet } from '../../src/compile/evaluate.ts'
import { compileAgent } from '../../src/compile/nft.ts'
import { readBack } from '../../src/compile/parse.ts'
import type { AgentState, ResolvedRule, RuleList } from '../../src/model/desired.ts'
import { needRoot } from '../../test/need.ts'
import { nameOf, resetName } from '../dispatch/ear.ts'
import { Network, v4, within } from '../dispatch/network.ts'
import { octets } from '../dispatch/packets.ts'
import { Loading } from '../policy/space.ts'
import { craftStage, type Stage, type Thread } from './packet.ts'
import { walk } from './scenario.ts'

const skip = needRoot()
let network: Network
let loading: Loading
before(async () => {
  if (skip !== false) return
  // Two of them behind a gateway, so that both ways of dispatch are held to the evaluator.
  network = await Network.create('q', [3, 4])
  loading = Loading.join(network.router)
  await network.hush()
})
after(async () => {
  if (skip !== false) return
  await loading.close()
  await network.close()
})
const load = (text: string) => loading.load('quickest', text)

test('random policy sets on real packets: the kernel does what the evaluator says', { skip }, async () => {
  const { examples, ...tally } = await walk(network, load, { seed: 21, sets: 30, budgetMs: 10_000 })
  assert.deepEqual(examples, [])
  // A machine that is busy tries fewer; a swap is none of them.
  assert.ok(tally.sets <= 30 && tally.swaps === Math.floor(tally.sets / 2), `${tally.sets} sets, ${tally.swaps} swaps`)
  assert.ok(
    tally.packets > 500 && tally.established > 100 && tally.related > 10 && tally.answered > 10,
    `${tally.packets}`,
  )
})

test('a kernel that does something else is noticed', { skip }, async () => {
  await load(removeText())
  const otherwise = (text: string) => load(text.replaceAll('counter return comment', 'counter accept comment'))
  const tally = await walk(network, otherwise, { seed: 21, sets: 12, budgetMs: 10_000 })
  assert.ok(tally.mismatches > 0)
})

const why = (rule: string) => ({ rule, text: 'test' })
const limited = (limit: NonNullable<ResolvedRule['limit']>): RuleList => ({
  rules: [
    { verdict: 'allow', match: { peer: { kind: 'any' }, service: { protocol: 'udp-any' } }, why: why('slowly'), limit },
  ],
  otherwise: 'deny',
  why: why('default-deny'),
})
const open: RuleList = { rules: [], otherwise: 'allow', why: why('open') }

function stateOf(egress: RuleList): AgentState {
  const wear = (key: string, list: RuleList) => ({
    workload: key,
    key,
    persona: { id: 'p', name: 'P', version: 1 },
    egress: list,
    ingress: open,
    containment: null,
  })
  return {
    generation: { system: 'test', timeline: 1, n: 1 },
    plan: 'test',
    mode: 'enforce',
    confirmWithinMs: 60_000,
    workloads: [wear('w1', egress), wear('w2', egress), wear('w3', open)],
    sets: [],
    neverBlock: [],
    failSafe: [],
  }
}

let mark = 0
let port = 2_000
/** Udp flows from a workload to w3; gives those whose packet of that stage arrived. */
async function send(from: number, flows: readonly Thread[], stage: Stage): Promise<Thread[]> {
  const packets = flows.map((flow) => craftStage(flow, stage, ++mark))
  const [leaves, reaches] = stage === 'answer' ? [3, from] : [from, 3]
  await network.hear(reaches)
  await network.send(
    leaves,
    packets.map((bytes) => ({ to: stage === 'answer' ? v4(from) : v4(3), bytes, receipt: '' })),
  )
  const heard = new Set<string>()
  await within(200, async () => {
    for (const name of await network.hear(reaches)) heard.add(name)
    return heard.size >= flows.length
  })
  return flows.filter((_, i) => heard.has(nameOf(packets[i]!)!))
}
const flowsOf = (from: number, count: number): Thread[] =>
  Array.from({ length: count }, () => ({ from: v4(from), to: v4(3), protocol: 'udp', port: 9, id: ++port }))

test('a limit of flows: those above it are denied, those let in go on, each workload has its own', {
  skip,
}, async () => {
  const state = stateOf(limited({ unit: 'flows', perSecond: 5 }))
  await load(removeText())
  await load(compileDelta(null, compileAgent(state, network.bindings), { pendingMs: null, now: 0 }))
  const flows = flowsOf(1, 20)
  const admitted = await send(1, flows, 'open')
  // A bucket of five that fills up by five in a second, should the machine be slow.
  assert.ok(admitted.length >= 5 && admitted.length < 12, `${admitted.length} of 20`)
  // The kernel keeps no flow whose first packet was dropped: each of these is one that was let in.
  for (const stage of ['more', 'answer', 'more'] as const)
    assert.equal((await send(1, admitted, stage)).length, admitted.length, stage)
  assert.ok((await send(2, flowsOf(2, 5), 'open')).length === 5, 'w2 wears the same chain and has spent nothing')
  const denied = readBack(await loading.list())!.denies.get('slowly')
  assert.equal(denied?.packets, 20 - admitted.length)
  const packet = (tracking: Packet['tracking']): Packet => ({
    enters: 'w1h',
    leaves: 'w3h',
    source: v4(1),
    tracking,
    flow: { from: v4(1), to: v4(3), protocol: 'udp', port: 9 },
  })
  const spent = { now: 0, reflexes: [], spent: [{ key: 'w1', rule: 'slowly' }] }
  const said = (tracking: Packet['tracking']) => evaluate(state, network.bindings, packet(tracking), spent).verdict
  assert.deepEqual([said('first'), said('original')], ['deny', 'allow'])
})

test('a limit of bytes counts both directions and every packet', { skip }, async () => {
  const state = stateOf(limited({ unit: 'bytes', perSecond: 320 }))
  await load(compileDelta(null, compileAgent(state, network.bindings), { pendingMs: null, now: 0 }))
  const [flow] = flowsOf(1, 1)
  // 32 bytes each: ten are let through, and what the bucket gains meanwhile.
  const sent = await send(
    1,
    Array.from({ length: 8 }, () => flow!),
    'open',
  )
  assert.equal(sent.length, 8)
  const back = await send(
    1,
    Array.from({ length: 30 }, () => flow!),
    'answer',
  )
  assert.ok(back.length >= 1 && back.length < 20, `${back.length} of 30 answers`)
})

test('the host itself rejects: its answer passes its own rules', { skip }, async () => {
  const services = [80, 81].map((at) => ({ protocol: 'tcp' as const, from: at, to: at }))
  const rules = services.map((service, i): ResolvedRule => {
    return { verdict: i === 0 ? 'reject' : 'deny', match: { peer: { kind: 'any' }, service }, why: why(`host/${i}`) }
  })
  const state = stateOf(open)
  const shut: RuleList = { rules, otherwise: 'deny', why: why('default-deny') }
  const host = { ...state, workloads: [{ ...state.workloads[0]!, key: 'host', egress: shut, ingress: shut }] }
  const binding = { key: 'host', interface: null, addresses: [v4(4)], driver: 'host' as const }
  const namespace = network.namespaceOf(4)
  await load(removeText())
  await network.nft('delete table inet hush\n', namespace)
  await network.nft(compileDelta(null, compileAgent(host, [binding]), { pendingMs: null, now: 0 }), namespace)
  const answered = async (at: number): Promise<boolean> => {
    const thread: Thread = { from: v4(3), to: v4(4), protocol: 'tcp', port: at, id: ++port }
    await network.hear(3)
    await network.send(3, [{ to: v4(4), bytes: craftStage(thread, 'open', ++mark), receipt: '' }])
    const reset = resetName(
      ...([v4(4), v4(3)].map((one) => octets(one, false).toString('hex')) as [string, string]),
      at,
      thread.id,
    )
    return within(300, async () => (await network.hear(3)).includes(reset))
  }
  assert.deepEqual([await answered(80), await answered(81)], [true, false])
})
