/**
 * A machine from one end to the other, through the real agent: copied as it runs, given a whole persona in one step, shifted,
 * rolled back, destroyed. Rules, rate and translations are on our end of its link; addresses, resolver, tunnel and certificate
 * inside it, by its agent; processor time in its cgroup.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { agentOnRange } from '../../../../bench/kill/agent-on-range.ts'
import { until } from '../../../../bench/kill/range.ts'
import { buildGuest } from '../../../../guest/build.ts'
import { namespaceOf } from '../../../../lab/topology.ts'
import { needQemu, needRoot } from '../../../../test/need.ts'
import { allowing, type Secrets, secretsOf, seenFrom, TEN_MBIT, TUNNEL_PORT } from '../../../../test/whole-persona.ts'
import type { AgentState, DesiredState } from '../../../model/desired.ts'
import { cgroupOf } from './cgroup.ts'
import { guestAnswers, runInGuest } from './guest-agent.ts'
import { type Machine, socketsOf } from './machine.ts'
import { type Machines, openMachines } from './machines.ts'
import { findRunning } from './running.ts'

const skip = needRoot() || needQemu()
const OUTSIDE = '172.31.77.2'
/** Of the router: where a published port is reached. */
const ROUTER = '172.31.77.1'
let machines: Machines
// Before the range's own, which takes their namespace away.
after(async () => {
  if (skip !== false) return
  for (const { machine } of machines?.all() ?? []) await machines.destroy(machine.uuid)
})
const on = agentOnRange('v', skip)
let base: Machine
let copy: Machine
let secrets: Secrets
let outside: ReturnType<typeof seenFrom>

const agentOf = (machine: Machine) => socketsOf(machine.uuid).agent
const inGuest = (machine: Machine, program: string, ...argv: string[]) => runInGuest(agentOf(machine), program, argv)

before(async () => {
  if (skip !== false) return
  const image = await buildGuest()
  // Hooks of a whole file begin together.
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  secrets = await secretsOf(on.range.home, on.range.dir)
  outside = seenFrom(namespaceOf(on.range.plan.prefix, 'out'))
  const namespace = `/run/netns/${on.range.router}`
  machines = openMachines({ home: on.range.home, namespace, quota: { machines: 4, memoryMb: 1_024, cpus: 8 } })
  const made = machines.define({
    name: 'base',
    boot: { from: 'kernel', ...image },
    memoryMb: 128,
    cpus: 1,
    face: 'gvbase',
    gateways: ['10.78.1.1/24'],
    addresses: [],
    accelerator: 'tcg',
  })
  assert.ok(made.ok)
  base = made.value
})

test('a guest boots, is copied as it runs, and the agent knows both by themselves', { skip }, async (t) => {
  const began = performance.now()
  await machines.start(base.uuid)
  await until('the guest boots', 120_000, () => guestAnswers(agentOf(base), 1_000))
  const booted = performance.now()
  const copied = await machines.clone(base.uuid, {
    name: 'copy',
    face: 'gvcopy',
    gateways: ['10.78.2.1/24'],
    addresses: [],
  })
  assert.ok(copied.ok)
  copy = copied.value
  await until('the copy answers', 10_000, () => guestAnswers(agentOf(copy), 1_000))
  // Whether an old address is in use is asked of the guest; who cannot be asked keeps it for as long as may be.
  assert.equal(await inGuest(base, 'ss', '-Htn', 'state', 'connected'), '')
  t.diagnostic(`boots in ${Math.round(booted - began)} ms, copied in ${Math.round(performance.now() - booted)} ms`)
  await until('the agent knows them', 40_000, () =>
    on.server.reports.some(({ workloads }) => workloads?.filter(({ driver }) => driver === 'qemu').length === 2),
  )
})

function wearing(persona: string, worn: ReadonlyMap<Machine, Partial<DesiredState>>): AgentState {
  const state = on.range.state(on.next(), 0)
  const workloads = [...worn].map(
    ([machine, wears]): DesiredState => ({
      workload: machine.name,
      key: `vm:${machine.uuid}`,
      persona: { id: persona, name: persona, version: 1 },
      egress: allowing(),
      ingress: allowing(),
      containment: null,
      ...wears,
    }),
  )
  return { ...state, confirmWithinMs: 60_000, workloads: [...state.workloads, ...workloads] }
}

/** A guest under full emulation, beside other tests, takes its time: longer than a namespace does. */
function apply(state: AgentState, answer: 'confirm' | 'nothing', reaches: string): Promise<void> {
  secrets.bring()
  return on.apply(state, answer, reaches, 90_000)
}

const network = { addresses: ['10.78.2.2/24', 'fd78:2::2/64'], gateways: ['10.78.2.1', 'fd78:2::1'] }
const SEEN_AS = '10.78.200.7'
const web = { ingress: allowing(...[80, 443, 8_443].map((port) => ({ peer: OUTSIDE, port }))), network }
/** The other end of the tunnel, which waits to be called. */
const peer = () => ({
  network: { addresses: ['10.78.1.2/24'], gateways: ['10.78.1.1'] },
  ingress: allowing({ peer: '10.78.2.2', protocol: 'udp', port: TUNNEL_PORT }),
  vpn: secrets.tunnel('peer', null),
})
const whole = (): Partial<DesiredState> => ({
  ...web,
  egress: allowing({ peer: '10.78.1.2', protocol: 'udp', port: TUNNEL_PORT }),
  dns: { servers: ['10.77.53.53'], search: ['vm.lab.internal'] },
  vpn: secrets.tunnel('own', '10.78.1.2'),
  tls: secrets.tls,
  egressAddress: { addresses: [SEEN_AS], except: [] },
  publishedPorts: [{ protocol: 'tcp', port: 8_443, to: 443 }],
  bandwidth: { up: TEN_MBIT, down: TEN_MBIT },
})

