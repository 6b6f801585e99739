/** Secrets at rest and the form of a token. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatToken, hashSecret, makeToken, parseToken, verifySecret } from './secrets.ts'
import { createThrottle } from './throttle.ts'

test('a hash is argon2id in PHC form, verifies its secret and no other', async () => {
  const phc = await hashSecret('correct')
  assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await verifySecret('correct', phc), true)
  assert.equal(await verifySecret('wrong', phc), false)
  assert.equal(await verifySecret('correct', '$argon2i$v=19$m=1,t=1,p=1$x$y'), false)
  assert.notEqual(await hashSecret('correct'), phc)
})

test('the verifier agrees with the reference vector of argon2id (phc-winner-argon2, test.c)', async () => {
  const phc = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  assert.equal(await verifySecret('password', phc), true)
})

test('tokens read back, and nothing else reads as one', () => {
  for (const kind of ['token', 'firstRun', 'enrolment'] as const) {
    const token = makeToken(kind)
    assert.deepEqual(parseToken(formatToken(token)), token)
  }
  fc.assert(fc.property(fc.string(), (text) => parseToken(text) === null))
  fc.assert(
    fc.property(
      fc.string(),
      (text) => parseToken(`guise_t000000000000_${text}`)?.secret === (/^[\w-]{43}$/.test(text) ? text : undefined),
    ),
  )
})

test('a throttle turns away above its burst, refills, and forgets the oldest key at its bound', () => {
  let now = 0
  const throttle = createThrottle({ clock: () => now, perSecond: 2, burst: 3, keys: 2 })
  const takes = (key: string, n: number) => Array.from({ length: n }, () => throttle.take(key)).filter(Boolean).length
  assert.equal(takes('a', 5), 3)
  throttle.giveBack('a')
  assert.equal(takes('a', 5), 1)
  now += 1_000
  assert.equal(takes('a', 5), 2)
  takes('b', 1)
  takes('c', 1)
  assert.equal(takes('a', 5), 3)
})
