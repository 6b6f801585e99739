import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOSTILE_NAMES } from '../../test/corpus/hostile-names.ts'
import { terminalJson, terminalText } from './terminal-text.ts'

const CONTROL = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

test('no hostile name moves a cursor, rings a bell or turns text around', () => {
  for (const name of HOSTILE_NAMES) {
    assert.doesNotMatch(terminalText(`Without blocklist to ${name} it is calm\n`), CONTROL)
    const json = terminalJson({ name })
    assert.doesNotMatch(json, CONTROL)
    assert.deepEqual(JSON.parse(json), { name })
  }
})

test('lines, tabs and the emphasis of tables stay', () => {
  const text = '\u001b[90m│\u001b[39m\u001b[1mname\u001b[22m\tx\nü'
  assert.equal(terminalText(text), text)
  assert.equal(terminalText('\u001b[8mhidden'), '\ufffd[8mhidden')
})
