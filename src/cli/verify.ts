/** `guise verify`: does the kernel hold what was confirmed? Asks the kernel and the journal, nobody else. */
import type { Command } from 'commander'
import { type Verification, verify } from '../enforce/verify.ts'
import { plainText } from '../model/plain-text.ts'
import { agentHome, type HostOptions, inNamespaceOf } from './in-namespace.ts'

export function register(program: Command): void {
  program
    .command('verify')
    .description('compare the kernel with what was confirmed, workload by workload and facet by facet (root)')
    .option('--netns <name>', 'in this network namespace (default: the one the agent of --home works in)')
    .option('--home <dir>', "the agent's home", agentHome())
    .option('--json', 'one line of JSON on stdout')
    .action((options: HostOptions) => inNamespaceOf(options, () => run(options)))
}

async function run(options: HostOptions): Promise<void> {
  const result = await verify(options.home, Date.now())
  process.exitCode = result.ok ? 0 : 1
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return
  }
  process.stdout.write(`${verifyText(result)}\n`)
}

const mark = (ok: boolean) => (ok ? 'ok     ' : 'DIFFERS')

export function verifyText(result: Verification): string {
  const lines = result.workloads.flatMap(({ key, persona, ok, why, facets }) => [
    `${mark(ok)} ${plainText(key, 128)}  ${plainText(persona, 64)}  ${why}`,
    ...facets.map(
      (one) => `${mark(one.ok)}   ${one.facet}: ${one.why}${one.wants === 'found' ? ' (as found before us)' : ''}`,
    ),
  ])
  for (const difference of result.differences) lines.push(`${mark(false)} ${difference}`)
  if (result.ok && result.hash === null) lines.push('Nothing is enforced here, and the kernel holds nothing of ours.')
  const generation = result.generation === null ? 'Nothing was confirmed here' : `Generation ${result.generation}`
  if (!result.ok || result.hash !== null)
    lines.push(
      `${generation}; the kernel ${result.ok ? 'holds exactly that' : 'holds something else'}${result.pending ? ', and a change is waiting' : ''}.`,
    )
  for (const { table, chain, hook, priority, policy } of result.beside)
    lines.push(`beside  ${table} ${chain}: ${hook}, priority ${priority}, else ${policy}; not ours, not touched`)
  return lines.join('\n')
}
