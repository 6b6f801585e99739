/** `guise panic`: everything of ours off, with server, database and agent dead or alive. */
import type { Command } from 'commander'
import { type PanicReport, panic } from '../enforce/panic.ts'
import { liftPanic } from '../enforce/panic-marker.ts'
import { agentHome, type HostOptions, inNamespaceOf } from './in-namespace.ts'

export function register(program: Command): void {
  program
    .command('panic')
    .description('remove everything of ours from the kernel, now; works with server and database dead (root)')
    .option('--netns <name>', 'in this network namespace (default: the one the agent of --home works in)')
    .option('--home <dir>', "the agent's home", agentHome())
    .option('--lift', 'let the agent enforce again')
    .option('--json', 'one line of JSON on stdout')
    .action((options: HostOptions & { readonly lift?: true }) => inNamespaceOf(options, () => run(options)))
}

async function run(options: HostOptions & { readonly lift?: true }): Promise<void> {
  if (options.lift === true) {
    liftPanic(options.home)
    process.stdout.write(
      options.json === true ? '{"lifted":true}\n' : 'Lifted: the agent asks its server what to enforce, and does.\n',
    )
    return
  }
  const report = await panic(options.home)
  process.exitCode = report.unreachable.length === 0 ? 0 : 1
  process.stdout.write(`${options.json === true ? JSON.stringify(report) : panicText(report)}\n`)
}

function panicText({ removed, unreachable }: PanicReport): string {
  const none = removed.length + unreachable.length === 0
  return [
    ...(none ? ['Nothing of ours was in force.'] : removed.map((what) => `removed  ${what}`)),
    ...unreachable.map((what) => `NOT removed  ${what}`),
    ...(unreachable.length === 0 ? [] : ['Mend what is not removed, then run guise panic again.']),
    'The agent stays in observe until: guise panic --lift',
  ].join('\n')
}
