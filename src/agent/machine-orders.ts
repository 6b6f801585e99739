/**
 * Orders about machines come in from the server, one after another; what became of each goes into the next report. The host
 * has the last word: its mode, its floor, its quota, and what a persona says of a machine's power. An order is acted on once,
 * however often it is sent.
 */
import { existsSync } from 'node:fs'
import { openDomains } from '../enforce/drivers/libvirt/domains.ts'
import { libvirtHere } from '../enforce/drivers/libvirt/virsh.ts'
import { domainKey, machineKey } from '../enforce/drivers/places.ts'
import { logged } from '../enforce/drivers/qemu/machine-log.ts'
import { machinesFolder } from '../enforce/drivers/qemu/machine-store.ts'
import { openMachines } from '../enforce/drivers/qemu/machines.ts'
import { quotaOf } from '../enforce/drivers/qemu/quota.ts'
import type { Floor } from '../enforce/floor.ts'
import type { AgentState } from '../model/desired.ts'
import {
  MAX_MACHINES,
  type MachineAct,
  type MachineOrder,
  type MachineReport,
  type MachineResult,
} from '../model/machine-order.ts'
import { plainText } from '../model/plain-text.ts'
import type { Mode } from '../model/policy.ts'
import type { Outcome, Refusal } from '../model/why.ts'

export type MachineOrders = {
  take(order: MachineOrder): Promise<void>
  /** Since the last call. */
  results(): MachineResult[]
  /** As they were looked at last: after every order, and whenever this is asked for. */
  machines(): readonly MachineReport[]
}

const ASKED_MS = 30_000
/** Orders remembered, so that none is acted on twice; the server forgets them long before. */
const REMEMBERED = 1_000

