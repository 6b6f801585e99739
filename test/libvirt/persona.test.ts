/**
 * A domain that somebody else defined, in a libvirt of its own (`npm run libvirt`, a step of CI): found by the agent itself,
 * given a whole persona by the parts that dress every machine, shifted, rolled back, started again, destroyed.
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until } from '../../bench/kill/range.ts'
import { buildGuest } from '../../guest/build.ts'
import { namespaceOf } from '../../lab/topology.ts'
import { type Domains, openDomains } from '../../src/enforce/drivers/libvirt/domains.ts'
import { domainCgroup, domainDoor } from '../../src/enforce/drivers/libvirt/door.ts'
import { processOfDomain } from '../../src/enforce/drivers/libvirt/process.ts'
import { domainKey } from '../../src/enforce/drivers/places.ts'
import { guestAnswers, runInGuest } from '../../src/enforce/drivers/qemu/guest-agent.ts'
import { readLog } from '../../src/enforce/drivers/qemu/machine-log.ts'
import type { AgentState, DesiredState } from '../../src/model/desired.ts'
import { needLibvirt, needRoot } from '../need.ts'
import { allowing, type Secrets, secretsOf, seenFrom, TEN_MBIT } from '../whole-persona.ts'
import { definitionOf, type PrivateLibvirt, privateLibvirt } from './private-libvirt.ts'

const skip = needRoot() || needLibvirt()
const OUTSIDE = '172.31.77.2'
const ROUTER = '172.31.77.1'
const LINK = 'gvlweb'
const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
const run = promisify(execFile)
let libvirt: PrivateLibvirt
if (skip === false) {
  libvirt = privateLibvirt()
  process.env.LIBVIRT_DEFAULT_URI = libvirt.uri
}
let domains: Domains
let uuid = ''
let secrets: Secrets
let outside: ReturnType<typeof seenFrom>

// Before the range's own, which takes their namespace away.
after(async () => {
  if (skip !== false) return
  for (const domain of (await domains?.all()) ?? []) await domains.destroy(domain.uuid)
  await libvirt.end()
})
const on = agentOnRange('lv', skip)
const inGuest = (program: string, ...argv: string[]) => runInGuest(domainDoor(uuid), program, argv)

before(async () => {
  if (skip !== false) return
  const image = await buildGuest()
  // Hooks of a whole file begin together.
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  secrets = await secretsOf(on.range.home, on.range.dir)
  outside = seenFrom(namespaceOf(on.range.plan.prefix, 'out'))
  await libvirt.start(`/run/netns/${on.range.router}`)
  domains = openDomains(libvirt.uri, { machines: 2, memoryMb: 300, cpus: 4 })
  const definition = join(on.range.dir, 'web.xml')
  writeFileSync(definition, definitionOf('web', LINK, '10.78.5.1/24', image))
  libvirt.virsh('define', '--validate', definition)
  uuid = libvirt.virsh('domuuid', 'web').trim()
})

/** `guise domain …`, as root on this host. */
async function guise(...argv: string[]): Promise<unknown> {
  const whole = ['--disable-warning=ExperimentalWarning', MAIN, 'domain', ...argv, '--home', on.range.home, '--json']
  return JSON.parse((await run(process.execPath, whole)).stdout)
}
const told = (from = 0) => on.server.reports.slice(from).flatMap(({ workloads }) => (workloads ? [workloads] : []))
const boots = () => until('the guest boots', 120_000, () => guestAnswers(domainDoor(uuid), 1_000))

test('a domain that somebody else defined and started is a workload, found by itself', { skip }, async (t) => {
  const began = performance.now()
  libvirt.virsh('start', 'web')
  await until('the agent knows it', 40_000, () => told().some((all) => all.some(({ key }) => key === domainKey(uuid))))
  t.diagnostic(`known after ${Math.round(performance.now() - began)} ms`)
  const report = told()
    .at(-1)
    ?.find(({ key }) => key === domainKey(uuid))
  assert.deepEqual(report, {
    ...{ key: domainKey(uuid), name: 'web', kind: 'vm', driver: 'libvirt', interface: LINK },
    ...{ addresses: [], labels: {} },
  })
  await boots()
  t.diagnostic(`boots in ${Math.round(performance.now() - began)} ms`)
  const procs = `/sys/fs/cgroup/cpu${domainCgroup(uuid)}/cgroup.procs`
  if (existsSync(dirname(procs))) assert.equal(Number(readFileSync(procs, 'utf8')), processOfDomain(uuid, LINK))
})

function wearing(persona: string, wears: Partial<DesiredState>): AgentState {
  const state = on.range.state(on.next(), 0)
  const own: DesiredState = {
    ...{ workload: 'web', key: domainKey(uuid), persona: { id: persona, name: persona, version: 1 } },
    ...{ egress: allowing(), ingress: allowing(), containment: null },
    ...wears,
  }
  return { ...state, confirmWithinMs: 60_000, workloads: [...state.workloads, own] }
}

