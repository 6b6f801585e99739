/** Devices on a shared link, in a real kernel with a real agent: found, judged both ways, shifted, contained, followed, left alone. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { after, before, test } from 'node:test'
import { nameOf } from '../../bench/dispatch/ear.ts'
import { within } from '../../bench/dispatch/network.ts'
import { craft } from '../../bench/dispatch/packets.ts'
import { type FakeServer, startFakeServer } from '../../bench/kill/fake-server.ts'
import { type DeviceName, Lan, macOf, v4Of, v6Of } from '../../bench/kill/lan.ts'
import { until } from '../../bench/kill/range.ts'
import { needRoot } from '../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../model/desired.ts'

const skip = needRoot()
const TRACKING =
  'add table inet others; add chain inet others c { type filter hook forward priority -5; }; add rule inet others c ct state established accept'
const [PORT, OTHER] = [8_000, 8_001]
const why = (rule: string) => ({ rule, text: 'test' })
const only = (port: number, direction: string): RuleList => ({
  rules: [
    {
      verdict: 'allow',
      match: { peer: { kind: 'any' }, service: { protocol: 'tcp', from: port, to: port } },
      why: why(`${direction}/${port}`),
      limit: { unit: 'bytes', perSecond: 1_000_000_000 },
    },
  ],
  otherwise: 'deny',
  why: why(`${direction}/otherwise`),
})

let lan: Lan
let server: FakeServer
let agent: ChildProcess
let n = 0
before(async () => {
  if (skip !== false) return
  lan = new Lan('gw')
  // As on any router that translates: connections are tracked before we come.
  lan.run('r', 'nft', TRACKING)
  server = await startFakeServer(lan.socket)
  for (const name of ['wan', 'one', 'two', 'guest'] as const)
    for (const address of [v4Of(name), v6Of(name)])
      for (const port of [PORT, OTHER]) await lan.ask(name, { op: 'serve', protocol: 'tcp', address, port })
  agent = lan.startAgent()
  await until('the agent listens', 20_000, () => server.connected)
})
after(async () => {
  if (skip !== false) return
  agent?.kill('SIGTERM')
  await until('the agent left', 8_000, () => agent.exitCode !== null || agent.signalCode !== null)
  await server.close()
  lan.close()
})

type Dress = Partial<Pick<DesiredState, 'egress' | 'ingress' | 'containment'>>
/** `one` and `two` are dressed; the guest is seen, and nobody says what it is to wear. */
function state(one: Dress = {}, confirmWithinMs = 20_000): AgentState {
  const dressed = (name: DeviceName, dress: Dress): DesiredState => ({
    workload: name,
    key: `device:${macOf(name)}`,
    persona: { id: 'p', name: 'P', version: 1 },
    egress: only(PORT, 'egress'),
    ingress: only(PORT, 'ingress'),
    containment: null,
    ...dress,
  })
  return {
    generation: { system: 'lan', timeline: 1, n: ++n },
    plan: `plan-${n}`,
    mode: 'enforce',
    workloads: [dressed('one', one), dressed('two', {})],
    sets: [],
    neverBlock: [],
    failSafe: [],
    confirmWithinMs,
  }
}

async function apply(wanted: AgentState, answer: FakeServer['whenConfirming'], reaches: string): Promise<void> {
  server.whenConfirming = answer
  server.send({ type: 'state', state: wanted })
  await until(`${reaches}: generation ${wanted.generation.n}`, 20_000, () => {
    const { applied } = server.last
    if (applied?.generation.n !== wanted.generation.n) return false
    if (String(applied.state) === 'refused') throw new Error(`refused: ${applied.why}`)
    return String(applied.state) === reaches
  })
}

type Way = readonly [from: DeviceName | 'wan', to: DeviceName | 'wan', port: number]
const opens = async ([from, to, port]: Way, addressOf = v4Of, boundMs = 2_000) => {
  const flow = await lan.open(from, addressOf(to), port)
  return within(boundMs, async () => (await lan.read(from, flow)).ready)
}
const isRefused = async (way: Way, addressOf = v4Of) => !(await opens(way, addressOf, 300))

/** A stream that goes on, from `from` to `to`. */
async function stream([from, to, port]: Way, addressOf = v4Of) {
  const flow = await lan.open(from, addressOf(to), port)
  const bytes = async () => (await lan.read(from, flow)).bytes
  const grows = async () => {
    const before = await bytes()
    return within(1_500, async () => (await bytes()) > before + 2_000)
  }
  assert.ok(await grows(), `${from} → ${to}:${port} streams`)
  return { grows, stands: async () => !(await grows()) }
}

const seen = (name: DeviceName) =>
  server.reports.flatMap(({ workloads }) => workloads ?? []).findLast(({ key }) => key === `device:${macOf(name)}`)

test('who routes through us is found, with all its addresses and the name of its lease', { skip }, async () => {
  for (const name of ['one', 'two', 'guest'] as const)
    for (const addressOf of [v4Of, v6Of]) assert.ok(await opens([name, 'wan', OTHER], addressOf), name)
  await until('the report has all three', 15_000, () =>
    (['one', 'two', 'guest'] as const).every((name) => seen(name)?.addresses.length === 2),
  )
  const { name, driver, kind, interface: face, addresses } = seen('one')!
  assert.deepEqual([name, driver, String(kind), face], ['phone', 'gateway', 'device', 'lan0'])
  assert.deepEqual(addresses.toSorted(), [v4Of('one'), v6Of('one')].sort())
  assert.equal(seen('two')!.name, macOf('two'))
})

