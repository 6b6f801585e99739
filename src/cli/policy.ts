/** `guise policy lint`: what is wrong with rules; `test`: the tests in them; `import`: those of Kubernetes; `resolve`: what one stands for. */
import { type Command, Option } from 'commander'
import { MODES } from '../model/policy.ts'
import { action } from './client.ts'
import { importFiles } from './policy-import.ts'
import { lint } from './policy-lint.ts'
import { resolvePolicy } from './policy-resolve.ts'
import { testPolicies } from './policy-test.ts'

export function register(program: Command): void {
  const policy = program.command('policy').description('check policy files')
  policy
    .command('lint')
    .description('every problem at its place, and rules in vain; with files, needs no server')
    .argument('[path...]', 'files or folders, - for standard input; without: what the server has')
    .option('--unused [days]', 'also rules that decided no conversation for so many days (asks the server)')
    .option('--strict', 'exit 1 on every finding, not only on rules that never decide')
    .action(action(lint))
  policy
    .command('test')
    .description('run the tests in policies; asks the server only when one needs its workloads or feeds')
    .argument('<path...>', 'files or folders; - for standard input')
    .action(action(testPolicies))
  policy
    .command('import')
    .description('NetworkPolicy and ClusterNetworkPolicy manifests of Kubernetes, as ours; applies nothing')
    .argument('<path...>', 'files or folders; - for standard input')
    .option('--output <file>', 'write them there instead')
    .addOption(new Option('--mode <mode>', 'written into each (without: observe)').choices(MODES))
    .action(action(importFiles))
  policy
    .command('resolve')
    .description('whom a policy is about, and the addresses its rules stand for, now')
    .argument('<name>', 'its name or id')
    .action(action(resolvePolicy))
}
