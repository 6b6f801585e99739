import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSamePerson, personOf } from './actor.ts'

test('how somebody came in does not make another person of them', () => {
  assert.deepEqual(['session:Mira', 'Mira', 'agent:a_1', 'guise'].map(personOf), ['Mira', 'Mira', 'agent:a_1', 'guise'])
  assert.ok(isSamePerson('session:ana', 'ana') && isSamePerson('ana', 'session:ana'))
  assert.ok(!isSamePerson('session:ana', 'ben'))
})
