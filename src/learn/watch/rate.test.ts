import assert from 'node:assert/strict'
import { test } from 'node:test'
import { learningRate } from './rate.ts'

test('all of it is learnt while nothing speaks against it, little under suspicion, nothing of an intruder', () => {
  assert.equal(learningRate(null), 1)
  const rates = [0, 0.29, 0.3, 0.5, 0.7, 1].map((value) => learningRate({ value }))
  assert.deepEqual(rates, [1, 1, 1 / 8, 1 / 8, 0, 0])
})
