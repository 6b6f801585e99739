import assert from 'node:assert/strict'
import { test } from 'node:test'
import { demandSubstance } from './ground.ts'

const look = (dns: string, rest = 'journal: at rest\nverify: as intended') => `dns of web: ${dns}\n${rest}`

test('two whole looks that differ can be compared with', () => {
  demandSubstance([look('10.0.0.1'), look('10.0.0.2')])
})

test('a look that would hide a failure stops the bench', () => {
  assert.throws(() => demandSubstance([look('10.0.0.1'), look('10.0.0.1')]), /look the same/)
  assert.throws(() => demandSubstance([look('a'), look('cannot be looked at: EACCES')]), /variant 1 .*EACCES/)
  assert.throws(() => demandSubstance([look('a', 'journal: an intent is open'), look('b')]), /variant 0 .*intent/)
  assert.throws(() => demandSubstance([look('a'), look('b', 'journal: an old address lingers')]), /variant 1 .*lingers/)
  assert.throws(() => demandSubstance([look('a'), look('b', 'verify: it is not ok')]), /variant 1 .*not ok/)
})
