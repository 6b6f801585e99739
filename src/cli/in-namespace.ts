/** Commands about this host: where its agent lives, and in which network namespace it works. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { become, isInside, namespacePath } from '../enforce/enter.ts'
import { tellRefusal } from './client.ts'

export function agentHome(): string {
  const { GUISE_AGENT_HOME, GUISE_HOME } = process.env
  return GUISE_AGENT_HOME ?? (GUISE_HOME === undefined ? '/var/lib/guise-agent' : `${GUISE_HOME}-agent`)
}

export type HostOptions = { readonly netns?: string; readonly home: string; readonly json?: true }

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
