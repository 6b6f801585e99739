/** `guise secret …`: values that manifests name and nobody reads back. A value comes from a file or standard input, never from a word of the command. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { SecretRecord } from '../model/facets/secret.ts'
import { MAX_SECRET_BYTES } from '../model/facets/secret-size.ts'
import { action, CliError, clientOf, print } from './client.ts'
import { ago, table } from './table.ts'

export function register(program: Command): void {
  const secret = program.command('secret').description('secrets: set, list, delete')
  secret
    .command('set')
    .description('keep a value under a name; personas refer to it as secret: NAME')
    .argument('<name>', 'lower-case letters, digits, dots and dashes')
    .option('--from-file <path>', 'file that holds the value; without it, standard input')
    .action(action(set))
  secret
    .command('list')
    .description('names, versions and who uses them; no values')
    .action(
      action(async (command: Command) => {
        const page = await clientOf(command).get<{ items: SecretRecord[] }>('/v1/secrets')
        print(command, page, ({ items }) => secretTable(items, Date.now()))
      }),
    )
  secret
    .command('delete')
    .description('remove one that nothing uses')
    .argument('<name>')
    .action(
      action(async (name: string, command: Command) => {
        await clientOf(command).send('DELETE', `/v1/secrets/${encodeURIComponent(name)}`, undefined, {
          'if-match': '*',
        })
        print(command, { deleted: name }, () => `Secret ${name} is deleted.`)
      }),
    )
}

async function set(name: string, command: Command): Promise<void> {
  const { fromFile } = command.opts<{ fromFile?: string }>()
  const value = read(fromFile)
  const record = await clientOf(command).send<SecretRecord>(
    'PUT',
    `/v1/secrets/${encodeURIComponent(name)}`,
    { value },
    { 'if-match': '*' },
  )
  print(
    command,
    record,
    (one) => `Secret ${one.name} is at version ${one.version}. Refer to it as secret: ${one.name}.`,
  )
}

/** As it stands, but for one line end at its end: `echo KEY | guise secret set` means KEY. */
function read(path: string | undefined): string {
  if (path === undefined && process.stdin.isTTY)
    throw new CliError('A secret comes from a file or a pipe: guise secret set NAME --from-file FILE.', 2)
  let bytes: Buffer
  try {
    bytes = readFileSync(path ?? 0)
  } catch {
    throw new CliError(`${path ?? 'standard input'} cannot be read. Name a file that exists and that you may read.`, 1)
  }
  if (bytes.length > MAX_SECRET_BYTES)
    throw new CliError(
      `A secret holds at most ${MAX_SECRET_BYTES} bytes; this is ${bytes.length}. Keep it in parts.`,
      1,
    )
  let value: string
  try {
    value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    throw new CliError('A secret is text; this is not UTF-8. Encode it first: base64 FILE | guise secret set NAME.', 1)
  }
  if (value === '') throw new CliError('The value is empty. Give one in the file or on standard input.', 1)
  return value
}

export function secretTable(items: readonly SecretRecord[], now: number): string {
  return table(
    ['SECRET', 'VERSION', 'KEPT', 'CHANGED', 'BY', 'USED BY'],
    items.map((one) => [
      one.name,
      String(one.version),
      one.versions.join(' '),
      ago(one.updatedAt, now),
      one.updatedBy,
      one.usedBy.join(', '),
    ]),
    'No secrets yet. Make one with `guise secret set NAME --from-file FILE`.',
  )
}