function apply(state: AgentState, answer: 'confirm' | 'nothing', reaches: string): Promise<void> {
  secrets.bring()
  return on.apply(state, answer, reaches, 60_000)
}

const network = { addresses: ['10.78.5.2/24', 'fd78:5::2/64'], gateways: ['10.78.5.1', 'fd78:5::1'] }
const web = { ingress: allowing(...[80, 443, 8_443].map((port) => ({ peer: OUTSIDE, port }))), network }
const whole = (): Partial<DesiredState> => ({
  ...web,
  dns: { servers: ['10.77.53.53'], search: ['lv.lab.internal'] },
  vpn: secrets.tunnel('own', '10.78.1.2'),
  tls: secrets.tls,
  publishedPorts: [{ protocol: 'tcp', port: 8_443, to: 443 }],
  bandwidth: { up: TEN_MBIT, down: TEN_MBIT },
})
const served = (reached: string) =>
  until(`seen from outside: ${reached}`, 15_000, async () => {
    return (await outside.trustedPage('10.78.5.2', 443, secrets.trusted)) === reached
  })

test('it wears a whole persona, by the parts that dress every machine', { skip }, async (t) => {
  const began = performance.now()
  await apply(wearing('web', whole()), 'confirm', 'confirmed')
  t.diagnostic(`dressed in ${Math.round(performance.now() - began)} ms`)
  assert.match(await inGuest('cat', '/etc/resolv.conf'), /nameserver 10\.77\.53\.53\nsearch lv\.lab\.internal/)
  assert.match(await inGuest('ip', 'route'), /default via 10\.78\.5\.1 dev eth0 src 10\.78\.5\.2/)
  assert.match(await inGuest('ip', '-br', 'addr'), /wg0.*10\.9\.0\.2\/24/)
  await served('guest')
  assert.equal(await outside.trustedPage(ROUTER, 8_443, secrets.trusted), 'guest', 'by its published port')
  // Whoever shares the machine may slow an emulated guest down, and nobody makes it faster than it may be.
  const held: number[] = []
  while (held.length < 3 && !held.some((one) => one >= 9e6))
    held.push(await outside.speed('http://10.78.5.2/zeros', 5_000_000))
  t.diagnostic(`10 Mbit/s measured as ${held.map((one) => (one / 1e6).toFixed(2)).join(', ')}`)
  assert.ok(Math.max(...held) >= 9e6 && Math.max(...held) <= 10.5e6, held.join(' '))
})

/** Of one processor, while it serves as much as it can for two seconds; and how often it was held. */
async function processorShare(): Promise<{ share: number; held: number }> {
  const pid = processOfDomain(uuid, LINK)
  const ticks = () => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const files = ['cpu', ''].map((mount) => join('/sys/fs/cgroup', mount, domainCgroup(uuid), 'cpu.stat'))
  const timesHeld = () =>
    Number(/nr_throttled (\d+)/.exec(readFileSync(files.find((path) => existsSync(path))!, 'utf8'))![1])
  const [before, heldBefore, began] = [ticks(), timesHeld(), performance.now()]
  while (performance.now() - began < 2_000) await outside.speed('http://10.78.5.2/zeros', 4_000_000)
  return { share: ((ticks() - before) * 10) / (performance.now() - began), held: timesHeld() - heldBefore }
}

test('shifted, nothing of it is left but what the next persona wears too; a share of a processor is one', {
  skip,
}, async (t) => {
  await apply(wearing('small', { ...web, cpu: { cores: 0.2 } }), 'confirm', 'confirmed')
  assert.equal(await inGuest('cat', '/etc/resolv.conf'), '', 'the resolver is as it was before us')
  assert.doesNotMatch(await inGuest('ip', '-br', 'link'), /wg0/)
  const router = ['netns', 'exec', on.range.router, 'tc', 'qdisc', 'show', 'dev', LINK]
  assert.match(execFileSync('ip', router).toString(), /^qdisc noqueue \w+: root/, 'libvirt wants no queue on its taps')
  await served('curl 60')
  assert.equal(await outside.trustedPage(ROUTER, 8_443, secrets.trusted), 'curl 7')
  const small = await processorShare()
  await apply(wearing('free', web), 'confirm', 'confirmed')
  const free = await processorShare()
  t.diagnostic(`processors that it took: ${small.share.toFixed(2)} of 0.2, ${free.share.toFixed(2)} of all`)
  // A period of 100 ms more, at either end.
  assert.ok(small.share > 0.1 && small.share < 0.3 && small.held > 0, JSON.stringify(small))
  assert.equal(free.held, 0, JSON.stringify(free))
})

