/** The published schemas are what an editor or a pipeline checks against: they must hold by themselves, without our reader. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parseAllDocuments } from 'yaml'
import { apiFixture } from '../../test/api.ts'
import { KINDS } from '../model/manifest.ts'

/** Facets no driver carries are open on purpose: the reader refuses them by name, so their shape is nobody's promise yet. */
const OPEN_FACETS = /\/profile\/properties\/(fingerprint)$/

function openPlaces(schema: unknown, at = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const own = schema as Record<string, unknown>
  const isOpen =
    (own.type === 'object' && own.additionalProperties !== false) ||
    (/\/(properties\/[^/]+|items|anyOf\/\d+)$/.test(at) && Object.keys(own).length === 0)
  return [
    ...(isOpen ? [at || '/'] : []),
    ...Object.entries(own).flatMap(([key, value]) => openPlaces(value, `${at}/${key}`)),
  ]
}

test('each published schema is JSON Schema 2020-12, closed, and takes every shipped manifest and no broken one', async () => {
  await using f = await apiFixture()
  const check = new Map<string, (value: unknown) => boolean>()
  for (const kind of KINDS) {
    const schema = (await f.as(null, `/v1/schemas/${kind}`)).json()
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
    assert.deepEqual(
      openPlaces(schema).filter((place) => !OPEN_FACETS.test(place)),
      [],
      kind,
    )
    // `strictTypes` off: a union repeats `type` in its branches only.
    check.set(kind, new Ajv2020({ strict: true, strictTypes: false, allErrors: true }).compile(schema))
  }
  const root = new URL('../../examples/', import.meta.url)
  let manifests = 0
  for (const folder of ['personas', 'policies', 'feeds'])
    for (const file of readdirSync(new URL(`${folder}/`, root)).filter((name) => name.endsWith('.yaml')))
      for (const document of parseAllDocuments(readFileSync(new URL(`${folder}/${file}`, root), 'utf8'))) {
        const value = document.toJS() as { kind: string }
        assert.equal(check.get(value.kind)?.(value), true, file)
        manifests++
      }
  assert.ok(manifests >= 17)
  for (const file of [
    'unknown-field',
    'port-70000',
    'ttl-zero',
    'reputation-without-unrated',
    'empty-selector',
    'feed-score',
  ]) {
    const text = readFileSync(new URL(`../../test/broken-manifests/${file}.yaml`, import.meta.url), 'utf8')
    const value = parseAllDocuments(text)[0]!.toJS() as { kind: string }
    assert.equal(check.get(value.kind)?.(value), false, file)
  }
})
