import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseManifests, problemText } from './manifest.ts'

const WRONG = `apiVersion: guise/v1
kind: Policy
metadata: {name: x, foo: 1}
spec:
  rules:
    - action: alow
      direction: egress
      peers: [{cidr: 10.0.0.1/8, exept: []}]
      ports: [{protocol: tcp, port: 70000}]
---
apiVersion: guise/v1
kind: Persona
metadata: {name: y}
spec:
  profile: {fingerprint: {}, network: {addresses: [10.0.0.5]}}
  mitigationRules:
    - {when: "workload.name.matches('(a+)+')", do: redirect, ttl: 15m}
---
apiVersion: guise/v1
kind: Polcy
---
a: b: c
`

test('every problem of a set is told at once, each at its place with its cure', () => {
  const parsed = parseManifests(WRONG, { file: 'x.yaml' })
  assert.ok(!parsed.ok)
  assert.deepEqual(parsed.problems.map(problemText), [
    'x.yaml:3:21: "foo" is not a field of metadata. Known here: name, labels, description.',
    'x.yaml:6:15: "alow" is not known for spec.rules[0].action. Did you mean allow? (one of allow, deny, reject, pass, redirect, mirror).',
    'x.yaml:8:34: "exept" is not a field of spec.rules[0].peers[0]. Did you mean except?',
    'x.yaml:9:37: spec.rules[0].ports[0].port is 70000. Give from 1 to 65535.',
    'x.yaml:15:13: fingerprint has no driver in this release, so it would not be carried. Leave it out.',
    'x.yaml:15:52: 10.0.0.5 is no address with a prefix length. Write it like 10.0.0.5/24 or fd00::5/64.',
    'x.yaml:17:14: a repeated group that holds a repetition or an alternative can take exponential time: "(a+)+". Use startsWith, endsWith, contains or a simpler pattern.',
    'x.yaml:17:52: redirect has no driver in this release, so it would not be carried. Use deny, limit, isolate, or shift to a persona whose rules redirect.',
    'x.yaml:20:7: there is no kind "Polcy". Did you mean Policy?',
    'x.yaml:22:4: Nested mappings are not allowed in compact mappings. Mend the YAML.',
  ])
})

const code = (text: string) => {
  const parsed = parseManifests(text, { file: '-' })
  return parsed.ok ? 'ok' : parsed.code
}
const head = (kind: string, spec: string) => `apiVersion: guise/v1\nkind: ${kind}\nmetadata: {name: a}\nspec: ${spec}\n`
const rule = (peer: string) => `{rules: [{action: deny, direction: egress, peers: [${peer}]}]}`

test('what this release does not do is refused by its own code', () => {
  assert.equal(code(head('Trigger', '{when: "true", shift: {persona: a}}')), 'kind-not-supported')
  assert.equal(code(head('Persona', '{profile: {fingerprint: 5}}')), 'facet-not-supported')
  assert.equal(
    code(head('Persona', '{mitigationRules: [{when: risk > 0.5, do: redirect, ttl: 5m}]}')),
    'facet-not-supported',
  )
})

test('what a schema cannot say is checked', () => {
  assert.equal(code(head('Policy', rule('{cidr: 10.0.0.0/8}'))), 'ok')
  assert.equal(code(head('Policy', rule('{cidr: 10.0.0.1/8}'))), 'manifest-refused')
  assert.equal(code(head('Policy', rule('{labels: {}}'))), 'manifest-refused')
  assert.equal(code(head('Policy', `{when: risk, ttl: 5m, ${rule('{any: true}').slice(1)}`)), 'manifest-refused')
  assert.equal(code(head('Policy', `{when: risk > 0.5, ${rule('{any: true}').slice(1)}`)), 'manifest-refused')
  assert.equal(code(head('Policy', `{when: risk > 0.5, ttl: 5m, ${rule('{any: true}').slice(1)}`)), 'ok')
  const twice = head('Persona', '{}')
  assert.equal(code(`${twice}---\n${twice}`), 'manifest-refused')
  const warned = parseManifests(head('Policy', rule('{persona: Nobody}')), { file: '-', known: { personas: [] } })
  assert.ok(warned.ok)
  assert.match(warned.warnings[0]!.why, /no persona Nobody yet/)
})

test('hostile text is refused, never thrown on', () => {
  const laughs = `a: &a [x,x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: [${'*b,'.repeat(9)}*b]\n`
  for (const text of [
    '',
    '\0',
    '[',
    '{'.repeat(100_000),
    '- '.repeat(100_000),
    laughs,
    'x'.repeat(1_100_000),
    '<<: 1',
    '!!js/function x',
    '? '.repeat(5_000),
  ])
    assert.equal(parseManifests(text, { file: '-' }).ok, false)
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: 'grapheme' }), (text) => !parseManifests(text, { file: '-' }).ok),
  )
  const example = readFileSync(new URL('../../examples/personas/api-server.yaml', import.meta.url), 'utf8')
  fc.assert(
    fc.property(fc.nat(example.length), fc.string({ maxLength: 3 }), (at, junk) => {
      parseManifests(example.slice(0, at) + junk + example.slice(at + junk.length), { file: '-' })
      parseManifests(example.slice(0, at), { file: '-' })
    }),
    { numRuns: 200 },
  )
})

test('every shipped manifest parses, and names personas that ship too', () => {
  const personas = readdirSync(new URL('../../examples/personas/', import.meta.url)).map((file) =>
    file.replace('.yaml', ''),
  )
  for (const folder of ['personas', 'policies', 'feeds'])
    for (const file of readdirSync(new URL(`../../examples/${folder}/`, import.meta.url)).filter((name) =>
      name.endsWith('.yaml'),
    )) {
      const text = readFileSync(new URL(`../../examples/${folder}/${file}`, import.meta.url), 'utf8')
      const parsed = parseManifests(text, { file, known: { personas } })
      assert.ok(parsed.ok, parsed.ok ? '' : parsed.problems.map(problemText).join('\n'))
      assert.deepEqual(parsed.warnings, [])
    }
})
