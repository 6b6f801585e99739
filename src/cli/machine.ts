/**
 * `guise machine …`: the virtual machines of this host. Local, as root: it works with server and agent dead, within the quota of
 * the host's floor; with `--agent` through the server instead, on the host of that agent.
 */
import { copyFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Machine } from '../enforce/drivers/qemu/machine.ts'
import { logged, readLog } from '../enforce/drivers/qemu/machine-log.ts'
import { openMachineStore } from '../enforce/drivers/qemu/machine-store.ts'
import { type Machines, type MachineWish, openMachines } from '../enforce/drivers/qemu/machines.ts'
import { quotaOf } from '../enforce/drivers/qemu/quota.ts'
import { findFloor } from '../enforce/floor-file.ts'
import type { Outcome } from '../model/why.ts'
import { agentHome, type HostOptions, inNamespaceOf } from './in-namespace.ts'
import { approveOrder, listMachines, orderMachine } from './machine-order.ts'
import { table } from './table.ts'

const ASKED_MS = 60_000
type Where = HostOptions & { readonly agent?: string }
type Sized = { readonly memory?: number; readonly cpus?: number }
type Link = { readonly link: string; readonly gateway: string[]; readonly address: string[] }
type Boot = {
  readonly kernel?: string
  readonly initrd?: string
  readonly append: string
  readonly disk?: string
  readonly settings: 'agent' | 'dhcp'
}
type Answer = { readonly value: object; readonly text: string }

export function register(program: Command): void {
  const machine = program
    .command('machine')
    .description('virtual machines of this host (root), or of an agent through the server')
  const add = (usage: string, description: string) => onHost(machine.command(usage).description(description))
  const anywhere = (usage: string, description: string) =>
    add(usage, description).option('--agent <agent>', 'on the host of this agent, by an order through the server')
  anywhere('list', 'every machine, and whether it runs').action((options: Where, command: Command) =>
    options.agent === undefined ? act(options, async (all) => list(all)) : listMachines(command, options.agent),
  )
  withSize(withLink(add('define <name>', 'a new machine; it does not run yet')))
    .option('--kernel <file>', 'boot this kernel')
    .option('--initrd <file>', 'with this initial file system')
    .option('--append <text>', 'and this command line', '')
    .option('--disk <file>', 'boot a copy of this qcow2 image')
    .addOption(
      new Option('--settings <how>', 'how personas reach its inside: by its agent, or by DHCP alone')
        .choices(['agent', 'dhcp'])
        .default('agent'),
    )
    .action((name: string, options: HostOptions & Link & Boot & Sized) =>
      act(options, async (all) => define(all, options.home, name, options)),
    )
  registerPower(anywhere)
  machine
    .command('approve <order>')
    .description('approve an order of somebody else that waits')
    .requiredOption('--agent <agent>', 'whose host it is about')
    .action((order: string, options: { readonly agent: string }, command: Command) =>
      approveOrder(command, options.agent, order),
    )
  add('log', 'who did what to which machine, oldest first').action((options: HostOptions) =>
    act(options, async () => {
      const lines = readLog(options.home)
      const rows = lines.map(({ at, by, act: what, machine: of, outcome, why }) => [
        at,
        by,
        what,
        of,
        outcome,
        why ?? '',
      ])
      return {
        value: lines,
        text: table(['at', 'by', 'act', 'machine', 'outcome', 'why'], rows, 'Nothing was done yet.'),
      }
    }),
  )
}

/** What is done here, or ordered there. */
function registerPower(anywhere: (usage: string, description: string) => Command): void {
  anywhere('start <machine>', 'start it; KVM where it is seen to run under it, else full emulation').action(
    (name: string, options: Where, command: Command) => {
      if (options.agent !== undefined) return orderMachine(command, options.agent, name, { do: 'start' })
      return act(options, async (all) => {
        const { accelerator } = taken(await all.start(found(all, name).uuid))
        return { value: { started: name, accelerator }, text: `${name} runs (${accelerator}).` }
      })
    },
  )
  anywhere('stop <machine>', 'ask it to end; cut it when it does not within a minute')
    .option('--now', 'cut it at once')
    .action((name: string, options: Where & { readonly now?: true }, command: Command) => {
      if (options.agent !== undefined)
        return orderMachine(command, options.agent, name, { do: 'stop', how: options.now === true ? 'cut' : 'ask' })
      return act(options, async (all) => {
        const how = taken(await all.stop(found(all, name).uuid, options.now === true ? 'cut' : { ask: ASKED_MS }))
        const ended = how === 'asked' ? 'it ended by itself' : 'cut'
        return { value: { stopped: name, how }, text: `${name} stands (${ended}).` }
      })
    })
  withLink(anywhere('clone <machine> <copy>', 'a copy; of one that runs as it runs, its uplink closed until --connect'))
    .option('--connect', 'open its uplink at once')
    .action((name: string, copy: string, options: Where & Link & { readonly connect?: true }, command: Command) => {
      const { face: link, gateways, addresses } = linkOf(options)
      const uplink = options.connect === true ? ('open' as const) : ('closed' as const)
      if (options.agent !== undefined)
        return orderMachine(command, options.agent, name, { do: 'clone', copy, link, gateways, addresses, uplink })
      return act(options, async (all) => {
        const made = taken(await all.clone(found(all, name).uuid, { name: copy, face: link, gateways, addresses }))
        if (uplink === 'open') taken(await all.connect(made.uuid, 'open'))
        return { value: { cloned: copy, uuid: made.uuid }, text: `${copy} is a copy of ${name} (${made.uuid}).` }
      })
    })
  withSize(anywhere('resize <machine>', 'another amount of memory or number of processors')).action(
    (name: string, options: Where & Sized, command: Command) => {
      const { memory: memoryMb, cpus } = options
      const size = { ...(memoryMb === undefined ? {} : { memoryMb }), ...(cpus === undefined ? {} : { cpus }) }
      if (options.agent !== undefined) return orderMachine(command, options.agent, name, { do: 'resize', ...size })
      return act(options, async (all) => {
        const holds = taken(await all.resize(found(all, name).uuid, size))
        return {
          value: { resized: name, ...holds },
          text: `${name}: memory ${holds.memory}, processors ${holds.cpus}.`,
        }
      })
    },
  )
  anywhere('destroy <machine>', 'end it and remove all that is of it, its disk too').action(
    (name: string, options: Where, command: Command) => {
      if (options.agent !== undefined) return orderMachine(command, options.agent, name, { do: 'destroy' })
      return act(options, async (all) => {
        await all.destroy(found(all, name).uuid)
        return { value: { destroyed: name }, text: `${name} is gone.` }
      })
    },
  )
}

