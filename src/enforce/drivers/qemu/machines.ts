/**
 * Machines of this host: definitions and wishes come in, QEMU processes with a tap each go out. What is expected to be
 * refused (a quota, a name that is taken, a copy that cannot be made) is an `Outcome`; it is found out before anything is
 * begun. Who started a machine may die: it runs on, and is found again by its uuid.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Outcome, Refusal } from '../../../model/why.ts'
import { effect } from '../../fault.ts'
import { inside, runStep } from '../../step.ts'
import { forgetLease } from '../leases.ts'
import { kvmOpens, PROBE_MS, showsLife } from './accelerator.ts'
import { cgroupOf, joinCgroup, removeCgroup } from './cgroup.ts'
import { copyRunning } from './copy.ts'
import { shareDisk, sweepLayers } from './disk.ts'
import { guestAnswers, shutDownGuest } from './guest-agent.ts'
import { type Accelerator, type Machine, machineFrom, socketsOf } from './machine.ts'
import { openMachineStore } from './machine-store.ts'
import { withQmp } from './qmp.ts'
import { overQuota, type Quota } from './quota.ts'
import { cut, endsWithin, findRunning, launch, type Running } from './running.ts'

export type MachineWish = Omit<Machine, 'uuid' | 'mac' | 'clonedFrom'>
export type Copy = Pick<Machine, 'name' | 'face' | 'gateways' | 'addresses'>
export type Size = { readonly memoryMb?: number; readonly cpus?: number }
/** When a new size holds. */
export type Resized = { readonly memory: 'same' | 'now' | 'next-start'; readonly cpus: 'same' | 'next-start' }

export type Machines = {
  all(): readonly { readonly machine: Machine; readonly running: Running | null }[]
  define(wish: MachineWish): Outcome<Machine>
  start(uuid: string): Promise<Outcome<Running>>
  /** `ask`: the guest ends by itself within `withinMs`, else it is cut. */
  stop(uuid: string, how: { readonly ask: number } | 'cut'): Promise<Outcome<'asked' | 'cut'>>
  /** A running one is copied as it runs, its uplink closed; one that stands gets a disk on top of the same one. */
  clone(uuid: string, copy: Copy): Promise<Outcome<Machine>>
  connect(uuid: string, uplink: 'open' | 'closed'): Promise<Outcome<void>>
  resize(uuid: string, size: Size): Promise<Outcome<Resized>>
  destroy(uuid: string): Promise<void>
}

export type MachinesOptions = {
  readonly home: string
  /** Where the taps are; null = our own. */
  readonly namespace: string | null
  readonly quota: Quota
}

const MAX_FACE = 15
/** By uuid, what was seen of KVM: it holds as long as this process does. */
const accelerators = new Map<string, Accelerator>()

