/** `guise token …`: who may talk to the API, and as what. */
import { type Command, Option } from 'commander'
import { ROLES } from '../model/records.ts'
import { action, CliError, clientOf, print } from './client.ts'
import { ago, table } from './table.ts'

type Token = {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly lastUsed: number | null
  readonly expiresAt: number | null
  readonly token?: string
}
type Enrolment = Token & {
  readonly agent: string
  readonly door: { readonly url: string; readonly caFingerprint: string }
}
type CreateOptions = {
  readonly role?: string
  readonly agent?: string
  readonly host?: string
  readonly ttl?: string
  readonly enrol?: true
}

export function register(program: Command): void {
  const token = program.command('token').description('tokens: create, list, revoke')
  token
    .command('create')
    .description('make one; its secret is told once')
    .argument('[name]', 'what it is listed as; for an agent its own name')
    .addOption(new Option('--role <role>', 'what it may do; left out: viewer, with --enrol agent').choices(ROLES))
    .option('--agent <id>', 'for role agent: whom it speaks for')
    .option('--host <name>', 'the same: the agent is named after its host')
    .option('--ttl <span>', 'ends by itself: 12h, 30d; with --enrol at most 15m')
    .option('--enrol', 'for an agent on another host: single use, within 15 minutes; prints its command')
    .action(action(create))
  token
    .command('list')
    .description('without their secrets')
    .action(
      action(async (command: Command) => {
        const page = await clientOf(command).get<{ items: Token[] }>('/v1/tokens')
        const now = Date.now()
        print(command, page, ({ items }) =>
          table(
            ['ID', 'NAME', 'ROLE', 'USED', 'ENDS'],
            items.map((one) => [
              one.id,
              one.name,
              one.role,
              ago(one.lastUsed, now),
              one.expiresAt === null ? 'stays' : new Date(one.expiresAt).toISOString(),
            ]),
            'No tokens. Make one with `guise token create NAME`.',
          ),
        )
      }),
    )
  token
    .command('revoke')
    .description('ends now')
    .argument('<id>')
    .action(
      action(async (id: string, command: Command) => {
        await clientOf(command).send('DELETE', `/v1/tokens/${encodeURIComponent(id)}`, undefined, { 'if-match': '*' })
        print(command, { revoked: id }, () => `Token ${id} is revoked.`)
      }),
    )
}

async function create(given: string | undefined, command: Command): Promise<void> {
  const { enrol, role = enrol === true ? 'agent' : 'viewer', ttl, host, agent = host } = command.opts<CreateOptions>()
  const name = given ?? agent
  if (enrol === true && role !== 'agent')
    throw new CliError(`An enrolment is for an agent, not for role ${role}: leave --role out.`, 2)
  if (role === 'agent' && agent === undefined)
    throw new CliError(
      `${enrol === true ? 'An enrolment' : 'A token of role agent'} is for one agent: name its host with --host NAME.`,
      2,
    )
  if (name === undefined) throw new CliError('A token needs a name: guise token create NAME.', 2)
  const body = { name, role, ...(agent === undefined ? {} : { agent }), ...(ttl === undefined ? {} : { ttl }) }
  if (enrol !== true) {
    const made = await clientOf(command).send<Token>('POST', '/v1/tokens', body)
    return print(command, made, (one) => `${one.token}\nRole ${one.role}, id ${one.id}. It is not shown again.`)
  }
  const made = await clientOf(command).send<Enrolment>('POST', '/v1/tokens', { ...body, enrolment: true })
  const { url, caFingerprint } = made.door
  const start = `guise agent --server ${url} --ca-fingerprint ${caFingerprint} --enrol-token ${made.token}`
  print(
    command,
    { ...made, command: start },
    (one) =>
      `On ${made.agent}, as root, within ${ttl ?? '15 minutes'} (in a clone it is bin/guise):\n\n  ${one.command}\n\nIt works once and is not shown again. Later starts need only --server.`,
  )
}
