/** Bearer tokens on a record that is asked and answers when the test lets it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_TENANT } from '../model/ids.ts'
import type { TokenRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { createAuth } from './authenticate.ts'
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
