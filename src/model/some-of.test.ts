import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someOf } from './some-of.ts'

test('as many names as fit, and how many there are besides', () => {
  assert.equal(someOf(['a', 'b'], 3), 'a, b')
  assert.equal(someOf(['a', 'b', 'c'], 3), 'a, b, c')
  assert.equal(someOf(['a', 'b', 'c', 'd', 'e'], 3, '; '), 'a; b; c and 2 more')
})
