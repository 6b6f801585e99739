/** `guise policy lint FILE…`: the checks of `apply`, without a server; `test FILE…`: the tests in them; `resolve NAME`: what it stands for. */
import type { Command } from 'commander'
import { problemText } from '../decide/manifest.ts'
import { action, print } from './client.ts'
import { counted, readManifestFiles } from './manifest-files.ts'
import { importFiles } from './policy-import.ts'
import { resolvePolicy } from './policy-resolve.ts'
import { testPolicies } from './policy-test.ts'
import { shippedPersonas } from './shipped.ts'

export function register(program: Command): void {
  const policy = program.command('policy').description('check policy files')
  policy
    .command('lint')
    .description('every problem at its place; needs no server')
    .argument('<path...>', 'files or folders; - for standard input')
    .action(action(lint))
  policy
    .command('test')
    .description('run the tests in policies; asks the server only when one needs its workloads or feeds')
    .argument('<path...>', 'files or folders; - for standard input')
    .action(action(testPolicies))
  policy
    .command('import')
    .description('NetworkPolicy and ClusterNetworkPolicy manifests of Kubernetes, as ours, on stdout; applies nothing')
    .argument('<path...>', 'files or folders; - for standard input')
    .option('--mode <mode>', 'off, observe, suggest or enforce, written into each (without: observe)')
    .action(action(importFiles))
  policy
    .command('resolve')
    .description('whom a policy is about, and the addresses its rules stand for, now')
    .argument('<name>', 'its name or id')
    .action(action(resolvePolicy))
}

async function lint(paths: string[], command: Command): Promise<void> {
  const { manifests, problems, warnings } = readManifestFiles(
    paths,
    shippedPersonas().map((one) => one.metadata.name),
  )
  print(command, { ok: problems.length === 0, manifests: manifests.length, problems, warnings }, () =>
    [
      ...problems.map(problemText),
      ...warnings.map((one) => `warning: ${problemText(one)}`),
      `${counted(manifests.length, 'manifest')} in order, ${counted(problems.length, 'problem')}, ${counted(warnings.length, 'warning')}.`,
    ].join('\n'),
  )
  if (problems.length > 0) process.exitCode = 1
}
