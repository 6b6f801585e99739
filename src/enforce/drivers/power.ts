/**
 * A machine's power and size, whoever runs it: what it is comes out, what it is to be goes in. A facet and the supervisor's
 * way back are made of it; both name the machine by its workload's key and nothing else.
 */
import { existsSync } from 'node:fs'
import type { Outcome } from '../../model/why.ts'
import { findFloor } from '../floor-file.ts'
import { adoptStopped } from './libvirt/adopt.ts'
import { readDomains } from './libvirt/domain.ts'
import { openDomains } from './libvirt/domains.ts'
import { askLibvirt, libvirtHere, named } from './libvirt/virsh.ts'
import { machineOf } from './places.ts'
import { logged } from './qemu/machine-log.ts'
import { machinesFolder, openMachineStore } from './qemu/machine-store.ts'
import { type Machines, openMachines } from './qemu/machines.ts'
import { overQuota, quotaOf } from './qemu/quota.ts'
import { findRunning } from './qemu/running.ts'

export type MachineState = {
  readonly power: 'on' | 'off'
  readonly cpus: number
  readonly memoryMb: number
  /** Nobody keeps its definition: when it ends it is gone. */
  readonly fleeting?: true
}

/** A guest that has not ended by then is cut: the whole change has half a minute, where nobody says otherwise. */
const ASKED_MS = 10_000
const LOOK_MS = 3_000
const SILENT_MS = 5_000
let silentUntil = 0

/** Throws when there is none. */
export async function lookAtMachine(key: string, home: string): Promise<MachineState> {
  const { driver, uuid } = machineOf(key)
  if (driver === 'libvirt') return lookAtDomain(uuid)
  const machine = existsSync(machinesFolder(home)) ? openMachineStore(home).find(uuid) : null
  if (machine === null) throw new Error(`there is no machine ${uuid}`)
  return { power: findRunning(uuid) === null ? 'off' : 'on', cpus: machine.cpus, memoryMb: machine.memoryMb }
}

/** Why it cannot have this size here; null when it can. A domain's is found out when it is resized. */
export function sizeRefusal(key: string, { cpus, memoryMb }: MachineState, home: string): string | null {
  const { driver, uuid } = machineOf(key)
  if (driver === 'libvirt') return null
  const all = openMachineStore(home).all()
  const machine = all.find((one) => one.uuid === uuid)
  if (machine === undefined || (machine.cpus === cpus && machine.memoryMb === memoryMb)) return null
  const refusal = overQuota(all, { ...machine, cpus, memoryMb }, quotaOf(findFloor(home).floor))
  return refusal === null ? null : `${refusal.why}; ${refusal.cure}`
}

/** Its size first, so that what starts has it; more holds from a start on. */
export async function sizeMachine(key: string, { cpus, memoryMb }: MachineState, home: string): Promise<void> {
  const found = await lookAtMachine(key, home)
  if (found.cpus === cpus && found.memoryMb === memoryMb) return
  const { uuid } = machineOf(key)
  taken(await powerOver(key, home).resize(uuid, { cpus, memoryMb }))
}

export async function powerMachine(key: string, { power }: MachineState, home: string): Promise<void> {
  if ((await lookAtMachine(key, home)).power === power) return
  const { driver, uuid } = machineOf(key)
  const machines = powerOver(key, home)
  if (power === 'on') return void taken(await machines.start(uuid))
  taken(await machines.stop(uuid, { ask: ASKED_MS }))
  // Its door would stand open until somebody looks: nobody is behind it any more.
  if (driver === 'libvirt') adoptStopped(uuid)
}

type Power = {
  start(uuid: string): Promise<Outcome<unknown>>
  stop(uuid: string, how: { readonly ask: number }): Promise<Outcome<unknown>>
  resize(uuid: string, size: { readonly memoryMb: number; readonly cpus: number }): Promise<Outcome<unknown>>
}

function powerOver(key: string, home: string): Power {
  const quota = quotaOf(findFloor(home).floor)
  if (machineOf(key).driver === 'libvirt') return openDomains(ourLibvirt(), quota)
  // An agent works in the namespace in which its machines' links are.
  const machines: Machines = openMachines({ home, namespace: null, quota })
  return logged(machines, home, 'persona', Date.now, 'once')
}

async function lookAtDomain(uuid: string): Promise<MachineState> {
  const uri = ourLibvirt()
  const [both, listed] = await Promise.all([
    look(uri, [`dumpxml ${named(uuid)}; dumpxml --inactive ${named(uuid)}`]),
    look(uri, ['list', '--all', '--persistent', '--uuid']),
  ])
  const [now, kept] = readDomains(both)
  if (now === undefined || kept === undefined) throw new Error(`libvirt does not say what domain ${uuid} is`)
  const lasting = listed.split(/\s+/)
  return {
    power: now.id === null ? 'off' : 'on',
    cpus: kept.cpus,
    memoryMb: kept.memoryMb,
    ...(lasting.includes(uuid) ? {} : { fleeting: true }),
  }
}

/** Everything else waits meanwhile, containments too; and whoever does not answer for one domain does not for the next. */
async function look(uri: string, argv: readonly string[]): Promise<string> {
  if (performance.now() < silentUntil) throw new Error(`libvirt did not answer within ${LOOK_MS} ms just now`)
  const began = performance.now()
  return askLibvirt(uri, argv, LOOK_MS).catch((error: Error) => {
    if (performance.now() - began >= LOOK_MS) silentUntil = performance.now() + SILENT_MS
    throw error
  })
}

function ourLibvirt(): string {
  const uri = libvirtHere()
  if (uri === null) throw new Error('no libvirt listens on this host')
  return uri
}

function taken<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value
  throw new Error(`${outcome.why}; ${outcome.cure}`)
}
