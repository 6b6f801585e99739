/** `guise policy lint FILE…`: the checks of `apply`, without a server. */
import type { Command } from 'commander'
import { parseManifests, problemText } from '../decide/manifest.ts'
import { filesOf, read } from './apply.ts'
import { action, print } from './client.ts'

export function register(program: Command): void {
  const policy = program.command('policy').description('check policy files')
  policy
    .command('lint')
    .description('every problem at its place; needs no server')
    .argument('<path...>')
    .action(action(lint))
}

async function lint(paths: string[], command: Command): Promise<void> {
  const files = paths.flatMap(filesOf).map((file) => ({ file, text: read(file) }))
  // A reference may lead to another of the files.
  const personas = files.flatMap(({ file, text }) => {
    const first = parseManifests(text, { file })
    return first.ok ? first.value.filter((one) => one.kind === 'Persona').map((one) => one.metadata.name) : []
  })
  const parsed = files.map(({ file, text }) => parseManifests(text, { file, known: { personas } }))
  const problems = parsed.flatMap((one) => (one.ok ? [] : one.problems))
  const warnings = parsed.flatMap((one) => (one.ok ? one.warnings : []))
  const manifests = parsed.reduce((sum, one) => sum + (one.ok ? one.value.length : 0), 0)
  print(command, { ok: problems.length === 0, manifests, problems, warnings }, () =>
    [
      ...problems.map(problemText),
      ...warnings.map((one) => `warning: ${problemText(one)}`),
      `${manifests} manifest(s) in order, ${problems.length} problem(s), ${warnings.length} warning(s).`,
    ].join('\n'),
  )
  if (problems.length > 0) process.exitCode = 1
}
