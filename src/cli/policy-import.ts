/** `guise policy import FILE…`: policies written for Kubernetes, as manifests of ours, on stdout or into a file; nothing is applied. */
import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { importPolicies } from '../decide/import/import-policies.ts'
import { problemText } from '../decide/manifest.ts'
import type { Mode } from '../model/policy.ts'
import { CliError, print } from './client.ts'
import { counted, readTexts } from './manifest-files.ts'

export async function importFiles(paths: string[], command: Command): Promise<void> {
  const { mode, output } = command.opts<{ mode?: Mode; output?: string }>()
  const { manifests, problems, notes } = importPolicies(readTexts(paths))
  for (const { where, text } of notes) process.stderr.write(`note: ${where}: ${text}\n`)
  if (problems.length > 0)
    throw new CliError(
      `${counted(problems.length, 'problem')}; nothing was imported.\n${problems.map(problemText).join('\n')}`,
      1,
      { problems },
    )
  if (manifests.length === 0)
    throw new CliError(`There is no policy of Kubernetes in ${paths.join(', ')}. Name a file that has one.`, 1)
  const policies = manifests.map((one) => (mode === undefined ? one : { ...one, spec: { mode, ...one.spec } }))
  const text = policies.map((one) => stringify(one, { lineWidth: 0 }).trimEnd()).join('\n---\n')
  if (output !== undefined) writeTo(output, text)
  print(command, { manifests: policies, notes }, () =>
    output === undefined ? text : `${counted(policies.length, 'manifest')} written to ${output}.`,
  )
}

function writeTo(path: string, text: string): void {
  try {
    writeFileSync(path, `${text}\n`)
  } catch (error) {
    throw new CliError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code}). Name another file.`, 1)
  }
}
