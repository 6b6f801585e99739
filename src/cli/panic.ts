/** `guise panic`: everything of ours off, with server, database and agent dead or alive. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { become, isInside, namespacePath } from '../enforce/enter.ts'
import { liftPanic, type PanicReport, panic } from '../enforce/panic.ts'
import { agentHome } from './agent.ts'
import { tellRefusal } from './client.ts'

export type HostOptions = { readonly netns?: string; readonly home: string; readonly json?: true }

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

/** Runs `work` as root in the namespace given or remembered; a refusal is one sentence. */
export async function inNamespaceOf(options: HostOptions, work: () => Promise<void>): Promise<void> {
  try {
    if (process.getuid?.() !== 0) throw new Error('this reads and writes the kernel and needs root. Run it with sudo')
    const name = options.netns ?? remembered(options.home)
    const path = name === null ? null : namespacePath(name)
    if (path !== null && !isInside(path))
      become(path, [process.execPath, ...process.execArgv, ...process.argv.slice(1)])
    await work()
  } catch (error) {
    tellRefusal(options.json === true, `${(error as Error).message}.`)
    process.exitCode = 1
  }
}

function remembered(home: string): string | null {
  try {
    return (JSON.parse(readFileSync(join(home, 'agent.json'), 'utf8')) as { netns: string | null }).netns
  } catch {
    return null
  }
}
