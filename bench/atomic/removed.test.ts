import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { removedText } from './removed.ts'

const GOLDEN = new URL('removed.golden.txt', import.meta.url)

test('what is left out of a comparison is golden text (UPDATE_GOLDEN=1 rewrites it)', () => {
  const text = removedText()
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(GOLDEN, text)
  assert.equal(text, readFileSync(GOLDEN, 'utf8'))
})
