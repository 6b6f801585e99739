/** Show of bad input, at the API: each broken manifest is refused with its place and a cure, and nothing of it is kept. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { apiFixture, LOOPBACK } from '../../test/api.ts'
import { DEFAULT_TENANT } from '../model/ids.ts'
import { KINDS } from '../model/manifest.ts'

const FOLDER = new URL('../../test/broken-manifests/', import.meta.url)
/** In order by themselves: what is wrong with it shows when two workloads wear it at once. */
const FITS = new Set(['shared-address.yaml'])

test('of no broken manifest is anything applied', { timeout: 120_000 }, async () => {
  await using f = await apiFixture()
  const kept = async () =>
    (await Promise.all(KINDS.map((kind) => f.store.manifests.all(DEFAULT_TENANT, kind)))).flat().map((one) => one.id)
  const before = await kept()
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml') && !FITS.has(name))
  assert.ok(files.length >= 30)
  for (const file of files) {
    const response = await f.as('admin', {
      method: 'POST',
      url: '/v1/manifests',
      headers: { ...LOOPBACK, 'content-type': 'application/yaml' },
      payload: readFileSync(new URL(file, FOLDER)),
    })
    assert.equal(Math.floor(response.statusCode / 100), 4, `${file}: ${response.body.slice(0, 300)}`)
    const { detail, cure, errors = [] } = response.json() as { detail: string; cure: string; errors?: object[] }
    assert.ok(detail.length > 0 && cure.length > 0, `${file}: ${response.body.slice(0, 300)}`)
    assert.ok(errors.length > 0 || /too|no manifest|empty/.test(detail), `${file}: ${response.body.slice(0, 300)}`)
  }
  assert.deepEqual(await kept(), before)
})
