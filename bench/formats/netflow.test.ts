import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DATA, needData } from '../../test/need.ts'
import { run } from './netflow.ts'
import { instant, sameValue } from './netflow-values.ts'
import { parseRuby } from './ruby-literal.ts'

test('every event and field check of real exporters is equal', {
  skip: needData('formats/netflow-ipfix'),
}, async () => {
  const section = await run(`${DATA}/formats/netflow-ipfix`)
  assert.ok(section !== null && section.expected >= 149)
  assert.deepEqual(section.failures, [])
  assert.equal(section.passed, section.expected)
})

test('what is not equal is told: another value, one too many, one missing, another instant', () => {
  assert.equal(sameValue({ a: 1 }, { a: 2 }), 'a: 2 instead of 1')
  assert.match(sameValue({ a: 1 }, { a: 1, b: 2 })!, /beside what is expected b/)
  assert.equal(sameValue({ a: 1, b: 2 }, { a: 1 }), 'b: nothing instead of 2')
  const at = instant(1_478_866_159_000_127_768n)
  assert.equal(sameValue('2016-11-11T12:09:19.000Z', at), null)
  assert.equal(sameValue('2016-11-11T12:09:19.000127768Z', at), null)
  assert.equal(sameValue('2016-11-11T12:09:19.000#{nanos}Z', at), null)
  assert.match(sameValue('2016-11-11T12:09:19.001Z', at)!, /instead of/)
  assert.match(sameValue('2016-11-11T12:09:20.000Z', at)!, /instead of/)
})

test('literals of Ruby', () => {
  assert.equal(parseRuby('1_000'), 1_000)
  assert.equal(parseRuby("'it''s'".replace("''", "\\'")), "it's")
  assert.equal(parseRuby('"a\\tb"'), 'a\tb')
  assert.equal(parseRuby('nil'), null)
  assert.deepEqual(parseRuby('{"status"=>1, :reason => nil}'), { status: 1, reason: null })
  assert.throws(() => parseRuby('Time.now'), /no literal of Ruby/)
})