test('rules hold both ways, IPv4 and IPv6; an unknown device on the same link is left alone', { skip }, async () => {
  const old = [await stream(['one', 'wan', OTHER]), await stream(['wan', 'one', OTHER], v6Of)]
  await apply(state(), 'confirm', 'confirmed')
  for (const one of old) assert.ok(await one.grows(), 'what was open when the first rules came goes on')
  for (const addressOf of [v4Of, v6Of]) {
    assert.ok(await opens(['one', 'wan', PORT], addressOf))
    assert.ok(await opens(['wan', 'one', PORT], addressOf))
    assert.ok(await isRefused(['one', 'wan', OTHER], addressOf))
    assert.ok(await isRefused(['wan', 'one', OTHER], addressOf))
    assert.ok(await opens(['guest', 'wan', OTHER], addressOf))
    assert.ok(await opens(['wan', 'guest', OTHER], addressOf))
  }
})

test('what is open is cut both ways at a shift, its neighbour goes on, and unconfirmed it comes back', {
  skip,
}, async () => {
  const cut = [await stream(['one', 'wan', PORT]), await stream(['wan', 'one', PORT], v6Of)]
  const other = [await stream(['two', 'wan', PORT], v6Of), await stream(['guest', 'wan', OTHER])]
  await apply(state({ egress: only(OTHER, 'egress'), ingress: only(OTHER, 'ingress') }, 4_000), 'nothing', 'confirming')
  for (const one of cut) assert.ok(await one.stands())
  for (const one of other) assert.ok(await one.grows())
  await until('taken back', 8_000, () => String(server.last.applied?.state) === 'rolled-back')
  for (const one of cut) assert.ok(await within(6_000, one.grows))
  assert.ok(await isRefused(['one', 'wan', OTHER]))
})

test('containment is of one device, and ends', { skip }, async () => {
  const [mine, other] = [await stream(['one', 'wan', PORT], v6Of), await stream(['two', 'wan', PORT])]
  const containment = { directions: 'both', until: Date.now() + 600_000, why: why('contained') } as const
  await apply(state({ containment }), 'nothing', 'confirmed')
  assert.ok(await mine.stands())
  assert.ok(await isRefused(['wan', 'one', PORT]))
  assert.ok(await other.grows())
  await apply(state(), 'confirm', 'confirmed')
  assert.ok(await opens(['one', 'wan', PORT]))
})

test("nobody else sends from a device's address, nor a device from another's", { skip }, async () => {
  await lan.ask('wan', { op: 'hear' })
  const shots = [
    ['guest', craft(v4Of('one'), v4Of('wan'), 'tcp', PORT, 1)],
    ['two', craft(v6Of('one'), v6Of('wan'), 'tcp', PORT, 2)],
    ['one', craft('10.78.0.99', v4Of('wan'), 'tcp', PORT, 3)],
    ['guest', craft('10.78.0.98', v4Of('wan'), 'tcp', PORT, 4)],
    ['two', craft(v6Of('two'), v6Of('wan'), 'tcp', PORT, 5)],
  ] as const
  for (const [from, { to, bytes }] of shots)
    await lan.ask(from, { op: 'send', packets: [{ to, bytes: bytes.toString('base64') }] })
  const heard = new Set<string>()
  const names = shots.map(([, { bytes }]) => nameOf(bytes)!)
  await within(3_000, async () => {
    for (const name of await lan.ask<string[]>('wan', { op: 'hear' })) heard.add(name)
    return heard.has(names[3]!) && heard.has(names[4]!)
  })
  assert.deepEqual(
    names.map((name) => heard.has(name)),
    [false, false, false, true, true],
  )
})

test('a new address of a device is known by its first packets, and judged as it is', { skip }, async () => {
  for (const [address, length] of [
    ['fd78::abcd', '64'],
    ['10.78.0.77', '24'],
  ] as const) {
    const target = address.includes(':') ? v6Of('wan') : v4Of('wan')
    lan.ip('one', 'addr', 'add', `${address}/${length}`, 'dev', 'eth0', ...(length === '64' ? ['nodad'] : []))
    lan.ip(
      'one',
      'route',
      'replace',
      `${target}/${length === '64' ? 128 : 32}`,
      'via',
      length === '64' ? 'fd78::1' : '10.78.0.1',
      'src',
      address,
    )
    const [began, addressOf] = [performance.now(), () => target]
    assert.ok(await opens(['one', 'wan', PORT], addressOf, 4_000), address)
    assert.ok(performance.now() - began < 4_000)
    assert.ok(await isRefused(['one', 'wan', OTHER], addressOf), address)
    await until('the report has it', 8_000, () => seen('one')?.addresses.includes(address) === true)
  }
})

test('a foreign hand in what is a device’s is noticed and put right', { skip }, async () => {
  const listed = (map: string) => lan.run('r', 'nft', 'list', 'map', 'inet', 'guise', map)
  assert.match(listed('dev_eg4'), /"lan0" \. 10\.78\.0\.11/)
  lan.run('r', 'nft', 'flush', 'map', 'inet', 'guise', 'dev_eg4')
  await until('it is repaired', 8_000, () => listed('dev_eg4').includes('"lan0" . 10.78.0.11 : goto e_'))
  assert.ok(await opens(['one', 'wan', PORT]))
})
