/** Show of bad input, at the command line, against the real API: file:line, reason and cure for each; nothing is kept. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { apiFixture } from '../../test/api.ts'
import { DEFAULT_TENANT } from '../model/ids.ts'
import { KINDS } from '../model/manifest.ts'
import { applyFiles } from './apply.ts'
import { CliError, createClient } from './client.ts'

const FOLDER = join(import.meta.dirname, '../../test/broken-manifests')
/** In order by themselves: what is wrong with it shows when two workloads wear it at once. */
const FITS = new Set(['shared-address.yaml'])

test('of every broken manifest apply tells file, line, reason and cure, and nothing is applied', {
  timeout: 120_000,
}, async () => {
  await using f = await apiFixture()
  const url = await f.app.listen({ host: '127.0.0.1', port: 0 })
  const client = createClient(url, await f.token('admin'))
  const kept = async () =>
    (await Promise.all(KINDS.map((kind) => f.store.manifests.all(DEFAULT_TENANT, kind)))).flat().map((one) => one.id)
  const before = await kept()
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml') && !FITS.has(name))
  assert.ok(files.length >= 50, `${files.length} files`)
  const told = new Set<string>()
  for (const file of files) {
    const path = join(FOLDER, file)
    const refused = await applyFiles(client, [path], 'apply').then(
      () => assert.fail(`${file} was applied`),
      (error: unknown) => error,
    )
    assert.ok(refused instanceof CliError, `${file}: ${String(refused)}`)
    assert.equal(refused.exitCode, 1, file)
    const [head = '', ...lines] = refused.message.split('\n')
    const places = lines.filter((line) => line.startsWith(`${path}:`))
    const [first = ''] = places
    const [, line = '0', said = ''] = /^.*\.yaml:(\d+):\d+: (.+)$/.exec(first) ?? []
    assert.ok(Number(line) >= 1 && Number(line) <= readFileSync(path, 'utf8').split('\n').length, refused.message)
    // The cure is the second sentence of the line, or of the one above all places.
    assert.ok(/[.?)] [A-Z`].+[.?)]$|; \S+ \S+/.test(said) || /\. [A-Z`][^.]+/.test(head), refused.message)
    assert.match(head, /nothing was (applied|stored)|not stored/, refused.message)
    told.add(said)
  }
  assert.ok(told.size >= 50, `${told.size} different reasons`)
  assert.deepEqual(await kept(), before)
})
