/** `guise vitals WORKLOAD`: what it uses and does that is no flow, now and over the last hour, and what is not known of it. */
import type { Command } from 'commander'
import type { VitalsTold } from '../model/vitals.ts'
import { action, clientOf, print } from './client.ts'
import { findWorkload } from './find.ts'
import { vitalsText } from './vitals-text.ts'

export function register(program: Command): void {
  program
    .command('vitals')
    .description('what a workload uses and does that is no flow: processor, memory, disks, its link, programs')
    .argument('<workload>', 'name, key or id')
    .option('--history', 'with --json: every window of the last hour, too')
    .action(action(show))
}

async function show(wanted: string, command: Command): Promise<void> {
  const client = clientOf(command)
  const { id, report } = await findWorkload(client, wanted)
  const told = await client.get<VitalsTold>(`/v1/workloads/${id}/vitals`)
  const isWhole = command.opts<{ history?: true }>().history === true
  const { history: _, ...now } = told
  print(command, isWhole ? told : now, () => vitalsText(report.name, report.driver, told))
}