test('denied in both directions; what nobody confirms comes off by itself; what it cannot carry is refused', {
  skip,
}, async () => {
  await apply(wearing('closed', { network }), 'confirm', 'confirmed')
  assert.equal(await outside.page('http://10.78.5.2/name', 2), 'curl 28')
  const other = { addresses: ['10.78.5.9/24'], gateways: ['10.78.5.1'] }
  const state = wearing('open', { ...whole(), network: other })
  await apply({ ...state, confirmWithinMs: 8_000 }, 'nothing', 'rolled-back')
  assert.match(await inGuest('ip', '-br', 'addr'), /eth0.*10\.78\.5\.2\/24/)
  assert.doesNotMatch(await inGuest('ip', '-br', 'addr'), /10\.78\.5\.9|wg0/)
  assert.equal(await inGuest('cat', '/etc/resolv.conf'), '')
  await apply(wearing('tight', { ...web, memory: { maxBytes: 1 << 26 } }), 'nothing', 'refused')
  assert.match(String(on.server.last.applied?.why), /driver libvirt of web does not carry facet memory/)
})

test('stopped it stays a workload, and started again it is dressed again, by nobody', { skip }, async (t) => {
  await apply(wearing('web', { ...web, dns: whole().dns! }), 'confirm', 'confirmed')
  assert.deepEqual(await guise('stop', 'web'), { stopped: 'web', how: 'asked' })
  await until('its door is closed', 10_000, () => !existsSync(domainDoor(uuid)))
  assert.ok(
    told()
      .at(-1)
      ?.some(({ key }) => key === domainKey(uuid)),
  )
  const resized = await domains.resize(uuid, { memoryMb: 160 })
  assert.deepEqual(resized, { ok: true, value: { memory: 'next-start', cpus: 'same' } })
  const began = performance.now()
  assert.deepEqual(await guise('start', 'web'), { started: 'web' })
  await until(
    'its page is there again',
    240_000,
    async () => (await outside.page('http://10.78.5.2/name', 1)) === 'guest',
  )
  t.diagnostic(`dressed ${Math.round(performance.now() - began)} ms after its start`)
  await until('its resolver, too', 60_000, async () =>
    /nameserver 10\.77\.53\.53/.test(await inGuest('cat', '/etc/resolv.conf').catch(() => '')),
  )
  assert.equal((await domains.all())[0]?.memoryMb, 160)
})

test('less memory holds at once; a copy is made of one that stands, within the quota', { skip }, async () => {
  assert.deepEqual(await domains.resize(uuid, { memoryMb: 120, cpus: 2 }), {
    ...{ ok: true, value: { memory: 'now', cpus: 'next-start' } },
  })
  const copy = { name: 'copy', link: 'gvlcopy' }
  const why = async (asked: Promise<{ ok: boolean; why?: string; cure?: string }>) => {
    const { ok, why: reason, cure } = await asked
    return ok ? 'accepted' : `${reason}; ${cure}`
  }
  assert.match(await why(domains.clone(uuid, copy)), /web runs under libvirt.*stop web first/)
  assert.match(
    await why(domains.resize(uuid, { memoryMb: 400 })),
    /over the quota: that would be 400 MB of memory of 300/,
  )
  assert.ok((await domains.stop(uuid, 'cut')).ok)
  assert.match(await why(domains.clone(uuid, { ...copy, name: 'web' })), /the name web is taken/)
  const made = await domains.clone(uuid, copy)
  assert.ok(made.ok)
  assert.match(libvirt.virsh('dumpxml', made.value), /<target dev='gvlcopy'/)
  assert.match(
    await why(domains.clone(uuid, { name: 'third', link: 'gvlthird' })),
    /over the quota: that would be machine 3 of 2/,
  )
  assert.ok((await domains.destroy(made.value)).ok)
  assert.match(await why(domains.start(made.value)), /libvirt knows no domain/)
})

test('destroyed, nothing of it is on the host, and the others go on', { skip }, async () => {
  const before = on.server.reports.length
  await assert.rejects(guise('destroy', 'nobody'), ({ stdout }: { stdout: string }) => {
    assert.match(JSON.parse(stdout).error, /libvirt knows no domain nobody\. See: guise domain list/)
    return true
  })
  assert.partialDeepStrictEqual(await guise('list'), [{ name: 'web', uuid, state: 'stands', link: LINK }])
  assert.deepEqual(await guise('destroy', 'web'), { destroyed: 'web' })
  assert.deepEqual(
    readLog(on.range.home).map(({ act, machine, outcome }) => `${act} ${machine} ${outcome}`),
    ['stop web done', 'start web done', 'destroy web done'],
  )
  assert.equal(libvirt.virsh('list', '--all', '--uuid').trim(), '')
  assert.equal(existsSync(dirname(domainDoor(uuid))), false)
  assert.equal(existsSync(`/sys/fs/cgroup/cpu${domainCgroup(uuid)}`), false)
  await until('the agent no longer names it', 40_000, () => {
    return (
      told(before)
        .at(-1)
        ?.some(({ key }) => key === domainKey(uuid)) === false
    )
  })
  await on.apply(on.range.state(on.next(), 0), 'confirm', 'confirmed')
})
