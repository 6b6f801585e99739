/** Makes secrets: API tokens, the first-run link, enrolments, and the CLI's own token file. Each is told once and kept as a hash. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentId, TenantId } from '../model/ids.ts'
import type { Role, TokenRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { formatToken, hashSecret, makeToken, parseToken, type TokenKind, verifySecret } from './secrets.ts'

export type Minting = {
  readonly tenant: TenantId
  readonly name: string
  readonly role: Role
  readonly agent: AgentId | null
  readonly kind: TokenKind
  readonly expiresAt: number | null
  readonly by: string
  readonly now: number
}

/** `text` is the only time the secret is seen. */
export async function mintToken(store: Store, minting: Minting): Promise<{ record: TokenRecord; text: string }> {
  const token = makeToken(minting.kind)
  const record: TokenRecord = {
    id: token.id,
    tenant: minting.tenant,
    name: minting.name,
    role: minting.role,
    agent: minting.agent,
    hash: await hashSecret(token.secret),
    createdAt: minting.now,
    expiresAt: minting.expiresAt,
    lastUsed: null,
  }
  await store.tokens.add(record, {
    actor: minting.by,
    action: `token.create`,
    object: record.id,
    summary: `${minting.kind} "${minting.name}" with role ${minting.role}`,
  })
  return { record, text: formatToken(token) }
}

const FIRST_RUN_MS = 24 * 3_600_000
const CLI = 'cli'

type Installing = { readonly store: Store; readonly tenant: TenantId; readonly clock: () => number }

/**
 * The secret an installation prints until somebody signed in; it works once, within a day, as `/ui/#token=SECRET` (a
 * fragment is never sent to a server or written into its log). Null when a person has a token or session that still works.
 */
export async function createFirstRun({ store, tenant, clock }: Installing): Promise<{ secret: string } | null> {
  const now = clock()
  const tokens = await store.tokens.all(tenant)
  const people = tokens.filter((token) => token.id.startsWith('t') && token.name !== CLI && token.role !== 'agent')
  if (people.some((token) => token.expiresAt === null || token.expiresAt > now)) return null
  for (const token of tokens.filter((token) => token.id.startsWith('f'))) {
    await store.tokens.remove(tenant, token.id, {
      actor: 'guise',
      action: 'token.delete',
      object: token.id,
      summary: 'a newer first sign-in link replaces it',
    })
  }
  const admin = { tenant, name: 'admin', role: 'admin', agent: null, by: 'guise', now } as const
  const { text } = await mintToken(store, { ...admin, kind: 'firstRun', expiresAt: now + FIRST_RUN_MS })
  return { secret: text }
}

/** `HOME/cli-token`, 0600: whoever may read the data directory may administer it anyway. Kept while it still works. */
export async function writeCliToken(options: Installing & { readonly home: string }): Promise<string> {
  const { store, tenant, home, clock } = options
  const path = join(home, 'cli-token')
  if (existsSync(path)) {
    const token = parseToken(readFileSync(path, 'utf8').trim())
    const record = token === null ? null : await store.tokens.byId(token.id)
    if (token !== null && record !== null && (await verifySecret(token.secret, record.hash))) return path
  }
  const cli = { tenant, name: CLI, role: 'admin', agent: null, kind: 'token', by: 'guise' } as const
  const { text } = await mintToken(store, { ...cli, expiresAt: null, now: clock() })
  writeFileSync(`${path}.new`, `${text}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return path
}
