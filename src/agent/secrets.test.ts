/** Secrets come onto the host before the state that needs them: checked, 0600, and gone when nothing refers to them. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readSecret } from '../enforce/secret-files.ts'
import type { AgentState } from '../model/desired.ts'
import { type SecretRef, secretDigest } from '../model/facets/secret.ts'
import { boxLabel, sealTo } from '../model/facets/secret-box.ts'
import { createSecretKeeper } from './secrets.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-secrets-'))
after(() => rmSync(home, { recursive: true, force: true }))

const VALUE = 'swordfish-swordfish'
const salt = randomBytes(32)
const refOf = (secret: string, version: number, value = VALUE): SecretRef => ({
  secret,
  version,
  digest: secretDigest(salt, secret, version, value),
})
const stateOf = (n: number, refs: readonly SecretRef[]) =>
  ({ generation: { system: 's', timeline: 1, n }, workloads: [{ vpn: { privateKey: refs } }] }) as unknown as AgentState

/** A server that seals `VALUE` under whatever was asked for. */
function serverWith(told: string[], value = VALUE) {
  return {
    async post(path: string, body: string) {
      told.push(path, body)
      const { publicKey, want } = JSON.parse(body) as { publicKey: string; want: SecretRef[] }
      const items = want.map((ref) => {
        const plain = Buffer.from(JSON.stringify({ salt: salt.toString('base64'), value }))
        return {
          ...ref,
          sealed: sealTo(publicKey, generateKeyPairSync('x25519').privateKey, plain, boxLabel('a', ref)),
        }
      })
      return { status: 200, text: JSON.stringify({ items }) }
    },
  }
}

test('brought once, kept 0600, removed when no recent state refers to it', async () => {
  const told: string[] = []
  const said: string[] = []
  const keeper = createSecretKeeper({
    home,
    agent: 'a',
    link: serverWith(told),
    inForce: () => null,
    say: (line) => void said.push(line),
  })
  const [one, two] = [refOf('wg', 1), refOf('wg', 2)]
  await keeper.bring(stateOf(1, [one, one]))
  assert.equal(readSecret(one), VALUE)
  await keeper.bring(stateOf(2, [one]))
  assert.deepEqual(
    [told.filter((line) => line.startsWith('/')), keeper.counters.brought],
    [['/v1/agents/a/secrets'], 1],
  )
  const left = join(home, 'secrets', `wg.1.${'x'.repeat(43)}.1234.new`)
  writeFileSync(left, VALUE)
  for (let n = 3; n < 8; n++) await keeper.bring(stateOf(n, [two]))
  assert.throws(() => readSecret(one), /secret wg version 1 is not on this host/)
  assert.equal(readSecret(two), VALUE)
  assert.equal(existsSync(left), false, 'left by a process that died while it wrote')
  const folder = join(home, 'secrets')
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  assert.deepEqual(said, [])
  assert.ok(!told.join().includes(VALUE))
})

test('a value that is not what the plan means is not kept, and is not said', async () => {
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  const other = refOf('other', 1)
  const keeper = createSecretKeeper({ home, agent: 'a', link: serverWith([], 'evil'), inForce: () => null, say })
  await keeper.bring(stateOf(9, [other]))
  assert.throws(() => readSecret(other), /not on this host/)
  const refusing = { post: async () => ({ status: 403, text: VALUE }) }
  await createSecretKeeper({ home, agent: 'a', link: refusing, inForce: () => null, say }).bring(stateOf(10, [other]))
  assert.match(said.join('\n'), /other version 1 is not what the plan means\n.*the server answered 403/)
  assert.ok(!said.join().includes(VALUE) && !said.join().includes('evil'))
})

test('a reference that is none leads nowhere outside the folder', () => {
  for (const secret of ['../../etc/passwd', 'a/b', '', 'A'])
    assert.throws(() => readSecret({ ...refOf('x', 1), secret }), /no reference to a secret|not on this host/)
})
