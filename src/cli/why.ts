/** `guise why WORKLOAD [--to IP:PORT]`, `guise why --flow SRC DST [PORT]`: the reason, as the server knows it. */
import type { Command } from 'commander'
import type { WhyReport } from '../decide/why.ts'
import { flowWhyText, whyText } from '../decide/why-text.ts'
import { parseAddress } from '../model/address.ts'
import { action, CliError, type Client, clientOf, print } from './client.ts'
import { findWorkload } from './find.ts'
import { protocolOption } from './protocol.ts'

export function register(program: Command): void {
  program
    .command('why')
    .description('why a workload, or one of its flows, is treated as it is')
    .argument('[workload]', 'name, key or id')
    .option('--to <address>', 'IP:PORT or [IPv6]:PORT')
    .option('--flow <ends...>', 'SRC DST [PORT]: any flow, by addresses or names; also what the kernel refused of it')
    .addOption(protocolOption())
    .action(action(why))
}

type Options = { readonly to?: string; readonly flow?: string[]; readonly protocol?: string }

async function why(wanted: string | undefined, command: Command): Promise<void> {
  const { to, flow, protocol } = command.opts<Options>()
  if (protocol !== undefined && to === undefined && flow === undefined)
    throw new CliError(`--protocol ${protocol} is of one flow. Say which: --to IP:PORT, or --flow SRC DST PORT.`, 2)
  const client = clientOf(command)
  const more = protocol === undefined ? {} : { protocol }
  if (flow !== undefined) {
    if (wanted !== undefined || to !== undefined)
      throw new CliError('--flow names both ends itself. Leave out the workload and --to.', 2)
    const answer = await client.get<object>(`/v1/flows/why?${await flowQuery(client, flow, more)}`)
    return print(command, answer, flowWhyText)
  }
  if (wanted === undefined) throw new CliError('Nothing to explain. Name a workload, or give --flow SRC DST PORT.', 2)
  const { id } = await findWorkload(client, wanted)
  const query = new URLSearchParams({ ...(to === undefined ? {} : { to }), ...more })
  const answer = await client.get<object>(`/v1/workloads/${id}/why${to === undefined ? '' : `?${query}`}`)
  print(command, answer, (value) => (to === undefined ? whyText(value as WhyReport) : flowWhyText(value)))
}

async function flowQuery(client: Client, ends: readonly string[], more: object): Promise<URLSearchParams> {
  const [from, to, port] = ends
  if (from === undefined || to === undefined || ends.length > 3)
    throw new CliError('--flow takes SRC DST and, for TCP and UDP, PORT: --flow 10.0.0.5 10.0.0.9 5432', 2)
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535))
    throw new CliError(`${port} is no port. Give a number up to 65535 behind SRC and DST.`, 2)
  const [sources, targets] = await Promise.all([addressesOf(client, from), addressesOf(client, to)])
  const [source, target] = ofOneFamily(sources, targets)
  const destination = port === undefined ? target : target.includes(':') ? `[${target}]:${port}` : `${target}:${port}`
  return new URLSearchParams({ from: source, to: destination, ...more })
}

/** An address as it is; else those of the workload of that name. */
async function addressesOf(client: Client, end: string): Promise<readonly string[]> {
  if (parseAddress(end) !== null) return [end]
  const { report } = await findWorkload(client, end)
  if (report.addresses.length === 0) throw new CliError(`${report.name} has no address. Give one.`, 1)
  return report.addresses.map((address) => address.split('/')[0]!)
}

/** The first two that can speak with each other; where none can, the first of each, and the server says what is wrong. */
function ofOneFamily(sources: readonly string[], targets: readonly string[]): readonly [string, string] {
  for (const source of sources) {
    const target = targets.find((address) => address.includes(':') === source.includes(':'))
    if (target !== undefined) return [source, target]
  }
  return [sources[0]!, targets[0]!]
}
