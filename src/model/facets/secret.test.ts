/** References to secrets: found wherever they stand, resolved whole or not at all; a box opens for its agent and place alone. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { secretDigest, secretRefsIn, secretsIn, withSecrets } from './secret.ts'
import { boxLabel, openBox, publicKeyText, sealTo } from './secret-box.ts'

const ref = (secret: string, version = 1) => ({ secret, version, digest: 'd'.repeat(43) })

test('references are found with their places, and nothing that only looks like one', () => {
  const wish = {
    vpn: { privateKey: { secret: 'a' }, peers: [{ presharedKey: { secret: 'b' } }] },
    note: { secret: 'c', more: 1 },
  }
  assert.deepEqual(secretsIn(wish), [
    { name: 'a', path: ['vpn', 'privateKey', 'secret'] },
    { name: 'b', path: ['vpn', 'peers', 0, 'presharedKey', 'secret'] },
  ])
})

test('a wish is resolved whole, or its missing names are told once', () => {
  const wish = [{ secret: 'a' }, { deep: { secret: 'b' } }, { secret: 'b' }]
  const book = new Map([['a', ref('a', 3)]])
  assert.deepEqual(withSecrets(wish, book), { ok: false, missing: ['b'] })
  const resolved = withSecrets(wish, new Map([...book, ['b', ref('b')]]))
  assert.ok(resolved.ok)
  assert.deepEqual(resolved.value, [ref('a', 3), { deep: ref('b') }, ref('b')])
  assert.deepEqual(secretRefsIn(resolved.value), [ref('a', 3), ref('b'), ref('b')])
})

test('a digest tells nothing without its salt', () => {
  const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  assert.notEqual(secretDigest(one, 'a', 1, 'x'), secretDigest(two, 'a', 1, 'x'))
  assert.notEqual(secretDigest(one, 'a', 1, 'x'), secretDigest(one, 'a', 2, 'x'))
  assert.match(secretDigest(one, 'a', 1, 'x'), /^[\w-]{43}$/)
})

test('a box opens for its agent and place, and for nobody else', () => {
  const agent = generateKeyPairSync('x25519').privateKey
  const other = generateKeyPairSync('x25519').privateKey
  const label = boxLabel('agent-1', ref('a'))
  const box = sealTo(publicKeyText(agent), generateKeyPairSync('x25519').privateKey, Buffer.from('value'), label)
  assert.equal(openBox(agent, box, label).toString(), 'value')
  assert.throws(() => openBox(other, box, label))
  assert.throws(() => openBox(agent, box, boxLabel('agent-1', ref('b'))))
  assert.throws(() => openBox(agent, box, boxLabel('agent-2', ref('a'))))
  fc.assert(
    fc.property(fc.nat(box.length - 1), (at) => {
      const flipped = `${box.slice(0, at)}${box[at] === 'A' ? 'B' : 'A'}${box.slice(at + 1)}`
      const opened = (() => {
        try {
          return openBox(agent, flipped, label).toString()
        } catch {
          return null
        }
      })()
      // base64url has spare bits at its end: a changed letter may mean the same bytes.
      assert.ok(opened === null || opened === 'value')
      assert.throws(() => openBox(agent, box.slice(0, at), label))
    }),
  )
  fc.assert(fc.property(fc.string(), (garbage) => void assert.throws(() => openBox(agent, garbage, label))))
})
