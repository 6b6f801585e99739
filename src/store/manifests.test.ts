import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import { auditBy, MAIN, OTHER, personaManifest } from '../../test/records.ts'
import { BadCursor } from './cursor.ts'

const store = await testStore()
const { manifests } = store
const alice = auditBy('alice', 'manifest.apply')

async function auditRows(): Promise<number> {
  const verdict = await store.ledger.verify(MAIN)
  return verdict.ok ? verdict.rows : -1
}

test('applies, reads back, lists by id, and leaves one audit line', async () => {
  const before = await auditRows()
  const set = ['Zeta', 'Data Exporter'].map((name) => ({
    manifest: personaManifest(name),
    ifVersion: 0,
    builtin: true,
  }))
  const result = await manifests.apply(MAIN, set, alice)
  assert.ok(result.ok)
  assert.deepEqual(
    result.value.map((record) => [record.id, record.version, record.builtin, record.updatedBy, record.updatedAt]),
    [
      ['zeta', 1, true, 'alice', 5_000],
      ['data-exporter', 1, true, 'alice', 5_000],
    ],
  )
  assert.deepEqual(
    (await manifests.all(MAIN, 'Persona')).map((record) => record.id),
    ['data-exporter', 'zeta'],
  )
  assert.deepEqual(await manifests.get(MAIN, 'Persona', 'zeta'), result.value[0])
  assert.equal(await auditRows(), before + 1)
})

test('a set applies whole or not at all, and a refusal leaves no audit line', async () => {
  const before = await auditRows()
  const set = [
    { manifest: personaManifest('Brand New'), ifVersion: 0 },
    { manifest: personaManifest('Zeta', 'changed'), ifVersion: 7 },
  ]
  assert.deepEqual(await manifests.apply(MAIN, set, alice), { ok: false, code: 'conflict' })
  assert.equal(await manifests.get(MAIN, 'Persona', 'brand-new'), null)
  assert.equal(await auditRows(), before)
})

test('each expectation has its answer', async () => {
  const apply = async (name: string, ifVersion: number | null) => {
    const result = await manifests.apply(MAIN, [{ manifest: personaManifest(name), ifVersion }], alice)
    return result.ok ? result.value[0]!.version : result.code
  }
  assert.equal(await apply('Answers', 3), 'missing')
  assert.equal(await apply('Answers', null), 1)
  assert.equal(await apply('Answers', 0), 'exists')
  assert.equal(await apply('Answers', 1), 2)
  assert.equal(await apply('Answers', 1), 'conflict')
  assert.equal(await apply('Answers', null), 3)
})

test('an edited built-in stays a built-in', async () => {
  await manifests.apply(MAIN, [{ manifest: personaManifest('Shipped'), ifVersion: 0, builtin: true }], alice)
  const edited = await manifests.apply(MAIN, [{ manifest: personaManifest('Shipped', 'mine'), ifVersion: 1 }], alice)
  assert.equal(edited.ok && edited.value[0]!.builtin, true)
})

test('a name made again goes on counting, so an old ETag never fits', async () => {
  await manifests.apply(MAIN, [{ manifest: personaManifest('Phoenix'), ifVersion: 0 }], alice)
  assert.deepEqual(await manifests.remove(MAIN, 'Persona', 'phoenix', 9, alice), { ok: false, code: 'conflict' })
  assert.deepEqual(await manifests.remove(MAIN, 'Persona', 'phoenix', 1, alice), { ok: true, value: null })
  assert.deepEqual(await manifests.remove(MAIN, 'Persona', 'phoenix', null, alice), { ok: false, code: 'missing' })
  assert.equal(await manifests.get(MAIN, 'Persona', 'phoenix'), null)
  const again = await manifests.apply(MAIN, [{ manifest: personaManifest('Phoenix'), ifVersion: 0 }], alice)
  assert.equal(again.ok && again.value[0]!.version, 3)
})

