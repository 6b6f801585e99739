import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plantEdits } from './planted.ts'

test('the preview lists every conversation that a planted edit breaks, and none that a harmless one does not', () => {
  const { missed, ...counts } = plantEdits()
  assert.deepEqual(missed, [])
  assert.deepEqual(counts, { planted: 20, planted_listed: 20, planted_false: 0 })
})
