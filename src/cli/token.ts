/** `guise token …`: who may talk to the API, and as what. */
import type { Command } from 'commander'
import { action, clientOf, print } from './client.ts'
import { ago, table } from './table.ts'

type Token = {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly lastUsed: number | null
  readonly expiresAt: number | null
  readonly token?: string
}

export function register(program: Command): void {
  const token = program.command('token').description('tokens: create, list, revoke')
  token
    .command('create')
    .description('make one; its secret is told once')
    .argument('<name>')
    .option('--role <role>', 'viewer, operator, approver, admin or agent', 'viewer')
    .option('--agent <id>', 'for role agent: whom it speaks for')
    .option('--ttl <span>', 'ends by itself: 12h, 30d')
    .option('--enrolment', 'single use, to be exchanged by an agent')
    .action(
      action(async (name: string, command: Command) => {
        const made = await clientOf(command).send<Token>('POST', '/v1/tokens', { name, ...command.opts() })
        print(command, made, (one) => `${one.token}\nRole ${one.role}, id ${one.id}. It is not shown again.`)
      }),
    )
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