export function createMachineOrders(deps: {
  readonly home: string
  readonly floor: () => Floor
  readonly mode: () => Mode
  readonly inForce: () => AgentState | null
  /** epoch ms, and by how much it is ahead of the server's. */
  readonly clock: () => number
  readonly aheadMs: () => number
  /** There is something to tell. */
  readonly told: () => void
  /** The host itself would not have it. */
  readonly refused: (reason: string) => void
}): MachineOrders {
  const seen = new Map<string, MachineResult>()
  let untold: MachineResult[] = []
  let known: readonly MachineReport[] = []
  let looking: Promise<void> | null = null
  let order: Promise<unknown> = Promise.resolve()

  const tell = (id: string, outcome: MachineResult['outcome'], why: string) => {
    const result = { id, at: Math.max(0, deps.clock()), outcome, why: plainText(why, 500) }
    seen.delete(id)
    seen.set(id, result)
    if (seen.size > REMEMBERED) seen.delete(seen.keys().next().value!)
    untold.push(result)
    deps.told()
  }

  return {
    take(given) {
      const mine = order.then(() => act(given))
      order = mine.catch(() => {})
      return mine
    },
    results() {
      const taken = untold.slice(-100)
      untold = []
      return taken
    },
    machines() {
      void look()
      return known
    },
  }

  async function act(given: MachineOrder): Promise<void> {
    const before = seen.get(given.id)
    if (before !== undefined) {
      untold.push(before)
      return deps.told()
    }
    const why = refusal(given)
    if (why !== null) {
      deps.refused(`${given.act.do} ${given.machine}: ${why}`)
      return tell(given.id, 'refused', why)
    }
    tell(given.id, 'begun', '')
    try {
      const done = await perform(given)
      await look()
      tell(given.id, done.ok ? 'done' : 'refused', done.ok ? done.value : `${done.why}; ${done.cure}`)
    } catch (error) {
      tell(given.id, 'failed', (error as Error).message)
    }
  }

  /** libvirt takes its time, and may not answer: what was known is told meanwhile. */
  function look(): Promise<void> {
    looking ??= machinesHere(deps.home)
      .then((found) => {
        known = found.slice(0, MAX_MACHINES)
      })
      .catch(() => {})
      .finally(() => {
        looking = null
      })
    return looking
  }

  /** Asked of the host alone, before anything is looked for. */
  function refusal({ act, until }: MachineOrder): string | null {
    const floor = deps.floor()
    if (deps.mode() !== 'enforce') return `mode is ${deps.mode()}: nothing is done to the machines of this host`
    if (!floor.facets.includes('machine')) return 'this host does not let a server have its machines'
    if (deps.clock() - deps.aheadMs() > until) return 'it came too late to be begun'
    if (floor.approvals !== null && (act.do === 'destroy' || act.do === 'stop'))
      return `this host asks for signatures, and an order to ${act.do} has none; do it on the host, or by a plan`
    return null
  }

  /** What it came to, in words. */
  async function perform({ machine: name, act, by }: MachineOrder): Promise<Outcome<string>> {
    const quota = quotaOf(deps.floor())
    const all = logged(openMachines({ home: deps.home, namespace: null, quota }), deps.home, by, Date.now)
    const own = all.all().find(({ machine }) => machine.name === name || machine.uuid === name)?.machine
    if (own === undefined) return ofLibvirt(name, act)
    const held = heldBy(machineKey(own.uuid), act)
    if (held !== null) return held
    switch (act.do) {
      case 'start':
        return said(await all.start(own.uuid), ({ accelerator }) => `it runs (${accelerator})`)
      case 'stop':
        return said(await all.stop(own.uuid, act.how === 'cut' ? 'cut' : { ask: ASKED_MS }), endedWords)
      case 'resize':
        return said(await all.resize(own.uuid, sizeOf(act)), sizeWords)
      case 'clone': {
        const { copy, link, gateways = [], addresses = [], uplink } = act
        const made = await all.clone(own.uuid, { name: copy, face: link, gateways, addresses })
        if (made.ok && uplink === 'open') await all.connect(made.value.uuid, 'open')
        return said(made, ({ uuid }) => `${copy} is its copy (${uuid})`)
      }
      case 'destroy':
        await all.destroy(own.uuid)
        return { ok: true, value: 'it is gone, and all that was of it' }
    }
  }

  /** Domains were there before us and are libvirt's to keep. */
  async function ofLibvirt(name: string, act: MachineAct): Promise<Outcome<string>> {
    const uri = libvirtHere()
    const domains = uri === null ? null : openDomains(uri, quotaOf(deps.floor()))
    const found = (await domains?.all())?.find((one) => one.name === name || one.uuid === name)
    if (domains === null || found === undefined)
      return refused('no-machine', `there is no machine ${name} on this host`, 'look at guise machine list --agent')
    const held = heldBy(domainKey(found.uuid), act)
    if (held !== null) return held
    switch (act.do) {
      case 'start':
        return said(await domains.start(found.uuid), () => 'it runs')
      case 'stop':
        return said(await domains.stop(found.uuid, act.how === 'cut' ? 'cut' : { ask: ASKED_MS }), endedWords)
      case 'resize':
        return said(await domains.resize(found.uuid, sizeOf(act)), sizeWords)
      case 'clone':
      case 'destroy':
        return refused(
          'not-ours',
          `${name} is a domain of libvirt, which Guise did not make`,
          `${act.do} it on its host: guise domain ${act.do} ${name}`,
        )
    }
  }

  /** What a persona says of it, the agent holds: what an order changed would be back within a second. */
  function heldBy(key: string, act: MachineAct): Refusal | null {
    if (act.do === 'clone') return null
    const worn = deps.inForce()?.workloads.find((one) => one.key === key && one.machine !== undefined)
    if (worn === undefined) return null
    const { name } = worn.persona
    return refused(
      'held-by-persona',
      `its persona ${name} says whether it runs and how large it is`,
      `shift it, or change ${name}`,
    )
  }
}

async function machinesHere(home: string): Promise<MachineReport[]> {
  const own = existsSync(machinesFolder(home))
    ? openMachines({ home, namespace: null, quota: { machines: 0, memoryMb: 0, cpus: 0 } }).all()
    : []
  const uri = libvirtHere()
  const domains = uri === null ? [] : await openDomains(uri, { machines: 0, memoryMb: 0, cpus: 0 }).all()
  return [
    ...own.map(({ machine: { uuid, name, cpus, memoryMb, face }, running }) => ({
      ...{ uuid, name, keeper: 'guise' as const, power: running === null ? ('off' as const) : ('on' as const) },
      ...{ cpus, memoryMb, link: face },
    })),
    ...domains.map(({ uuid, name, id, cpus, memoryMb, link }) => ({
      ...{ uuid, name, keeper: 'libvirt' as const, power: id === null ? ('off' as const) : ('on' as const) },
      ...{ cpus, memoryMb, link: link?.name ?? null },
    })),
  ]
}

type Resize = Extract<MachineAct, { do: 'resize' }>
const sizeOf = ({ do: _, ...size }: Resize) => size
const sizeWords = ({ memory, cpus }: { readonly memory: string; readonly cpus: string }) =>
  `memory ${memory}, processors ${cpus}`
const endedWords = (how: 'asked' | 'cut') => (how === 'asked' ? 'it ended by itself' : 'it was cut')

function said<T>(outcome: Outcome<T>, words: (value: T) => string): Outcome<string> {
  return outcome.ok ? { ok: true, value: words(outcome.value) } : outcome
}

function refused(code: string, why: string, cure: string): Refusal {
  return { ok: false, code, why, cure }
}
