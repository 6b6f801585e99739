import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitOf, limitText } from './limit-words.ts'

test('what an author writes is one limit with its unit, and is said in these words everywhere', () => {
  assert.deepEqual(limitOf({ flowsPerSecond: 20 }), { unit: 'flows', perSecond: 20 })
  assert.equal(limitText(limitOf({ flowsPerSecond: 20 })), '20 new flows a second')
  assert.equal(limitText(limitOf({ bytesPerSecond: 100_000 })), '100000 bytes a second')
})
