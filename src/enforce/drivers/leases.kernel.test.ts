/** A guest whose agent nobody asks wears network and resolvers by DHCP, through the real agent; its own agent is only looked through. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { machineOnRange } from '../../../bench/kill/machine-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { needDnsmasq, needQemu, needRoot } from '../../../test/need.ts'
import { allowing } from '../../../test/whole-persona.ts'
import type { AgentState, DesiredState } from '../../model/desired.ts'
import { LEASE_S } from './leases.ts'
import { machineKey } from './places.ts'
import { guestAnswers, runInGuest } from './qemu/guest-agent.ts'
import { socketsOf } from './qemu/machine.ts'

const skip = needRoot() || needQemu() || needDnsmasq()
const FACE = 'gvlease'
const leased = machineOnRange(
  'ls',
  skip,
  { name: 'camera', memoryMb: 128, face: FACE, settings: 'dhcp' },
  { machines: 1, memoryMb: 256, cpus: 2 },
)
const { on } = leased

function wearing(wears: Partial<DesiredState>): AgentState {
  const state = on.range.state(on.next(), 0)
  const own: DesiredState = {
    ...{ workload: 'camera', key: machineKey(leased.machine.uuid), persona: { id: 'p', name: 'P', version: 1 } },
    ...{ egress: allowing(), ingress: allowing(), containment: null, ...wears },
  }
  return { ...state, confirmWithinMs: 60_000, workloads: [...state.workloads, own] }
}
const agent = () => socketsOf(leased.machine.uuid).agent
const inGuest = (program: string, ...argv: string[]) => runInGuest(agent(), program, argv).catch(() => '')
const server = () => {
  try {
    return Number(readFileSync(`/run/guise/leases/${FACE}/pid`, 'utf8'))
  } catch {
    return null
  }
}
const first = {
  network: { addresses: ['10.78.7.2/24'], gateways: ['10.78.7.1'], mtu: 1_400 },
  dns: { servers: ['10.77.53.53'], search: ['cam.lab.internal'] },
}
const second = {
  network: { addresses: ['10.78.8.9/25'], gateways: ['10.78.8.1'] },
  dns: { servers: ['10.77.53.54'], search: [] },
}

test('what DHCP cannot tell is refused with the reason', { skip }, async () => {
  const refusals: readonly (readonly [Partial<DesiredState>, RegExp])[] = [
    [{ network: { addresses: ['10.78.7.2/24', 'fd78::2/64'], gateways: ['10.78.7.1'] } }, /gives one IPv4 address/],
    [{ network: { ...first.network, routes: [{ to: '10.9.0.0/16', via: '10.78.7.254' }] } }, /default route alone/],
    [{ dns: { servers: ['fd53::53'], search: [] } }, /names resolvers by IPv4/],
    [{ dns: first.dns }, /resolvers are told with an address: give its persona a network as well/],
  ]
  for (const [wears, reason] of refusals) {
    await on.apply(wearing(wears), 'confirm', 'refused')
    assert.match(on.server.last.applied?.why ?? '', reason)
  }
})

test('started by its persona, it is told address, route and resolver as it boots', { skip }, async (t) => {
  await on.apply(wearing({ ...first, machine: { power: 'on' } }), 'confirm', 'confirmed')
  const began = performance.now()
  await until('it boots', 120_000, () => guestAnswers(agent(), 1_000))
  await until('it has its address', 90_000, async () => (await inGuest('ip', '-br', 'addr')).includes('10.78.7.2/24'))
  t.diagnostic(`wears it ${Math.round(performance.now() - began)} ms after it was started`)
  assert.match(await inGuest('ip', 'route'), /default via 10\.78\.7\.1/)
  await until('its resolver', 5_000, async () => /10\.77\.53\.53/.test(await inGuest('cat', '/etc/resolv.conf')))
})

test('another persona is heard when it asks again, at half its lease at the latest', { skip }, async (t) => {
  await on.apply(wearing({ ...second, machine: { power: 'on' } }), 'confirm', 'confirmed')
  t.diagnostic(`it asks again within ${LEASE_S / 2} s by itself; here it is asked to`)
  const began = performance.now()
  const pid = (await inGuest('cat', '/run/udhcpc.pid')).trim()
  assert.match(pid, /^\d+$/)
  await until('it has the other address', 70_000, async () => {
    await inGuest('kill', '-USR1', pid)
    return (await inGuest('ip', '-br', 'addr')).includes('10.78.8.9/25')
  })
  t.diagnostic(`changed ${Math.round(performance.now() - began)} ms after it was asked to`)
  assert.doesNotMatch(await inGuest('ip', '-br', 'addr'), /10\.78\.7\.2/)
  assert.match(await inGuest('cat', '/etc/resolv.conf'), /10\.77\.53\.54/)
})

test('whoever tells it is started again when somebody ends it, and goes with the persona', { skip }, async () => {
  const before = server()
  assert.ok(before !== null)
  process.kill(before)
  await until('another one tells it', 60_000, () => server() !== null && server() !== before)
  await on.apply(wearing({ machine: { power: 'on' } }), 'confirm', 'confirmed')
  await until('nobody tells it', 60_000, () => {
    const pid = server()
    return pid === null || !readableCommand(pid).includes('dnsmasq')
  })
})

function readableCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
