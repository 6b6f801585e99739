/** `guise apply -f FILE…`: manifests checked here, with file, line and column, then sent as one set. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { parseManifests, problemText } from '../decide/manifest.ts'
import type { Manifest } from '../model/manifest.ts'
import { action, CliError, clientOf, print } from './client.ts'

type Applied = {
  readonly applied: boolean
  readonly items: readonly {
    readonly kind: string
    readonly id?: string
    readonly name?: string
    readonly outcome?: string
  }[]
}

export function register(program: Command): void {
  program
    .command('apply')
    .description('apply manifests: whole, or not at all')
    .requiredOption('-f, --file <path...>', 'file or folder of YAML or JSON; - for standard input')
    .option('--dry-run', 'check, say what would change, change nothing')
    .action(action(apply))
}

async function apply(command: Command): Promise<void> {
  const { file, dryRun } = command.opts<{ file: string[]; dryRun?: true }>()
  const manifests: Manifest[] = []
  const problems: string[] = []
  for (const path of file.flatMap(filesOf)) {
    const parsed = parseManifests(read(path), { file: path })
    if (parsed.ok) manifests.push(...parsed.value)
    else problems.push(...parsed.problems.map(problemText))
  }
  if (problems.length > 0)
    throw new CliError(`${problems.length} problem(s); nothing was applied.\n${problems.join('\n')}`, 1, { problems })
  const answer = await clientOf(command).send<Applied>(
    'POST',
    `/v1/manifests${dryRun === true ? '?dry_run=true' : ''}`,
    manifests,
  )
  print(command, answer, ({ items }) =>
    items.map((one) => `${one.kind} ${one.name ?? one.id ?? ''} ${one.outcome ?? ''}`.trimEnd()).join('\n'),
  )
}

export function filesOf(path: string): string[] {
  if (path === '-') return ['-']
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path)
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map((name) => join(path, name))
  } catch {
    throw new CliError(`${path} cannot be read. Name a file or folder that exists.`, 1)
  }
}

export function read(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch {
    throw new CliError(`${path} cannot be read. Check that it exists and that you may read it.`, 1)
  }
}
