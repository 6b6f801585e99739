/** `guise domain …`: the domains of this host's libvirt. Local, as root, within the same quota as `guise machine`; what libvirt is set up to be stays its own. */
import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import type { Domain } from '../enforce/drivers/libvirt/domain.ts'
import { type Domains, openDomains } from '../enforce/drivers/libvirt/domains.ts'
import { libvirtHere } from '../enforce/drivers/libvirt/virsh.ts'
import { appendLog, type LogLine } from '../enforce/drivers/qemu/machine-log.ts'
import { quotaOf } from '../enforce/drivers/qemu/quota.ts'
import { findFloor } from '../enforce/floor-file.ts'
import type { Outcome } from '../model/why.ts'
import { tellRefusal } from './client.ts'
import { agentHome } from './in-namespace.ts'
import { table } from './table.ts'

const ASKED_MS = 60_000
type Options = { readonly home: string; readonly json?: true }
type Size = { readonly memory?: number; readonly cpus?: number }
type Answer = { readonly value: object; readonly text: string }

export function register(program: Command): void {
  const domain = program.command('domain').description("domains of this host's libvirt (root)")
  const add = (usage: string, description: string) =>
    domain
      .command(usage)
      .description(description)
      .option('--home <dir>', "the agent's home", agentHome())
      .option('--json', 'one line of JSON on stdout')
  add('list', 'every domain, and whether it runs').action((options: Options) =>
    asRoot(options, async (domains) => list(await domains.all())),
  )
  add('start <domain>', 'start it').action((name: string, options: Options) =>
    change(options, 'start', name, async (domains, { uuid }) => {
      taken(await domains.start(uuid))
      return { value: { started: name }, text: `${name} runs.` }
    }),
  )
  add('stop <domain>', 'ask it to end; cut it when it does not within a minute')
    .option('--now', 'cut it at once')
    .action((name: string, options: Options & { readonly now?: true }) =>
      change(options, 'stop', name, async (domains, { uuid }) => {
        const how = taken(await domains.stop(uuid, options.now === true ? 'cut' : { ask: ASKED_MS }))
        const ended = how === 'asked' ? 'it ended by itself' : 'cut'
        return { value: { stopped: name, how }, text: `${name} stands (${ended}).` }
      }),
    )
  add('resize <domain>', 'another amount of memory or number of processors')
    .option('--memory <MB>', 'memory', whole)
    .option('--cpus <number>', 'processors', whole)
    .action((name: string, options: Options & Size) =>
      change(options, 'resize', name, async (domains, { uuid }) => {
        const { memory: memoryMb, cpus } = options
        const size = { ...(memoryMb === undefined ? {} : { memoryMb }), ...(cpus === undefined ? {} : { cpus }) }
        const holds = taken(await domains.resize(uuid, size))
        return {
          value: { resized: name, ...holds },
          text: `${name}: memory ${holds.memory}, processors ${holds.cpus}.`,
        }
      }),
    )
  add('clone <domain> <copy>', 'a copy of one that stands and has no disk; it does not run yet')
    .requiredOption('--link <name>', 'what our end of its link is called')
    .action((name: string, copy: string, options: Options & { readonly link: string }) =>
      change(options, 'clone', name, async (domains, { uuid }) => {
        const made = taken(await domains.clone(uuid, { name: copy, link: options.link }))
        return { value: { cloned: copy, uuid: made }, text: `${copy} is a copy of ${name} (${made}).` }
      }),
    )
  add('destroy <domain>', 'end it, and let libvirt forget it; its disks stay').action(
    (name: string, options: Options) =>
      change(options, 'destroy', name, async (domains, { uuid }) => {
        taken(await domains.destroy(uuid))
        return { value: { destroyed: name }, text: `${name} is gone.` }
      }),
  )
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new InvalidArgumentError('give a whole number')
  return Number(text)
}

async function asRoot(options: Options, work: (domains: Domains) => Promise<Answer>): Promise<void> {
  try {
    if (process.getuid?.() !== 0)
      throw new Error('this asks the libvirt of the system and needs root. Run it with sudo')
    const uri = libvirtHere()
    if (uri === null)
      throw new Error('no libvirt listens on this host. Start libvirtd, or say where it listens in LIBVIRT_DEFAULT_URI')
    const { value, text } = await work(openDomains(uri, quotaOf(findFloor(options.home).floor)))
    process.stdout.write(`${options.json === true ? JSON.stringify(value) : text}\n`)
  } catch (error) {
    tellRefusal(options.json === true, `${(error as Error).message}.`)
    process.exitCode = 1
  }
}

/** Every act is a line of `guise machine log`, whatever comes of it. */
function change(
  options: Options,
  act: LogLine['act'],
  name: string,
  work: (domains: Domains, domain: Domain) => Promise<Answer>,
): Promise<void> {
  return asRoot(options, async (domains) => {
    const domain = (await domains.all()).find((one) => one.name === name || one.uuid === name)
    if (domain === undefined) throw new Error(`libvirt knows no domain ${name}. See: guise domain list`)
    const line = { at: new Date().toISOString(), by: account(), act, machine: domain.name, uuid: domain.uuid }
    try {
      const answer = await work(domains, domain)
      appendLog(options.home, { ...line, outcome: 'done', why: null })
      return answer
    } catch (error) {
      const outcome = error instanceof Refused ? 'refused' : 'failed'
      appendLog(options.home, { ...line, outcome, why: (error as Error).message.slice(0, 500) })
      throw error
    }
  })
}

/** Whoever became root by sudo is told by the name that he came with. */
function account(): string {
  const name = process.env.SUDO_USER ?? userInfo().username
  return /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/.test(name) ? name : 'unknown'
}

function list(all: readonly Domain[]): Answer {
  const rows = all.map(({ name, uuid, id, memoryMb, cpus, link }) => ({
    ...{ name, uuid, state: id === null ? 'stands' : 'runs', memoryMb, cpus, link: link?.name ?? null },
  }))
  const cells = rows.map((one) => [one.name, one.state, `${one.memoryMb} MB`, `${one.cpus}`, one.link ?? '', one.uuid])
  const text = table(['name', 'state', 'memory', 'processors', 'link', 'uuid'], cells, 'libvirt knows no domain here.')
  return { value: rows, text }
}

class Refused extends Error {}

function taken<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value
  throw new Refused(`${outcome.why}; ${outcome.cure}`)
}
