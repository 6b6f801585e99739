import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseManifests } from '../../../src/decide/manifest.ts'
import { addFacet, BESIDE, SNIPPETS } from './facet-snippets.ts'
import { PERSONA } from './template.ts'

const bare = 'apiVersion: guise/v1\nkind: Persona\nmetadata: { name: Bare }\nspec:\n  recognisedAs: Database\n'
const problems = (text: string) => {
  const parsed = parseManifests(text, { file: 'x' })
  return parsed.ok ? [] : parsed.problems.map(({ line, why }) => `${line}: ${why}`)
}

test('every facet is put where it belongs, whole, as the server reads it; once', () => {
  for (const start of [bare, PERSONA])
    for (const facet of [...Object.keys(SNIPPETS), ...Object.keys(BESIDE)]) {
      const added = addFacet(start, facet, 'office-key') ?? assert.fail(facet)
      assert.deepEqual(problems(added.text), [], added.text)
      assert.match(added.text.split('\n')[added.line - 1] ?? '', new RegExp(`^ +${facet}:`))
      assert.equal(addFacet(added.text, facet, 'office-key'), null)
    }
})

test('all of them one after the other are one whole persona', () => {
  const facets = [...Object.keys(SNIPPETS), ...Object.keys(BESIDE)]
  const text = facets.reduce((so, facet) => addFacet(so, facet, 'office-key')?.text ?? assert.fail(facet), PERSONA)
  assert.deepEqual(problems(text), [])
  assert.ok(text.includes('mitigationRules:') && text.includes('# how it tightens'))
})

test('a text that has no place for it is left alone', () => {
  for (const text of ['', 'spec: {}\n', 'spec:\n  profile: { cpu: { cores: 1 } }\n', 'kind: Persona\n'])
    assert.equal(addFacet(text, 'memory', 'x'), null, text)
})
