/** `guise learn gate`: how much traffic nobody has seen yet, as the server estimates it; exit code 1 while it is too much. */
import type { Command } from 'commander'
import type { GateReport, GateVerdict } from '../model/gate.ts'
import { slug } from '../model/ids.ts'
import { plainText } from '../model/plain-text.ts'
import { action, CliError, clientOf, print } from './client.ts'
import { findWorkload } from './find.ts'
import { table } from './table.ts'

type Options = { readonly persona?: string; readonly bar?: string }

export function registerGate(learn: Command): void {
  learn
    .command('gate')
    .description('how much of the next day nobody has seen yet; ends with 1 while that is too much to learn rules from')
    .argument('[workload]', 'name, key or id')
    .option('--persona <name>', 'all that are known by this persona, together and one by one')
    .option('--bar <share>', 'share that may be unseen at most: 0.05 unless told')
    .action(action(gate))
}

async function gate(wanted: string | undefined, command: Command): Promise<void> {
  const { persona, bar } = command.opts<Options>()
  if ((wanted === undefined) === (persona === undefined))
    throw new CliError('Name one workload, or one persona with --persona.', 2)
  if (bar !== undefined && !(Number(bar) > 0 && Number(bar) <= 1))
    throw new CliError(`--bar ${plainText(bar, 20)} is no share above 0 and up to 1.`, 2)
  const client = clientOf(command)
  const path =
    persona === undefined ? `workloads/${(await findWorkload(client, wanted!)).id}` : `personas/${slug(persona)}`
  const query = bar === undefined ? '' : `?bar=${Number(bar)}`
  const report = await client.get<GateReport>(`/v1/${path}/gate${query}`)
  print(command, report, gateText)
  if (report.verdict === 'wait') process.exitCode = 1
}

export function gateText({ of, workloads, ...verdict }: GateReport): string {
  const rows = workloads.map((one) => [one.name, one.verdict, one.sentence])
  return [
    `${of.name}: ${lineOf(verdict)}`,
    ...(rows.length < 2 ? [] : ['', table(['workload', 'gate', 'unseen'], rows, '')]),
  ].join('\n')
}

function lineOf({ verdict, sentence, why }: GateVerdict): string {
  return `${sentence}. ${verdict === 'ready' ? 'Ready' : 'Wait'}: ${why}.`
}