test('it wears a whole persona, every facet in one step', { skip }, async (t) => {
  assert.ok((await machines.connect(copy.uuid, 'open')).ok)
  assert.equal(await outside.page('http://10.78.2.2/name', 1), 'curl 28')
  const state = wearing(
    'web',
    new Map([
      [base, peer()],
      [copy, whole()],
    ]),
  )
  await apply(state, 'confirm', 'confirmed')
  assert.match(await inGuest(copy, 'cat', '/etc/resolv.conf'), /nameserver 10\.77\.53\.53\nsearch vm\.lab\.internal/)
  assert.match(await inGuest(copy, 'ip', 'route'), /default via 10\.78\.2\.1 dev eth0 src 10\.78\.2\.2/)
  await until(
    'its certificate is served',
    10_000,
    async () => (await outside.trustedPage('10.78.2.2', 443, secrets.trusted)) === 'guest',
  )
  assert.equal(await outside.trustedPage(ROUTER, 8_443, secrets.trusted), 'guest', 'by its published port')
  await until('they shake hands', 20_000, async () =>
    /\t[1-9]/.test(await inGuest(base, 'wg', 'show', 'wg0', 'latest-handshakes')),
  )
  assert.match(
    await inGuest(base, 'wg', 'show', 'wg0', 'endpoints'),
    new RegExp(`\\t${SEEN_AS.replaceAll('.', '\\.')}:`),
  )
  const held = await outside.speed('http://10.78.2.2/zeros', 5_000_000)
  t.diagnostic(`10 Mbit/s measured as ${(held / 1e6).toFixed(2)}`)
  assert.ok(held >= 9e6 && held <= 10.5e6, `${held}`)
})

test('shifted, nothing of it is left but what the next persona wears too', { skip }, async (t) => {
  await apply(wearing('small', new Map([[copy, { ...web, cpu: { cores: 0.1 } }]])), 'confirm', 'confirmed')
  assert.equal(await inGuest(copy, 'cat', '/etc/resolv.conf'), '', 'the resolver is as it was before us')
  for (const machine of [base, copy]) assert.doesNotMatch(await inGuest(machine, 'ip', '-br', 'link'), /wg0/)
  await until(
    'the certificate before it is served',
    10_000,
    async () => (await outside.trustedPage('10.78.2.2', 443, secrets.trusted)) === 'curl 60',
  )
  assert.equal(await outside.trustedPage(ROUTER, 8_443, secrets.trusted), 'curl 7')
  const small = await outside.speed('http://10.78.2.2/zeros', 4_000_000)
  await apply(wearing('free', new Map([[copy, web]])), 'confirm', 'confirmed')
  const free = await outside.speed('http://10.78.2.2/zeros', 20_000_000)
  t.diagnostic(`Mbit/s with 0.1 processors ${(small / 1e6).toFixed(2)}, with all ${(free / 1e6).toFixed(2)}`)
  assert.ok(small < free / 2, `${small} of ${free}`)
})

test('denied in both directions; what nobody confirms comes off by itself, inside it too', { skip }, async () => {
  await apply(wearing('closed', new Map([[copy, { network }]])), 'confirm', 'confirmed')
  const other = { addresses: ['10.78.2.9/24'], gateways: ['10.78.2.1'] }
  const state = wearing('open', new Map([[copy, { ...whole(), network: other }]]))
  await apply({ ...state, confirmWithinMs: 4_000 }, 'nothing', 'rolled-back')
  assert.match(await inGuest(copy, 'ip', '-br', 'addr'), /eth0.*10\.78\.2\.2\/24 fd78:2::2\/64/)
  assert.doesNotMatch(await inGuest(copy, 'ip', '-br', 'addr'), /10\.78\.2\.9|wg0/)
  assert.equal(await inGuest(copy, 'cat', '/etc/resolv.conf'), '')
  assert.equal(await outside.page('http://10.78.2.2/name', 2), 'curl 28')
})

test('stopped and destroyed, nothing of it is on the host, and the others go on', { skip }, async () => {
  const running = findRunning(copy.uuid)
  await machines.stop(copy.uuid, 'cut')
  await apply(
    wearing(
      'web',
      new Map([
        [base, peer()],
        [copy, web],
      ]),
    ),
    'confirm',
    'confirmed',
  )
  const told = on.server.reports.length
  await machines.destroy(copy.uuid)
  assert.equal(existsSync(`/proc/${running?.pid}/exe`), false)
  assert.equal(existsSync(`/sys/fs/cgroup/cpu${cgroupOf(copy.uuid)}`), false)
  assert.equal(machines.all().length, 1)
  await until('the agent no longer names it', 40_000, () => {
    const named = on.server.reports.slice(told).flatMap(({ workloads }) => (workloads === undefined ? [] : [workloads]))
    return named.at(-1)?.some(({ key }) => key === `vm:${copy.uuid}`) === false
  })
  await apply(wearing('none', new Map([[base, {}]])), 'confirm', 'confirmed')
})
