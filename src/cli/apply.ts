/** `guise apply -f FILE…`: manifests checked here, with file, line and column, then sent as one set, whole or not at all. */
import type { Command } from 'commander'
import { action, type Client, clientOf, print } from './client.ts'
import { atPlaces, counted, readManifestFiles, refuseProblems } from './manifest-files.ts'

export type Applied = {
  readonly applied: boolean
  readonly items: readonly { readonly kind: string; readonly id: string; readonly outcome: string }[]
  readonly warnings?: readonly { readonly pointer: string; readonly message: string }[]
  readonly tests?: readonly { readonly policy: string; readonly passed: boolean }[]
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
  const answer = await applyFiles(clientOf(command), file, dryRun === true ? 'check' : 'apply')
  print(command, answer, appliedText)
}

/** Throws a `CliError` with every place, as `file:line:column`. */
export async function applyFiles(client: Client, paths: readonly string[], how: 'apply' | 'check'): Promise<Applied> {
  const files = readManifestFiles(paths)
  refuseProblems(files)
  const query = how === 'check' ? '?dry_run=true' : ''
  const answer = await client
    .send<Applied>('POST', `/v1/manifests${query}`, files.manifests)
    .catch((error: unknown) => {
      throw atPlaces(error, files)
    })
  for (const { pointer, message } of answer.warnings ?? []) {
    const [index, ...path] = pointer.split('/').slice(1)
    const steps = path.map((step) => (/^\d+$/.test(step) ? Number(step) : step))
    process.stderr.write(`warning: ${files.where(Number(index), steps)}: ${message}\n`)
  }
  return answer
}

export function appliedText({ applied, items, tests = [] }: Applied): string {
  const would = applied ? '' : 'would be '
  const lines = items.map((one) => `${one.kind} ${one.id} ${one.outcome === 'unchanged' ? '' : would}${one.outcome}`)
  if (tests.length > 0) lines.push(`${counted(tests.length, 'policy test')} passed.`)
  return lines.join('\n')
}
