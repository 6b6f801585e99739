/** `guise verify`: does the kernel hold what was confirmed? Asks the kernel and the journal, nobody else. */
import type { Command } from 'commander'
import { verify } from '../enforce/verify.ts'
import { agentHome } from './agent.ts'
import { type HostOptions, inNamespaceOf } from './panic.ts'

export function register(program: Command): void {
  program
    .command('verify')
    .description('compare the kernel with what was confirmed, workload by workload (root)')
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
  const lines = result.workloads.map(
    ({ key, persona, ok, why }) => `${ok ? 'ok    ' : 'DIFFERS'} ${key}  ${persona}  ${why}`,
  )
  for (const difference of result.differences) lines.push(`DIFFERS ${difference}`)
  if (result.ok && result.hash === null) lines.push('Nothing is enforced here, and the kernel holds nothing of ours.')
  const generation = result.generation === null ? 'Nothing was confirmed here' : `Generation ${result.generation}`
  if (!result.ok || result.hash !== null)
    lines.push(
      `${generation}; the kernel ${result.ok ? 'holds exactly that' : 'holds something else'}${result.pending ? ', and a change is waiting' : ''}.`,
    )
  process.stdout.write(`${lines.join('\n')}\n`)
}