test('ten writers with one version: one wins', async () => {
  await manifests.apply(MAIN, [{ manifest: personaManifest('Race'), ifVersion: 0 }], alice)
  const results = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      manifests.apply(MAIN, [{ manifest: personaManifest('Race', `writer ${i}`), ifVersion: 1 }], alice),
    ),
  )
  assert.equal(results.filter((result) => result.ok).length, 1)
  assert.ok(results.every((result) => result.ok || result.code === 'conflict'))
  assert.equal((await manifests.get(MAIN, 'Persona', 'race'))!.version, 2)
})

test('ten makers of one name: one wins, the others are told it exists', async () => {
  const results = await Promise.all(
    Array.from({ length: 10 }, () =>
      manifests.apply(MAIN, [{ manifest: personaManifest('Made Once'), ifVersion: 0 }], alice),
    ),
  )
  assert.deepEqual(results.map((result) => (result.ok ? 'made' : result.code)).sort(), [
    ...Array(9).fill('exists'),
    'made',
  ])
})

test('two sets that overlap in opposite order both apply', async () => {
  const set = (names: string[]) => names.map((name) => ({ manifest: personaManifest(name), ifVersion: null }))
  const results = await Promise.all([
    ...Array.from({ length: 5 }, () => manifests.apply(MAIN, set(['Left', 'Right']), alice)),
    ...Array.from({ length: 5 }, () => manifests.apply(MAIN, set(['Right', 'Left']), alice)),
  ])
  assert.ok(results.every((result) => result.ok))
})

test('pages cover everything once; a cursor we did not make is refused', async () => {
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof manifests.list>> = await manifests.list(MAIN, 'Persona', { limit: 2, cursor })
    assert.ok(page.items.length <= 2)
    seen.push(...page.items.map((record) => record.id))
    cursor = page.next
  } while (cursor !== null)
  assert.deepEqual(
    seen,
    (await manifests.all(MAIN, 'Persona')).map((record) => record.id),
  )
  for (const bad of ['', '%', 'bnVsbA', Buffer.from('[1]').toString('base64url'), 'x'.repeat(5_000)])
    await assert.rejects(manifests.list(MAIN, 'Persona', { limit: 2, cursor: bad }), BadCursor)
})

test('another tenant sees nothing and changes nothing', async () => {
  assert.deepEqual(await manifests.all(OTHER, 'Persona'), [])
  assert.deepEqual(await manifests.list(OTHER, 'Persona', { limit: 10, cursor: null }), { items: [], next: null })
  assert.equal(await manifests.get(OTHER, 'Persona', 'zeta'), null)
  assert.deepEqual(await manifests.remove(OTHER, 'Persona', 'zeta', null, alice), { ok: false, code: 'missing' })
  const stolen = await manifests.apply(OTHER, [{ manifest: personaManifest('Zeta'), ifVersion: 1 }], alice)
  assert.deepEqual(stolen, { ok: false, code: 'missing' })
  assert.equal((await manifests.get(MAIN, 'Persona', 'zeta'))!.version, 1)
})

test('every version is kept as it was written, and that it was removed', async () => {
  const write = (description: string, by: string) =>
    manifests.apply(
      MAIN,
      [{ manifest: personaManifest('Kept', description), ifVersion: null }],
      auditBy(by, 'manifest.apply'),
    )
  await write('first', 'alice')
  await write('second', 'bob')
  await manifests.remove(MAIN, 'Persona', 'kept', 2, auditBy('carol', 'persona.delete'))
  await write('again', 'alice')
  const versions = await manifests.versions(MAIN, 'Persona', 'kept')
  assert.deepEqual(
    versions.map((one) => [one.version, one.by, one.manifest?.metadata.description ?? null]),
    [
      [4, 'alice', 'again'],
      [3, 'carol', null],
      [2, 'bob', 'second'],
      [1, 'alice', 'first'],
    ],
  )
  assert.deepEqual(await manifests.versions(OTHER, 'Persona', 'kept'), [])
  const current = await manifests.get(MAIN, 'Persona', 'kept')
  assert.deepEqual([current?.version, current?.manifest], [4, versions[0]!.manifest])
})
