/** Real machines under full emulation: started, found again, copied as they run, resized, ended; and what is refused. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../../../bench/kill/range.ts'
import { buildGuest, type GuestImage } from '../../../../guest/build.ts'
import { needQemu, needRoot } from '../../../../test/need.ts'
import { kvmOpens, showsLife } from './accelerator.ts'
import { cgroupOf } from './cgroup.ts'
import { guestAnswers, runInGuest } from './guest-agent.ts'
import { socketsOf } from './machine.ts'
import { type Machines, type MachineWish, openMachines } from './machines.ts'
import { withQmp } from './qmp.ts'
import { findRunning } from './running.ts'

const skip = needRoot() || needQemu()
const namespace = `guiseqm${process.pid}`
const quota = { machines: 3, memoryMb: 512, cpus: 4 }
let home = ''
let image: GuestImage
let machines: Machines

before(async () => {
  if (skip !== false) return
  home = mkdtempSync(join(tmpdir(), 'guise-machines-'))
  image = await buildGuest()
  execFileSync('ip', ['netns', 'add', namespace])
  machines = openMachines({ home, namespace: `/run/netns/${namespace}`, quota })
})
after(async () => {
  if (skip !== false) return
  for (const { machine } of machines.all()) await machines.destroy(machine.uuid)
  execFileSync('ip', ['netns', 'del', namespace])
  rmSync(home, { recursive: true, force: true })
})

function wish(name: string, rest: Partial<MachineWish> = {}): MachineWish {
  const boot = { from: 'kernel' as const, ...image }
  const link = { face: `gq${name}`.slice(0, 15), gateways: [], addresses: [] }
  return { name, boot, memoryMb: 128, cpus: 1, accelerator: 'tcg', ...link, ...rest }
}

function defined(name: string, rest: Partial<MachineWish> = {}): string {
  const made = machines.define(wish(name, rest))
  assert.ok(made.ok, made.ok ? '' : made.why)
  return made.value.uuid
}

const agentAnswers = (uuid: string) => guestAnswers(socketsOf(uuid).agent, 1_000)

let first = ''
test('a guest built from Debian packages boots, and its agent runs programs for us and no others', {
  skip,
}, async (t) => {
  first = defined('first')
  const began = performance.now()
  const started = await machines.start(first)
  assert.ok(started.ok && started.value.accelerator === 'tcg')
  await until('it boots', 60_000, () => agentAnswers(first))
  t.diagnostic(`boots in ${Math.round(performance.now() - began)} ms`)
  const agent = socketsOf(first).agent
  assert.match(await runInGuest(agent, 'ip', ['-br', 'link']), /eth0/)
  assert.equal(await runInGuest(agent, 'cat', [], 'what is said to it'), 'what is said to it')
  await assert.rejects(
    runInGuest(agent, 'cat', ['/nothing']),
    /cat \/nothing in the guest ended with 1: .*No such file/,
  )
  await assert.rejects(runInGuest(agent, 'sh', ['-c', 'id']), /not among what is run in a guest/)
  await assert.rejects(runInGuest('/run/guise/../agent.sock', 'cat', []), /not the socket of a guest/)
})

test('whoever opens the same folder afterwards finds it running, by its uuid', { skip }, () => {
  const [found] = openMachines({ home, namespace: null, quota }).all()
  assert.equal(found?.machine.uuid, first)
  assert.equal(found?.running?.pid, findRunning(first)?.pid)
  const procs = `/sys/fs/cgroup/cpu/${cgroupOf(first)}/cgroup.procs`
  if (existsSync(procs)) assert.equal(Number(readFileSync(procs, 'utf8')), found?.running?.pid)
})

test('a copy of it runs within seconds, with its memory, another identity and its uplink closed', {
  skip,
}, async (t) => {
  await runInGuest(socketsOf(first).agent, 'tee', ['/tmp/note'], 'written before the copy')
  const began = performance.now()
  const copied = await machines.clone(first, { name: 'second', face: 'gqsecond', gateways: [], addresses: [] })
  assert.ok(copied.ok)
  const second = copied.value
  await until('the copy answers', 10_000, () => agentAnswers(second.uuid))
  t.diagnostic(`copied and answering in ${Math.round(performance.now() - began)} ms`)
  assert.equal(second.clonedFrom, first)
  assert.notEqual(findRunning(second.uuid)?.pid, findRunning(first)?.pid)
  assert.equal(
    await withQmp(socketsOf(second.uuid).monitor, async (qmp) => (await qmp.execute('query-uuid')).UUID),
    second.uuid,
  )
  assert.equal(await runInGuest(socketsOf(second.uuid).agent, 'cat', ['/tmp/note']), 'written before the copy')
  const link = () => runInGuest(socketsOf(second.uuid).agent, 'ip', ['link', 'show', 'eth0'])
  // Closed before the copy runs; its kernel takes a moment to hear of it.
  await until('its link is down', 5_000, async () => /NO-CARRIER|state DOWN/.test(await link()))
  assert.ok((await machines.connect(second.uuid, 'open')).ok)
  await until('its link is up', 5_000, async () => /state UP/.test(await link()))
  assert.ok(await agentAnswers(first), 'the source runs on')
  await machines.destroy(second.uuid)
  assert.equal(existsSync(`/proc/${findRunning(second.uuid)?.pid ?? 0}`), false)
  assert.doesNotMatch(execFileSync('ip', ['-n', namespace, '-br', 'link']).toString(), /gqsecond/)
})

test('what is over the quota, taken, or unknown is refused with its cure, and nothing is begun', { skip }, async () => {
  const refusal = (outcome: { ok: boolean; why?: string }) => (outcome.ok ? 'accepted' : outcome.why)
  assert.match(String(refusal(machines.define(wish('big', { memoryMb: 400 })))), /528 MB of memory of 512 MB/)
  assert.match(String(refusal(machines.define(wish('first', { face: 'gqother' })))), /the name first is taken/)
  assert.match(String(refusal(machines.define(wish('other', { face: 'gqfirst' })))), /the link gqfirst is taken/)
  assert.match(String(refusal(await machines.resize(first, { memoryMb: 600 }))), /over the quota/)
  assert.match(String(refusal(await machines.start('00000000-0000-4000-8000-000000000000'))), /there is no machine/)
  assert.throws(
    () =>
      machines.define(wish('bad', { boot: { from: 'kernel', kernel: '/k,readonly=on', initrd: '/i', append: '' } })),
    /is no machine/,
  )
  assert.equal(machines.all().length, 1)
})

test('less memory holds at once, more and another number of processors at the next start', { skip }, async () => {
  const resized = await machines.resize(first, { memoryMb: 96 })
  assert.deepEqual(resized, { ok: true, value: { memory: 'now', cpus: 'same' } })
  await until('the balloon took it', 20_000, async () =>
    withQmp(socketsOf(first).monitor, async (qmp) => (await qmp.execute('query-balloon')).actual === 96 * 1_048_576),
  )
  const later = await machines.resize(first, { memoryMb: 160, cpus: 2 })
  assert.deepEqual(later, { ok: true, value: { memory: 'next-start', cpus: 'next-start' } })
})

test('asked to stop, the guest ends by itself; a host whose KVM hangs guests is found out by its start', {
  skip,
}, async (t) => {
  assert.deepEqual(await machines.stop(first, { ask: 20_000 }), { ok: true, value: 'asked' })
  assert.equal(findRunning(first), null)
  await machines.destroy(first)
  const probed = defined('probed', { accelerator: 'probe' })
  const started = await machines.start(probed)
  assert.ok(started.ok)
  t.diagnostic(`/dev/kvm ${kvmOpens() ? 'opens' : 'does not open'}, chosen: ${started.value.accelerator}`)
  if (!kvmOpens()) assert.equal(started.value.accelerator, 'tcg')
  assert.ok(await showsLife(probed, 60_000), 'whatever was chosen, the guest lives under it')
  await machines.destroy(probed)
})

test('disks: what a copy writes and what its source writes stay apart, and a layer goes with the last on it', {
  skip,
}, async () => {
  const source = defined('disked')
  const disk = (uuid: string) => join(home, 'machines', uuid, 'disk.qcow2')
  const io = (path: string, ...commands: string[]) =>
    execFileSync('qemu-io', [...commands.flatMap((one) => ['-c', one]), path]).toString()
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk(source), '8M'])
  io(disk(source), 'write -P 0x11 0 64k')
  const copied = await machines.clone(source, { name: 'disked2', face: 'gqdisked2', gateways: [], addresses: [] })
  assert.ok(copied.ok)
  io(disk(copied.value.uuid), 'write -P 0x22 0 64k')
  io(disk(source), 'write -P 0x33 4k 4k')
  assert.doesNotMatch(io(disk(copied.value.uuid), 'read -P 0x22 0 64k'), /verification failed/)
  assert.doesNotMatch(io(disk(source), 'read -P 0x11 0 4k', 'read -P 0x33 4k 4k'), /verification failed/)
  await machines.destroy(source)
  assert.doesNotMatch(io(disk(copied.value.uuid), 'read -P 0x22 0 64k'), /verification failed/)
  const layers = join(home, 'machines', 'layers')
  assert.equal(execFileSync('ls', [layers]).toString().trim().split('\n').length, 1)
  await machines.destroy(copied.value.uuid)
  assert.equal(execFileSync('ls', [layers]).toString().trim(), '')
})