export function openMachines({ home, namespace, quota }: MachinesOptions): Machines {
  const store = openMachineStore(home)
  const diskOf = (machine: Machine) => {
    const disk = store.diskOf(machine.uuid)
    return existsSync(disk) ? disk : null
  }

  function define(wish: MachineWish, clonedFrom: string | null = null): Outcome<Machine> {
    const uuid = randomUUID()
    const machine = machineFrom({ ...wish, uuid, mac: macOf(uuid), clonedFrom }, wish.name)
    const refusal = overQuota(store.all(), machine, quota) ?? taken(store.all(), machine)
    if (refusal !== null) return refusal
    store.write(machine)
    return { ok: true, value: machine }
  }

  async function run(machine: Machine, accelerator: Accelerator, incoming: string | null = null): Promise<Running> {
    await makeTap(namespace, machine)
    const running = await launch(machine, accelerator, { namespace, disk: diskOf(machine), incoming })
    joinCgroup(cgroupOf(machine.uuid), running.pid)
    return running
  }

  async function start(uuid: string): Promise<Outcome<Running>> {
    const machine = store.find(uuid)
    if (machine === null) return unknown(uuid)
    const found = findRunning(uuid)
    if (found !== null) return { ok: true, value: found }
    const chosen = machine.accelerator === 'tcg' || !kvmOpens() ? 'tcg' : (accelerators.get(uuid) ?? null)
    if (chosen !== null) return { ok: true, value: await run(machine, chosen) }
    const tried = await run(machine, 'kvm').catch(() => null)
    const lives = tried !== null && (await showsLife(uuid, PROBE_MS).catch(() => false))
    accelerators.set(uuid, lives ? 'kvm' : 'tcg')
    if (lives) return { ok: true, value: tried }
    await cut(uuid)
    return { ok: true, value: await run(machine, 'tcg') }
  }

  async function clone(uuid: string, copy: Copy): Promise<Outcome<Machine>> {
    const source = store.find(uuid)
    if (source === null) return unknown(uuid)
    const running = findRunning(uuid)
    const disk = diskOf(source)
    if (running !== null && disk !== null)
      return refused(
        'machine-has-disk',
        `${source.name} runs and has a disk: a copy of its memory would not fit a copy of its disk`,
        `stop ${source.name} first`,
      )
    const { uuid: _, mac: __, clonedFrom: ___, ...rest } = source
    const size = running === null ? {} : { memoryMb: running.memoryMb, cpus: running.cpus }
    const made = define({ ...rest, ...size, ...copy }, uuid)
    if (!made.ok) return made
    try {
      if (disk !== null) await shareDisk(store.layers, disk, store.diskOf(made.value.uuid), randomUUID())
      if (running !== null) {
        const incoming = join(dirname(socketsOf(made.value.uuid).monitor), 'incoming.sock')
        await run(made.value, running.accelerator, incoming)
        await copyRunning(uuid, made.value.uuid, incoming)
      }
    } catch (error) {
      await destroy(made.value.uuid)
      throw error
    }
    return made
  }

  async function stop(uuid: string, how: { readonly ask: number } | 'cut'): Promise<Outcome<'asked' | 'cut'>> {
    if (store.find(uuid) === null) return unknown(uuid)
    const running = findRunning(uuid)
    let asked = false
    if (how !== 'cut' && running !== null) {
      await askToEnd(uuid)
      asked = await endsWithin(running.pid, how.ask)
    }
    await cut(uuid)
    return { ok: true, value: asked ? 'asked' : 'cut' }
  }

  async function resize(uuid: string, size: Size): Promise<Outcome<Resized>> {
    const before = store.find(uuid)
    if (before === null) return unknown(uuid)
    const machine = machineFrom({ ...before, ...size }, before.name)
    const refusal = overQuota(store.all(), machine, quota)
    if (refusal !== null) return refusal
    store.write(machine)
    const running = findRunning(uuid)
    const cpus = machine.cpus === (running?.cpus ?? before.cpus) ? 'same' : 'next-start'
    if (running === null)
      return { ok: true, value: { memory: machine.memoryMb === before.memoryMb ? 'same' : 'next-start', cpus } }
    // More than it was started with there is only after another start; below that the balloon takes it away and gives it back.
    const now = machine.memoryMb <= running.memoryMb
    await withQmp(socketsOf(uuid).monitor, (qmp) =>
      effect('machine memory', () =>
        qmp.execute('balloon', { value: Math.min(machine.memoryMb, running.memoryMb) * 1_048_576 }),
      ),
    )
    return {
      ok: true,
      value: { memory: machine.memoryMb === before.memoryMb ? 'same' : now ? 'now' : 'next-start', cpus },
    }
  }

  async function destroy(uuid: string): Promise<void> {
    const machine = store.find(uuid)
    if (machine === null) return
    await cut(uuid)
    removeCgroup(cgroupOf(uuid))
    await forgetLease(machine.face)
    await runStep({ run: 'ip', namespace, lines: [`link del ${machine.face}`], lenient: true })
    store.remove(uuid)
    await sweepLayers(
      store.layers,
      store.all().map((one) => store.diskOf(one.uuid)),
    )
  }

  return {
    all: () => store.all().map((machine) => ({ machine, running: findRunning(machine.uuid) })),
    define,
    start,
    stop,
    clone,
    async connect(uuid, uplink) {
      if (findRunning(uuid) === null) return refused('machine-stopped', 'the machine does not run', 'start it first')
      await withQmp(socketsOf(uuid).monitor, (qmp) =>
        effect('machine link', () => qmp.execute('set_link', { name: 'nic0', up: uplink === 'open' })),
      )
      return { ok: true, value: undefined }
    },
    resize,
    destroy,
  }
}

/** By its agent; where none answers, by the button that every machine has (QEMU QAPI, system_powerdown). */
async function askToEnd(uuid: string): Promise<void> {
  const { agent, monitor } = socketsOf(uuid)
  if (await guestAnswers(agent, 1_000)) return shutDownGuest(agent)
  await withQmp(monitor, (qmp) => effect('machine button', () => qmp.execute('system_powerdown'))).catch(() => {})
}

function taken(all: readonly Machine[], machine: Machine): Refusal | null {
  const other = all.find(({ name, face }) => name === machine.name || face === machine.face)
  if (other === undefined) return null
  const what = other.name === machine.name ? `the name ${machine.name}` : `the link ${machine.face}`
  return refused('machine-exists', `${what} is taken by machine ${other.uuid}`, 'choose another')
}

function refused(code: string, why: string, cure: string): Refusal {
  return { ok: false, code, why, cure }
}

const unknown = (uuid: string) => refused('no-machine', `there is no machine ${uuid}`, 'look at the list of machines')

/** QEMU's own prefix, and of the rest what the identity gives. */
function macOf(uuid: string): string {
  const hash = createHash('sha256').update(uuid).digest('hex')
  return `52:54:00:${hash.slice(0, 2)}:${hash.slice(2, 4)}:${hash.slice(4, 6)}`
}

async function makeTap(namespace: string | null, { face, gateways }: Machine): Promise<void> {
  if (face.length > MAX_FACE) throw new Error(`${face} is too long for the name of a link`)
  const links = JSON.parse(await inside(namespace, 'ip', ['-j', 'link'])) as { ifname: string }[]
  if (!links.some(({ ifname }) => ifname === face))
    await runStep({ run: 'ip', namespace, lines: [`tuntap add dev ${face} mode tap`] })
  const lines = gateways.map((address) => `addr replace ${address} dev ${face}${address.includes(':') ? ' nodad' : ''}`)
  await runStep({ run: 'ip', namespace, lines: [...lines, `link set ${face} up`] })
}
