/** Changes by place: what was not meant stays as it is, comments and all; whatever the schema says has a control. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { MANIFEST_SCHEMAS } from '../../../../src/model/manifest.ts'
import { SNIPPETS } from '../facet-snippets.ts'
import type { Schema } from '../schema-words.ts'
import { PERSONA } from '../template.ts'
import { blank, controlOf, numberOf, spelled, splitUnit, whichOf } from './shape.ts'
import { addAt, raiseAt, readYaml, removeAt, renameAt, setAt } from './yaml-text.ts'

const TEXT = `apiVersion: guise/v1
kind: Persona
metadata:
  name: Till # what the shop calls it

  labels: { site: berlin }
spec:
  # worn at noon
  profile:
    bandwidth:
      down: { rate: 20mbit } # agreed with the branch
    dns:
      servers: [10.0.0.53, 10.0.0.54]
    rules:
      # first of all
      - action: deny
        direction: egress
        peers: [{ cidr: 203.0.113.0/24 }]
      - { action: allow, direction: egress, peers: [{ any: true }] }
`
/** Lines of `after` that are not lines of `before`, and the other way round. */
const changed = (before: string, after: string) => {
  const [a, b] = [before.split('\n'), after.split('\n')]
  return [a.filter((line) => !b.includes(line)), b.filter((line) => !a.includes(line))]
}

test('one place changes, everything else stays to the letter', () => {
  assert.deepEqual(changed(TEXT, setAt(TEXT, ['spec', 'profile', 'bandwidth', 'down', 'rate'], '40mbit')), [
    ['      down: { rate: 20mbit } # agreed with the branch'],
    ['      down: { rate: 40mbit } # agreed with the branch'],
  ])
  assert.deepEqual(changed(TEXT, addAt(TEXT, ['spec', 'profile', 'dns', 'servers'], '10.0.0.55')), [
    ['      servers: [10.0.0.53, 10.0.0.54]'],
    ['      servers: [10.0.0.53, 10.0.0.54, 10.0.0.55]'],
  ])
  assert.deepEqual(changed(TEXT, setAt(TEXT, ['spec', 'profile', 'memory'], { max: '512MiB' })), [
    [],
    ['    memory:', '      max: 512MiB'],
  ])
  assert.deepEqual(changed(TEXT, removeAt(TEXT, ['spec', 'profile', 'dns'])), [
    ['    dns:', '      servers: [10.0.0.53, 10.0.0.54]'],
    [],
  ])
  assert.deepEqual(changed(TEXT, renameAt(TEXT, ['metadata', 'labels'], 'site', 'shop')), [
    ['  labels: { site: berlin }'],
    ['  labels: { shop: berlin }'],
  ])
  const raised = parse(raiseAt(TEXT, ['spec', 'profile', 'rules'], 1)).spec.profile.rules
  assert.deepEqual(
    raised.map((rule: { action: string }) => rule.action),
    ['allow', 'deny'],
  )
})

test('a place whose parents are not there, or are there without anything in them, is made', () => {
  const empty = 'kind: Persona\nspec:\n  profile: # nothing yet\n'
  const text = setAt(empty, ['spec', 'profile', 'network', 'addresses'], ['10.0.0.5/24'])
  assert.deepEqual(parse(text).spec.profile, { network: { addresses: ['10.0.0.5/24'] } })
  assert.deepEqual(parse(addAt('kind: Persona\n', ['spec', 'ladder'], { at: 0.5 })).spec.ladder, [{ at: 0.5 }])
})

test('whatever is written comes back as it was meant, and comments stay', () => {
  const place = ['metadata', 'description']
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 40 }), fc.integer(), fc.boolean()), (value) => {
      const text = setAt(TEXT, place, value)
      const held = readYaml(text)
      assert.ok(held.ok)
      assert.deepEqual((held.value as { metadata: { description: unknown } }).metadata.description, value)
      for (const comment of [
        '# worn at noon',
        '# agreed with the branch',
        '# first of all',
        '# what the shop calls it',
      ])
        assert.ok(text.includes(comment), comment)
      assert.deepEqual(changed(TEXT, removeAt(text, place)), [[], []])
    }),
  )
})

