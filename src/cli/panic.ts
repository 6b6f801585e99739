/** `guise panic`: everything of ours off, with server, database and agent dead or alive. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { become, isInside, namespacePath } from '../enforce/enter.ts'
import { liftPanic, panic } from '../enforce/panic.ts'
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
  const { removed, unreachable } = await panic(options.home)
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ removed, unreachable })}\n`)
    return
  }
  const lines = removed.length === 0 ? ['Nothing of ours was in force.'] : removed.map((what) => `removed  ${what}`)
  for (const what of unreachable) lines.push(`NOT removed  ${what}`)
  lines.push('The agent stays in observe until: guise panic --lift')
  process.stdout.write(`${lines.join('\n')}\n`)
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
