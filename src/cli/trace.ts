/** `guise trace SRC DST [PORT]`: each packet of a flow through the kernel's rules, with our why beside each of them (root). */
import { type Command, InvalidArgumentError } from 'commander'
import type { TracedFlow, TraceLine } from '../compile/trace.ts'
import { openJournal } from '../enforce/journal.ts'
import { compileSnapshot, type Snapshot } from '../enforce/snapshot.ts'
import { traceFlow } from '../enforce/trace.ts'
import { parseAddress } from '../model/address.ts'
import { agentHome, type HostOptions, inNamespaceOf } from './in-namespace.ts'
import { protocolOption } from './protocol.ts'
import { terminalText } from './terminal-text.ts'
import { addLine, type Ends, type TracedPacket, traceText } from './trace-text.ts'

type Options = HostOptions & {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly for: number
  readonly packets: number
}

export function register(program: Command): void {
  program
    .command('trace')
    .description("follow a flow's packets through the rules, with the reason beside each (root)")
    .argument('<from>', 'address, or key or name of a workload of this host')
    .argument('<to>', 'address, or key or name of a workload of this host')
    .argument('[port]', 'of the destination; left out: every port', port)
    .addOption(protocolOption().default('tcp'))
    .option('--for <seconds>', 'how long to watch, 1 to 300', seconds, 10)
    .option('--packets <n>', 'stop after so many packets', packets, 20)
    .option('--netns <name>', 'in this network namespace (default: the one the agent of --home works in)')
    .option('--home <dir>', "the agent's home", agentHome())
    .option('--json', 'one line of JSON on stdout')
    .action((from: string, to: string, wanted: number | undefined, options: Options) =>
      inNamespaceOf(options, () => run(from, to, wanted ?? null, options)),
    )
}

const whole = (least: number, most: number, what: string) => (text: string) => {
  const n = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(n >= least && n <= most)) throw new InvalidArgumentError(`${what} is a whole number from ${least} to ${most}.`)
  return n
}
const port = whole(1, 65_535, 'A port')
const seconds = whole(1, 300, 'The time')
const packets = whole(1, 10_000, 'The number of packets')

async function run(from: string, to: string, wanted: number | null, options: Options): Promise<void> {
  const snapshot = (openJournal(options.home).confirmed()?.snapshot ?? null) as Snapshot | null
  const flow: TracedFlow = {
    ...pair(from, to, snapshot),
    protocol: options.protocol,
    port: options.protocol === 'icmp' ? null : wanted,
  }
  const ends: Ends = { flow, ids: idsOf(snapshot), why: whyOf(snapshot) }
  const found = new Map<string, TracedPacket>()
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const told = `${flow.from} → ${flow.to}${flow.port === null ? '' : `:${flow.port}`} (${flow.protocol})`
  const seen = (line: TraceLine) => {
    addLine(found, line, ends, Date.now())
    if (found.size > options.packets) stop.abort()
  }
  await traceFlow(flow, options.for, stop.signal, seen, () =>
    process.stderr.write(`watching ${told} for ${options.for} s; Ctrl-C ends it\n`),
  )
  const all = [...found.values()].slice(0, options.packets)
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ flow, packets: all })}\n`
      : `${terminalText(traceText(flow, all, options.for)).trimEnd()}\n`,
  )
}

/** Both ends as addresses of one family. */
function pair(from: string, to: string, snapshot: Snapshot | null): { from: string; to: string } {
  const [sources, targets] = [addressesOf(from, snapshot), addressesOf(to, snapshot)]
  for (const source of sources) {
    const target = targets.find((address) => address.includes(':') === source.includes(':'))
    if (target !== undefined) return { from: source, to: target }
  }
  throw new Error(`${from} and ${to} have no addresses of one family`)
}

function addressesOf(end: string, snapshot: Snapshot | null): readonly string[] {
  if (parseAddress(end) !== null) return [end]
  const named = (snapshot?.bindings ?? []).filter(
    ({ key }) => key === end || (/[:/-]/.test(key.slice(-end.length - 1, -end.length)) && key.endsWith(end)),
  )
  if (named.length === 1 && named[0]!.addresses.length > 0) return named[0]!.addresses
  const known = named.length > 1 ? `; it could be ${named.map(({ key }) => key).join(' or ')}` : ''
  throw new Error(`${JSON.stringify(end)} is neither an address nor a workload enforced on this host${known}`)
}

function idsOf(snapshot: Snapshot | null): ReadonlyMap<string, string> {
  return (snapshot === null ? null : compileSnapshot(snapshot))?.ruleIds ?? new Map()
}

/** The sentence that was stored with a rule. `default-deny` is everybody's id: there the chain tells whose end it was. */
function whyOf(snapshot: Snapshot | null): Ends['why'] {
  const whys = new Map<string, string>()
  const state = snapshot?.state ?? null
  for (const path of state?.failSafe ?? []) whys.set(path.why.rule, path.why.text)
  for (const workload of state?.workloads ?? []) {
    for (const rule of [...workload.egress.rules, ...workload.ingress.rules]) whys.set(rule.why.rule, rule.why.text)
    if (workload.containment !== null) whys.set(workload.containment.why.rule, workload.containment.why.text)
  }
  const at = (face: string | null) => {
    const there = snapshot?.bindings.filter((binding) => binding.interface === face) ?? []
    // On an interface that many share, it alone does not tell whose end it was.
    return there.length === 1 ? state?.workloads.find(({ key }) => key === there[0]!.key) : undefined
  }
  return (id, chain, { enters, leaves }) => {
    const list = chain.startsWith('e_') ? at(enters)?.egress : chain.startsWith('i_') ? at(leaves)?.ingress : undefined
    return whys.get(id) ?? (list?.why.rule === id ? list.why.text : null)
  }
}