test('what ships, and what a new one begins as, is written again as it stands', () => {
  const folder = new URL('../../../../examples/personas/', import.meta.url)
  const texts = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
  for (const text of [PERSONA, ...texts]) {
    const once = setAt(text, ['metadata', 'name'], parse(text).metadata.name)
    assert.deepEqual(parse(once), parse(text))
    assert.deepEqual(
      once.split('\n').filter((line) => line.includes('#')),
      text.split('\n').filter((line) => line.includes('#')),
    )
  }
  assert.equal(setAt(PERSONA, ['metadata', 'name'], 'New Persona'), PERSONA)
})

test('what the form would not leave as it is, it refuses with a reason and a line', () => {
  const refused: [string, string, number][] = [
    ['a: [1, 2\nb: 3\n', 'syntax', 2],
    ['a: 1\na: 2\n', 'syntax', 2],
    ['a: &a [*a]\n', 'alias', 1],
    ['one: &one\n  b: 1\ntwo: *one\n', 'alias', 1],
    ['b: 1\ntwo: *one\n', 'alias', 2],
    ['b: 1\nc: { d: &d 1 }\n', 'alias', 2],
    ['base: 1\nx: { <<: *base }\n', 'alias', 2],
    ['a: 1\n---\nb: 2\n', 'documents', 2],
    ['a: &x 1\n---\nb: *x\n', 'documents', 2],
  ]
  for (const [text, reason, line] of refused) assert.deepEqual(readYaml(text), { ok: false, reason, line }, text)
  assert.deepEqual(readYaml('---\na: "*not &one"\n'), { ok: true, value: { a: '*not &one' } })
})

test('whatever is typed, reading it never throws', () => {
  const piece = fc.constantFrom(
    'a: ',
    '&a ',
    '*a',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '---\n',
    '<<: ',
    '1',
    '"',
    '#',
    '!!x ',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
      ),
      (text) => {
        assert.equal(typeof readYaml(text).ok, 'boolean')
      },
    ),
    { numRuns: 2_000 },
  )
})

const persona = JSON.parse(JSON.stringify(MANIFEST_SCHEMAS.Persona)) as Schema

test('every place of the schema has a control, and begins as something of that shape', () => {
  const free: string[] = []
  const walk = (schema: Schema, path: string) => {
    const control = controlOf(schema)
    if (control.is === 'free') free.push(path)
    if (control.is === 'list') walk(control.item, `${path}/*`)
    if (control.is === 'map') for (const one of control.fields) walk(one.schema, `${path}/${one.key}`)
    if (control.is === 'oneOf')
      for (const [i, one] of control.of.entries()) {
        assert.equal(whichOf(control.of, blank(one.schema, 's')), i, `${path} ${one.name}`)
        walk(one.schema, `${path}(${one.name})`)
      }
  }
  walk(persona, '')
  assert.deepEqual(free, ['/spec/profile/fingerprint'])
  const profile = persona.properties?.spec?.properties?.profile?.properties ?? {}
  const facets = Object.keys(profile).filter((key) => !['rules', 'default', 'fingerprint'].includes(key))
  for (const facet of facets) assert.notEqual(blank(profile[facet]!, 'key'), undefined, facet)
  assert.deepEqual(controlOf(profile.vpn!.properties!.privateKey!), { is: 'secret' })
  assert.deepEqual(controlOf(profile.memory!.properties!.max!), { is: 'unit', units: ['KiB', 'MiB', 'GiB'] })
  assert.ok(Object.keys(SNIPPETS).every((facet) => facets.includes(facet)))
})

test('numbers and units while they are typed', () => {
  assert.deepEqual(['1', '1.', '1.0', '1.05', 'x', ''].map(numberOf), [1, '1.', '1.0', 1.05, 'x', ''])
  assert.deepEqual(splitUnit('10mbit', ['kbit', 'mbit']), { amount: '10', unit: 'mbit' })
  assert.deepEqual(splitUnit('ten', ['kbit', 'mbit']), { amount: 'ten', unit: null })
  assert.deepEqual(splitUnit('', ['s', 'm']), { amount: '', unit: null })
  assert.deepEqual(['allowedIPs', 'publicKey', 'when'].map(spelled), ['Allowed IPs', 'Public key', 'When'])
})
