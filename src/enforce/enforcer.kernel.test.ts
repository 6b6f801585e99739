/** The real agent, both processes, against a kernel of its own and the least server there can be. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { type FakeServer, startFakeServer } from '../../bench/kill/fake-server.ts'
import { makeRange, type Range, until } from '../../bench/kill/range.ts'
import { namespaceOf } from '../../lab/topology.ts'
import { needRoot } from '../../test/need.ts'
import type { AgentState } from '../model/desired.ts'

const skip = needRoot()
let range: Range
let server: FakeServer
let agent: ChildProcess
let n = 0

before(async () => {
  if (skip !== false) return
  range = await makeRange('t')
  server = await startFakeServer(range.socket)
  agent = range.startAgent()
  await until('the agent listens', 20_000, () => server.connected)
})
after(async () => {
  if (skip !== false) return
  agent.kill('SIGTERM')
  await until('the agent left', 8_000, () => agent.exitCode !== null || agent.signalCode !== null)
  await server.close()
  await range.remove()
})

const said = (of: number) => (server.last.applied?.generation.n === of ? (server.last.applied.state as string) : '')
const nft = (...argv: string[]) => execFileSync('ip', ['netns', 'exec', range.router, 'nft', ...argv]).toString()
async function apply(state: AgentState, answer: FakeServer['whenConfirming'], reaches: string): Promise<void> {
  server.whenConfirming = answer
  server.send({ type: 'state', state })
  await until(`${reaches}: generation ${state.generation.n}`, 15_000, () => said(state.generation.n) === reaches)
}

test('a generation is applied with every facet, confirmed, and another one puts every facet back', {
  skip,
}, async () => {
  await apply(range.state(++n, 0), 'confirm', 'confirmed')
  const first = await range.capture()
  await apply(range.state(++n, 1), 'confirm', 'confirmed')
  const second = await range.capture()
  assert.match(second, /10\.99\.0\.5\/24/)
  assert.match(second, /nameserver 10\.77\.53\.51/)
  assert.doesNotMatch(second, /wa eth0 .*10\.77\.1\.2/)
  await apply(range.state(++n, 0), 'confirm', 'confirmed')
  assert.equal(await range.capture(), first)
})

test('what nobody confirms is taken back at its deadline, in every facet', { skip }, async () => {
  const held = await range.capture()
  await apply({ ...range.state(++n, 1), confirmWithinMs: 1_500 }, 'nothing', 'rolled-back')
  assert.equal(await range.capture(), held)
})

test('the supervisor takes it back when the worker hangs', { skip }, async () => {
  const held = await range.capture()
  await apply({ ...range.state(++n, 1), confirmWithinMs: 1_500 }, 'nothing', 'confirming')
  const worker = Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(agent.pid)]).toString())
  const boot = server.last.boot
  process.kill(worker, 'SIGSTOP')
  await until('a new worker', 15_000, () => server.last.boot !== boot && server.connected)
  assert.equal(await range.capture(), held)
})

test('an older generation and a state that breaks the model are refused with the reason', { skip }, async () => {
  const held = await range.capture()
  await apply(range.state(1, 1), 'confirm', 'refused')
  assert.match(server.last.applied?.why ?? '', /older than generation/)
  const broken = range.state(++n, 1)
  await apply({ ...broken, sets: [{ name: 'friends', members: ['10.0.0.1/8'] }] }, 'confirm', 'refused')
  assert.match(server.last.applied?.why ?? '', /host bits/)
  server.send({ type: 'state', state: { ...broken, run: 'reboot' } } as never)
  await until('refused by its schema', 8_000, () =>
    server.reports.some(({ counters }) => counters['link.badMessages'] === 1),
  )
  assert.equal(await range.capture(), held)
})

test('somebody deletes our table, flushes a base chain, removes an entry: put back within two seconds, reported', {
  skip,
}, async () => {
  const held = await range.capture()
  for (const argv of [
    ['delete', 'table', 'inet', 'guise'],
    ['flush', 'chain', 'inet', 'guise', 'forward_egress'],
    ['delete', 'element', 'inet', 'guise', 'eg', '{ "wa" }'],
  ]) {
    nft(...argv)
    // Two seconds on an idle machine; this one is shared.
    await until(`repair of ${argv.slice(0, 3).join(' ')}`, 8_000, async () => (await range.capture()) === held)
  }
  await until('reported', 8_000, () => (server.reports.at(-1)?.counters['enforce.driftRepairs'] ?? 0) >= 3)
})

test('a containment is confirmed by host-side probes alone and ends by itself, with nobody to say so', {
  skip,
}, async () => {
  const base = range.state(++n, 0)
  const [first, ...rest] = base.workloads
  const why = { rule: 'quarantine', text: 'it called a listed address' }
  const contained = {
    ...base,
    workloads: [{ ...first!, containment: { directions: 'both' as const, until: Date.now() + 4_000, why } }, ...rest],
  }
  await apply(contained, 'nothing', 'confirmed')
  assert.match(nft('list', 'map', 'inet', 'guise', 'eg_contain'), /"wa"/)
  await until('its end', 10_000, () => !nft('list', 'map', 'inet', 'guise', 'eg_contain').includes('"wa"'))
})

test('a call to a listed address becomes a timed element at once, never against the never-block list', {
  skip,
}, async () => {
  server.send({
    type: 'indicators',
    hash: 'x',
    entries: [{ cidr: '198.51.100.0/24', score: 0, feed: 'test', confidence: 1 }],
    neverBlock: ['198.51.100.9'],
    homeNetworks: [],
  })
  const call = (address: string) =>
    execFileSync('ip', ['netns', 'exec', namespaceOf(range.plan.prefix, 'wb'), 'ping', '-c1', '-W1', address], {
      stdio: 'ignore',
    })
  // Rules of the range drop it before conntrack confirms it, so open them.
  const open = range.state(++n, 0)
  const all = { rules: [], otherwise: 'allow' as const, why: { rule: 'open', text: 'for this test' } }
  await apply(
    { ...open, workloads: open.workloads.map((one) => ({ ...one, egress: all, ingress: all })) },
    'confirm',
    'confirmed',
  )
  const elements = () => nft('list', 'set', 'inet', 'guise', 'reflex4')
  await until('the reflex', 10_000, () => {
    try {
      call('198.51.100.7')
    } catch {}
    return elements().includes('"wb" . 198.51.100.7')
  })
  assert.throws(() => call('198.51.100.7'), 'the second call is dropped')
  call('198.51.100.9')
  assert.ok(!elements().includes('198.51.100.9'))
  await until('the report', 10_000, () =>
    server.reports.some(({ reflexes }) => reflexes.some(({ peer }) => peer === '198.51.100.7')),
  )
  nft('delete', 'table', 'inet', 'guise')
  await until('the reflex is back with the table', 8_000, () => {
    try {
      return elements().includes('198.51.100.7')
    } catch {
      return false
    }
  })
})
