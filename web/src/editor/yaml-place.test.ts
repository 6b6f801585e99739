import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { MANIFEST_SCHEMAS } from '../../../src/model/manifest.ts'
import { keyWords, type Schema, valueWords } from './schema-words.ts'
import { toYaml } from './to-yaml.ts'
import { placeAt } from './yaml-place.ts'

const POLICY = JSON.parse(JSON.stringify(MANIFEST_SCHEMAS.Policy)) as Schema
/** `|` marks the position. */
const at = (marked: string) => placeAt(marked.replace('|', ''), marked.indexOf('|'))

test('the path of a position, by indentation', () => {
  assert.deepEqual(at('apiVersion: guise/v1\nki|'), { path: [], at: 'key', typed: 'ki', taken: ['apiVersion'] })
  assert.deepEqual(at('spec:\n  mo|\n  rules: []')?.path, ['spec'])
  assert.deepEqual(at('spec:\n  mo|\n  rules: []')?.taken, ['rules'])
  assert.deepEqual(at('spec:\n  mode: e|'), { path: ['spec', 'mode'], at: 'value', typed: 'e', taken: [] })
  const rules = 'spec:\n  rules:\n    - action: deny\n      direction: egress\n    - action: allow\n      '
  assert.deepEqual(at(`${rules}|`), { path: ['spec', 'rules', 1], at: 'key', typed: '', taken: ['action'] })
  assert.deepEqual(at(`${rules}peers:\n        - ci|`)?.path, ['spec', 'rules', 1, 'peers', 0])
  assert.deepEqual(at('spec:\n  rules:\n  - action: deny\n    dir|')?.path, ['spec', 'rules', 0])
  assert.deepEqual(at('spec:\n  rules:\n  - action: deny\n  mo|')?.path, ['spec'])
  assert.equal(at('spec: # mo|'), null)
  assert.equal(at('spec: {mo|'), null)
})

test('fields and values come from the schema', () => {
  assert.deepEqual(
    keyWords(POLICY, [], ['apiVersion', 'kind']).map((one) => one.text),
    ['metadata', 'spec'],
  )
  assert.ok(keyWords(POLICY, ['spec', 'rules', 0, 'peers', 0], []).some((one) => one.text === 'reputation'))
  assert.deepEqual(
    valueWords(POLICY, ['spec', 'mode']).map((one) => one.text),
    ['off', 'observe', 'suggest', 'enforce'],
  )
  assert.deepEqual(
    valueWords(POLICY, ['spec', 'rules', 3, 'action']).map((one) => one.text),
    ['allow', 'deny', 'reject', 'pass', 'redirect', 'mirror'],
  )
})

test('what is written is read back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      assert.deepEqual(parse(toYaml({ value })), JSON.parse(JSON.stringify({ value })))
    }),
    { numRuns: 400 },
  )
})

test('shipped manifests look as a person would write them', () => {
  for (const folder of ['personas', 'policies'])
    for (const file of readdirSync(new URL(`../../../examples/${folder}`, import.meta.url))) {
      const text = readFileSync(new URL(`../../../examples/${folder}/${file}`, import.meta.url), 'utf8')
      const value: unknown = parse(text)
      const written = toYaml(value)
      assert.deepEqual(parse(written), value)
      assert.ok(
        written.split('\n').every((line) => line.length <= 240 && !line.includes('"10.')),
        written,
      )
    }
})
