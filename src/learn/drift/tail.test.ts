import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addSize, createSides, createTail, judgeSides, rarity } from './tail.ts'

test('rarity is −log10 of the share of rows at least as large, and grows beyond the largest', () => {
  const tail = createTail()
  for (let k = 1; k <= 1_000; k++) addSize(tail, k / 100)
  assert.ok(Math.abs(rarity(tail, 9) - 1) < 0.1, `${rarity(tail, 9)}`)
  assert.ok(Math.abs(rarity(tail, 5) - Math.log10(2)) < 0.05, `${rarity(tail, 5)}`)
  const largest = rarity(tail, 10)
  assert.ok(rarity(tail, 12) > largest && rarity(tail, 20) > rarity(tail, 12))
  assert.equal(rarity(tail, 0), 0)
  assert.equal(rarity(createTail(), 5), -Math.log10(0.5))
})

test('each side has its own past: often up does not make a first down ordinary', () => {
  const sides = createSides()
  for (let k = 0; k < 1_000; k++) judgeSides(sides, k % 10 === 0 ? 5 : 0.1)
  assert.ok(judgeSides(sides, 5) < 1.2)
  assert.ok(judgeSides(sides, -5) > 3)
})
