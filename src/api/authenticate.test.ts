/** Bearer tokens on a record that is asked and answers when the test lets it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_TENANT } from '../model/ids.ts'
import type { TokenRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { createAuth, SESSION_MS } from './authenticate.ts'
import { formatToken, hashSecret, makeToken } from './secrets.ts'

const token = makeToken('token')
const record: TokenRecord = {
  ...{ id: token.id, tenant: DEFAULT_TENANT, name: 'mira', role: 'admin', agent: null },
  ...{ hash: await hashSecret(token.secret), createdAt: 1, expiresAt: null, lastUsed: null },
}
const refused = { code: 'token-refused', statusCode: 401 }

function authOn(read: (held: TokenRecord | null) => void) {
  let held: TokenRecord | null = record
  const tokens = {
    async byId() {
      const found = held
      read(found)
      return found
    },
    used: async () => {},
  }
  const auth = createAuth({ store: () => ({ tokens }) as unknown as Store, clock: () => 5 })
  const remove = () => {
    held = null
    auth.forget(token.id)
  }
  return { auth, remove, ask: () => auth.bearer(formatToken(token), 'here') }
}

test('a token is read once and remembered; removed, it is refused at once', async () => {
  let reads = 0
  const { ask, remove } = authOn(() => reads++)
  assert.deepEqual([(await ask()).name, (await ask()).name, reads], ['mira', 'mira', 1])
  remove()
  await assert.rejects(ask(), refused)
})

test('a token that is removed while its secret is checked is refused, then and afterwards', async () => {
  let seen: () => void
  const read = new Promise<void>((resolve) => {
    seen = resolve
  })
  const { ask, remove } = authOn(() => seen())
  const asked = ask()
  await read
  remove()
  await assert.rejects(asked, refused)
  await assert.rejects(ask(), refused)
})

test('what a session opened ends with it: at once when it is closed, else within a minute; what its token opened goes on', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const rows = new Map<string, { readonly expiresAt: number }>()
  const sessions = {
    add: async (row: { readonly id: string; readonly expiresAt: number }) => void rows.set(row.id, row),
    get: async (id: string, now: number) => ((rows.get(id)?.expiresAt ?? 0) > now ? rows.get(id) : null),
    remove: async (id: string) => void rows.delete(id),
  }
  const tokens = { byId: async () => record, used: async () => {} }
  let now = 5
  const auth = createAuth({ store: () => ({ tokens, sessions }) as unknown as Store, clock: () => now })
  const ended: string[] = []
  const open = async (name: string) => {
    const { principal } = await auth.open(formatToken(token), 'here')
    assert.ok(principal.via.kind === 'session')
    auth.watch(principal.via, () => ended.push(name))
    return principal
  }
  const minute = async () => {
    t.mock.timers.tick(60_000)
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  const closed = await open('closed')
  await open('old')
  auth.watch({ kind: 'token', token: token.id }, () => ended.push('token'))
  await auth.close(closed)
  assert.deepEqual(ended, ['closed'])
  await minute()
  assert.deepEqual(ended, ['closed'])
  now += SESSION_MS
  await open('young')
  await minute()
  assert.deepEqual(ended, ['closed', 'old'])
  auth.forget(token.id)
  assert.deepEqual(ended.slice(2).sort(), ['token', 'young'])
  auth.forget(token.id)
  await minute()
  assert.equal(ended.length, 4, 'each is told once')
})
