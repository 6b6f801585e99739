/** `guise why WORKLOAD`, `guise why WORKLOAD --to IP:PORT`: the reason, as the server knows it. */
import type { Command } from 'commander'
import type { WhyReport } from '../decide/why.ts'
import { flowWhyText, whyText } from '../decide/why-text.ts'
import { action, clientOf, print } from './client.ts'
import { findWorkload } from './find.ts'

export function register(program: Command): void {
  program
    .command('why')
    .description('why a workload, or one of its flows, is treated as it is')
    .argument('<workload>', 'name, key or id')
    .option('--to <address>', 'IP:PORT or [IPv6]:PORT')
    .option('--protocol <name>', 'tcp, udp or icmp')
    .action(action(why))
}

async function why(wanted: string, command: Command): Promise<void> {
  const { to, protocol } = command.opts<{ to?: string; protocol?: string }>()
  const client = clientOf(command)
  const { id } = await findWorkload(client, wanted)
  const query = new URLSearchParams({
    ...(to === undefined ? {} : { to }),
    ...(protocol === undefined ? {} : { protocol }),
  })
  const answer = await client.get<object>(`/v1/workloads/${id}/why${to === undefined ? '' : `?${query}`}`)
  print(command, answer, (value) => (to === undefined ? whyText(value as WhyReport) : flowWhyText(value)))
}