function onHost(command: Command): Command {
  return command
    .option('--netns <name>', 'in this network namespace (default: the one the agent of --home works in)')
    .option('--home <dir>', "the agent's home", agentHome())
    .option('--json', 'one line of JSON on stdout')
}

function withLink(command: Command): Command {
  const collect = (value: string, before: string[]) => [...before, value]
  return command
    .requiredOption('--link <name>', 'what our end of its link is called')
    .option('--gateway <address/length>', 'our address on it; may be repeated', collect, [])
    .option('--address <address>', 'what it is reached by while no persona says; may be repeated', collect, [])
}

function withSize(command: Command): Command {
  return command.option('--memory <MB>', 'memory', whole).option('--cpus <number>', 'processors', whole)
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new InvalidArgumentError('give a whole number')
  return Number(text)
}

function act(options: HostOptions, work: (machines: Machines) => Promise<Answer>): Promise<void> {
  return inNamespaceOf(options, async () => {
    const quota = quotaOf(findFloor(options.home).floor)
    // We are in the namespace already.
    const all = openMachines({ home: options.home, namespace: null, quota })
    const { value, text } = await work(logged(all, options.home, account(), Date.now))
    process.stdout.write(`${options.json === true ? JSON.stringify(value) : text}\n`)
  })
}

/** Whoever became root by sudo is told by the name that he came with. */
function account(): string {
  const name = process.env.SUDO_USER ?? userInfo().username
  return /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/.test(name) ? name : 'unknown'
}

function list(all: Machines): Answer {
  const rows = all.all().map(({ machine, running }) => ({
    name: machine.name,
    uuid: machine.uuid,
    state: running === null ? 'stands' : 'runs',
    accelerator: running?.accelerator ?? null,
    memoryMb: machine.memoryMb,
    cpus: machine.cpus,
    link: machine.face,
    settings: machine.settings ?? 'agent',
  }))
  const cells = rows.map((one) => [
    one.name,
    one.state,
    `${one.memoryMb} MB`,
    `${one.cpus}`,
    one.link,
    one.settings,
    one.uuid,
  ])
  const text = table(
    ['name', 'state', 'memory', 'processors', 'link', 'told by', 'uuid'],
    cells,
    'There is no machine here.',
  )
  return { value: rows, text }
}

async function define(all: Machines, home: string, name: string, options: Link & Boot & Sized): Promise<Answer> {
  const { kernel, initrd, append, disk, settings, memory: memoryMb = 512, cpus = 1 } = options
  if ((disk === undefined) === (kernel === undefined || initrd === undefined))
    throw new Error('a machine boots from --disk, or from --kernel and --initrd')
  const boot: MachineWish['boot'] =
    disk === undefined ? { from: 'kernel', kernel: kernel!, initrd: initrd!, append } : { from: 'disk' }
  const made = taken(all.define({ name, boot, memoryMb, cpus, accelerator: 'probe', settings, ...linkOf(options) }))
  try {
    if (disk !== undefined) copyFileSync(disk, openMachineStore(home).diskOf(made.uuid))
  } catch (error) {
    // Without its disk it is no machine.
    await all.destroy(made.uuid)
    throw new Error(`${name} is not defined: its disk could not be copied (${(error as Error).message})`)
  }
  return { value: { defined: name, uuid: made.uuid }, text: `${name} is defined (${made.uuid}).` }
}

function linkOf({ link: face, gateway: gateways, address: addresses }: Link) {
  return { face, gateways, addresses }
}

/** By name or uuid. */
function found(all: Machines, name: string): Machine {
  const one = all.all().find(({ machine }) => machine.name === name || machine.uuid === name)
  if (one === undefined) throw new Error(`there is no machine ${name}. See: guise machine list`)
  return one.machine
}

function taken<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value
  throw new Error(`${outcome.why}; ${outcome.cure}`)
}
