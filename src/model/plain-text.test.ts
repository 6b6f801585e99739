import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FORBIDDEN, HOSTILE_NAMES } from '../../test/corpus/hostile-names.ts'
import { plainText } from './plain-text.ts'

test('no hostile name keeps what hides, and none is longer than asked', () => {
  assert.ok(HOSTILE_NAMES.length >= 60)
  for (const name of HOSTILE_NAMES) {
    const plain = plainText(name, 40)
    assert.doesNotMatch(plain, FORBIDDEN, JSON.stringify(name.slice(0, 40)))
    assert.ok(plain.length <= 40)
    assert.equal(plainText(plain, 40), plain, 'encoding twice changes nothing')
  }
})

test('what is plain stays, and a cut shows', () => {
  assert.equal(plainText('http', 32), 'http')
  assert.equal(plainText('gssapi,smb,krb', 32), 'gssapi,smb,krb')
  assert.equal(plainText('Büro 3 – 日本', 32), 'Büro 3 – 日本')
  assert.equal(plainText('abcdefgh', 5), 'abcd…')
  assert.equal(plainText('🂡🂡🂡', 4), '🂡…')
})

test('any text at all comes out plain', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 60 }), (text, max) => {
      const plain = plainText(text, max)
      assert.ok(plain.length <= max)
      assert.doesNotMatch(plain, FORBIDDEN)
    }),
  )
})
