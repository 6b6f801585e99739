import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elementKey } from './reflex-message.ts'

test('an element has its parts behind each other, a name of an interface in sixteen bytes', () => {
  assert.equal(elementKey('192.0.2.1').toString('hex'), 'c0000201')
  assert.equal(
    elementKey('"lan0" . 10.0.0.5 . 192.0.2.1').toString('hex'),
    `6c616e30${'00'.repeat(12)}0a000005c0000201`,
  )
  assert.equal(elementKey('"a" . fd00::1').length, 32)
  assert.throws(() => elementKey('"a" . x'), /not an element/)
})
