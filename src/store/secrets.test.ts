/** Secrets at rest: versions, who uses them, sealed for one agent, and no value anywhere in the database. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, test } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { auditBy, MAIN, OTHER, personaManifest } from '../../test/records.ts'
import { boxLabel, openBox, publicKeyText } from '../model/facets/secret-box.ts'
import type { AgentId } from '../model/ids.ts'
import type { PersonaManifest } from '../model/manifest.ts'
import { openStore } from './database.ts'

const database = await testDatabase()
const store = await openStore({ ...database, clock: () => 5_000 })
after(async () => {
  await store.close()
  await database[Symbol.asyncDispose]()
})
const { secrets } = store
const AGENT = 'a1' as AgentId
const VALUE = 'hunter2-hunter2-hunter2'

test('versions count, an equal value is no new one, compare-and-set holds', async () => {
  const put = (value: string, ifVersion: number | null) => secrets.put(MAIN, 'key', value, ifVersion, auditBy('alice'))
  assert.deepEqual(await put('one', 3), { ok: false, code: 'missing' })
  assert.equal((await put('one', 0)).ok, true)
  assert.deepEqual(await put('two', 0), { ok: false, code: 'exists' })
  assert.deepEqual(await put('two', 2), { ok: false, code: 'conflict' })
  const same = await put('one', null)
  assert.ok(same.ok && same.value.version === 1)
  const races = await Promise.all(Array.from({ length: 5 }, (_, i) => put(`two ${i}`, 1)))
  assert.equal(races.filter((one) => one.ok).length, 1)
  for (let i = 0; i < 12; i++) await put(`value ${i}`, null)
  const [record] = await secrets.all(MAIN)
  assert.deepEqual(record, {
    name: 'key',
    version: 14,
    versions: [14, 13, 12, 11, 10, 9, 8, 7, 6, 5],
    updatedAt: 5_000,
    updatedBy: 'alice',
    usedBy: [],
  })
  assert.deepEqual(await secrets.all(OTHER), [])
})

test('one that is used stays; removed, its name goes on counting', async () => {
  await secrets.put(MAIN, 'vpn', VALUE, 0, auditBy('alice'))
  const persona = personaManifest('Remote')
  const worn = {
    ...persona,
    spec: { profile: { vpn: { privateKey: { secret: 'vpn' } } } },
  } as unknown as PersonaManifest
  await store.manifests.apply(MAIN, [{ manifest: worn, ifVersion: 0 }], auditBy('alice'))
  assert.deepEqual(await secrets.remove(MAIN, 'vpn', null, auditBy('alice')), {
    ok: false,
    code: 'used',
    usedBy: ['Persona Remote'],
  })
  assert.deepEqual(await secrets.remove(OTHER, 'vpn', null, auditBy('eve')), { ok: false, code: 'missing' })
  await store.manifests.remove(MAIN, 'Persona', 'remote', null, auditBy('alice'))
  assert.deepEqual(await secrets.remove(MAIN, 'vpn', 9, auditBy('alice')), { ok: false, code: 'conflict' })
  assert.deepEqual(await secrets.remove(MAIN, 'vpn', 1, auditBy('alice')), { ok: true, value: null })
  assert.deepEqual(await secrets.remove(MAIN, 'vpn', null, auditBy('alice')), { ok: false, code: 'missing' })
  assert.equal((await secrets.newest(MAIN)).has('vpn'), false)
  const again = await secrets.put(MAIN, 'vpn', VALUE, 0, auditBy('alice'))
  assert.deepEqual(again.ok && again.value.versions, [3])
})

test('sealed for an agent: by the reference it was given, and for its key alone', async () => {
  const agent = generateKeyPairSync('x25519').privateKey
  const key = publicKeyText(agent)
  const ref = (await secrets.newest(MAIN)).get('vpn')!
  const stale = { ...ref, digest: 'x'.repeat(43) }
  const boxes = await secrets.sealFor(MAIN, AGENT, key, [ref, stale, { ...ref, version: 99 }])
  assert.equal(boxes.length, 1)
  const { value } = JSON.parse(openBox(agent, boxes[0]!.sealed, boxLabel(AGENT, ref)).toString())
  assert.equal(value, VALUE)
  assert.deepEqual(await secrets.sealFor(OTHER, AGENT, key, [ref]), [])
  const other = publicKeyText(generateKeyPairSync('x25519').privateKey)
  const shows = auditBy('agent:host-a', 'agent.key')
  assert.equal(await secrets.introduce(MAIN, AGENT, key, 'first', shows), true)
  assert.equal(await secrets.introduce(MAIN, AGENT, key, 'first', shows), true)
  assert.equal(await secrets.introduce(MAIN, AGENT, other, 'first', shows), false)
  assert.equal(await secrets.introduce(MAIN, AGENT, other, 'anew', shows), true)
  assert.equal(await secrets.introduce(MAIN, AGENT, key, 'first', shows), false)
  const forgets = auditBy('agent:host-a', 'agent.key-forgotten')
  assert.ok((await secrets.forgetKey(MAIN, AGENT, forgets)).ok)
  assert.deepEqual(await secrets.forgetKey(MAIN, AGENT, forgets), { ok: false, code: 'missing' })
  assert.equal(await secrets.introduce(MAIN, AGENT, key, 'first', shows), true)
  const { items } = await store.ledger.audits(MAIN, { limit: 10, cursor: null, actor: 'agent:host-a' })
  assert.deepEqual(
    items.map(({ action }) => action),
    ['agent.key', 'agent.key-forgotten', 'agent.key', 'agent.key'],
    'what changed nothing leaves no line',
  )
})

test('no value is in any table, as text, hex or base64', async () => {
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    const tables = await client.query(
      `select table_name as name from information_schema.tables where table_schema = 'public'`,
    )
    let bytes = 0
    for (const { name } of tables.rows as { name: string }[]) {
      const { rows } = await client.query(`select t::text as row from "${name}" t`)
      const dump = rows.map(({ row }) => row as string).join('\n')
      bytes += dump.length
      for (const form of ['utf8', 'hex', 'base64', 'base64url'] as const) {
        const text = form === 'utf8' ? VALUE : Buffer.from(VALUE).toString(form).replace(/=+$/, '').slice(0, 20)
        assert.ok(!dump.includes(text), `${name} holds the value as ${form}`)
      }
    }
    assert.ok(bytes > 1_000)
  } finally {
    await client.end()
  }
})
