import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { auditBy, conversationRecord, evidenceRecord, MAIN, OTHER, workloadReport } from '../../test/records.ts'
import type { AgentId } from '../model/ids.ts'
import type { TokenRecord } from '../model/records.ts'
import { defaultSources, findBinaries } from './binaries.ts'
import { BadCursor, decodeCursor, encodeCursor } from './cursor.ts'
import { openStore } from './database.ts'
import { startEmbedded } from './embedded.ts'
import { dumpSchema } from './schema-dump.ts'

const database = await testDatabase()
const store = await openStore({ ...database, clock: () => 5_000 })
after(async () => {
  await store.close()
  await database[Symbol.asyncDispose]()
})
const GOLDEN = new URL('schema.golden.sql', import.meta.url)
const HOUR_MS = 3_600_000
const POLL_MS = 20

async function schemaAt(url: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: url })
  // `destroy` does not wait for the server's end of a connection, which may say that it is shutting down: to the client, or
  // to the pool when the client was idle.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await dumpSchema(db)
  } finally {
    await db.destroy()
  }
}

test('the schema is the committed one (UPDATE_GOLDEN=1 rewrites it)', async () => {
  const schema = await schemaAt(database.url)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(GOLDEN, schema)
  assert.equal(schema, readFileSync(GOLDEN, 'utf8'))
})

test('every table has the tenant first in its primary key', async () => {
  for (const table of (await schemaAt(database.url)).split('\ntable '))
    assert.match(table, /PRIMARY KEY \(tenant[,)]/, table.split('\n')[0])
})

test('every PostgreSQL of this machine makes the same schema, opened by five servers at once', async () => {
  const sources = defaultSources()
  const found = findBinaries(sources)
  assert.ok(found.length > 0)
  // the package's, and the newest of the system's
  for (const packageRoot of new Set(found.map((binaries) => binaries.packageRoot))) {
    const home = mkdtempSync(join(tmpdir(), 'guise-version-'))
    try {
      await using embedded = await startEmbedded({ home, log: { warn() {} }, sources: { ...sources, packageRoot } })
      const keysDir = join(home, 'keys')
      const stores = await Promise.all(Array.from({ length: 5 }, () => openStore({ url: embedded.url, keysDir })))
      await Promise.all(stores.map((each) => each.ledger.audit(MAIN, auditBy('alice'))))
      assert.partialDeepStrictEqual(await stores[0]!.ledger.verify(MAIN), { ok: true, rows: 5 })
      await Promise.all(stores.map((each) => each.close()))
      assert.equal(await schemaAt(embedded.url), readFileSync(GOLDEN, 'utf8'))
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  }
})

test('a database that is not there: one sentence with its cure; and a closed one is not healthy', async () => {
  await assert.rejects(
    openStore({ url: 'postgresql://x@localhost/x?host=/nonexistent', keysDir: database.keysDir }),
    /the database does not answer \(.*\); check that it runs and that GUISE_DATABASE_URL is right/,
  )
  const other = await openStore(database)
  assert.equal(await other.healthy(), true)
  await other.close()
  assert.equal(await other.healthy(), false)
})

test('the database is killed under the store: it answers again, no acknowledged write is lost, the chain is whole', async () => {
  const home = mkdtempSync(join(tmpdir(), 'guise-killed-'))
  try {
    await using embedded = await startEmbedded({ home, log: { warn() {} } })
    await using killed = await openStore({ url: embedded.url, keysDir: join(home, 'keys') })
    const acked: string[] = []
    const write = async (action: string) =>
      await killed.ledger.audit(MAIN, auditBy('guise', action)).then(
        () => void acked.push(action),
        () => {},
      )
    for (let i = 0; i < 100; i++) {
      if (i === 50) process.kill(embedded.pid, 'SIGKILL')
      await write(`write ${i}`)
    }
    for (const giveUpAt = performance.now() + 30_000; !(await killed.healthy()); await delay(POLL_MS))
      assert.ok(performance.now() < giveUpAt, 'waited 30 s for the store to answer again')
    await write('afterwards')
    assert.ok(acked.length > 50 && acked.includes('afterwards'))
    const verdict = await killed.ledger.verify(MAIN)
    assert.ok(verdict.ok, JSON.stringify(verdict))
    const { items } = await killed.ledger.audits(MAIN, { limit: 1_000, cursor: null })
    const stored = new Set(items.map((row) => row.action))
    assert.deepEqual(
      acked.filter((action) => !stored.has(action)),
      [],
    )
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})

test('settings: defaults at version 0, then compare-and-set', async () => {
  const defaults = await store.settings.get(MAIN)
  assert.deepEqual([defaults.version, defaults.maxChangesPerMinute, defaults.confirmWithinMs], [0, 10, 30_000])
  assert.ok(defaults.homeNetworks.includes('fc00::/7') && defaults.homeNetworks.includes('127.0.0.0/8'))
  const wanted = { ...defaults, neverBlock: ['192.0.2.1'] }
  const results = await Promise.all([1, 2, 3].map(() => store.settings.put(MAIN, wanted, auditBy('alice'))))
  assert.equal(results.filter((result) => result.ok).length, 1)
  const now = await store.settings.get(MAIN)
  assert.deepEqual([now.version, now.neverBlock], [1, ['192.0.2.1']])
  const second = await store.settings.put(MAIN, { ...now, maxChangesPerMinute: 5 }, auditBy('alice'))
  assert.equal(second.ok && second.value.version, 2)
  assert.deepEqual(await store.settings.put(MAIN, now, auditBy('alice')), { ok: false, code: 'conflict' })
  assert.equal((await store.settings.get(OTHER)).version, 0)
})

function token(id: string, expiresAt: number | null = null): TokenRecord {
  return {
    id,
    tenant: MAIN,
    name: 'alice',
    role: 'admin',
    agent: null,
    hash: '$argon2id$',
    createdAt: 1,
    expiresAt,
    lastUsed: null,
  }
}

test('tokens: kept, used, spent once, removed with their sessions', async () => {
  await store.tokens.add(token('t1'), auditBy('alice'))
  assert.deepEqual(await store.tokens.byId('t1'), token('t1'))
  await store.tokens.used('t1', 77)
  assert.equal((await store.tokens.all(MAIN))[0]!.lastUsed, 77)
  const spends = await Promise.all(Array.from({ length: 10 }, () => store.tokens.spend('t1', 80)))
  assert.equal(spends.filter(Boolean).length, 1)
  await store.tokens.add(token('t2', 100), auditBy('alice'))
  assert.equal(await store.tokens.spend('t2', 100), false, 'too old')
  assert.equal(await store.tokens.spend('unknown', 1), false)
  assert.equal(await store.tokens.byId('nul\0'), null)
  await store.sessions.add({ id: 'cookie', tenant: MAIN, token: 't1', csrf: 'c', createdAt: 1, expiresAt: 100 })
  assert.deepEqual(await store.tokens.all(OTHER), [])
  assert.deepEqual(await store.tokens.remove(OTHER, 't1', auditBy('eve')), { ok: false, code: 'missing' })
  assert.deepEqual(await store.tokens.remove(MAIN, 't1', auditBy('alice')), { ok: true, value: null })
  assert.equal(await store.sessions.get('cookie', 50), null)
})

test('sessions: until they end; the record does not hold the cookie', async () => {
  await store.sessions.add({ id: 'secret-cookie', tenant: MAIN, token: 't2', csrf: 'c', createdAt: 1, expiresAt: 100 })
  assert.deepEqual(await store.sessions.get('secret-cookie', 99), {
    tenant: MAIN,
    token: 't2',
    csrf: 'c',
    expiresAt: 100,
  })
  assert.equal(await store.sessions.get('secret-cookie', 100), null)
  const client = new pg.Client(database.url)
  await client.connect()
  assert.doesNotMatch(JSON.stringify((await client.query('select * from sessions')).rows), /secret-cookie/)
  await client.end()
  await store.sessions.remove('secret-cookie')
  assert.equal(await store.sessions.get('secret-cookie', 99), null)
})

test('idempotency keys: the first answer stands, another body is a mismatch, others have their own', async () => {
  const { find, keep } = store.idempotency
  assert.equal(await find(MAIN, 'alice', 'k', 'h1'), null)
  await keep(MAIN, 'alice', 'k', 'h1', 201, { id: 'nul\0' }, 1)
  await keep(MAIN, 'alice', 'k', 'h1', 500, null, 2)
  assert.deepEqual(await find(MAIN, 'alice', 'k', 'h1'), { status: 201, body: { id: 'nul\0' } })
  assert.equal(await find(MAIN, 'alice', 'k', 'h2'), 'mismatch')
  assert.equal(await find(MAIN, 'bob', 'k', 'h1'), null)
  assert.equal(await find(OTHER, 'alice', 'k', 'h1'), null)
})

test('prune removes what is too old and nothing else', async () => {
  const now = 100 * 24 * HOUR_MS
  const { id } = (await store.workloads.report(MAIN, 'a' as AgentId, [workloadReport('pruned')], now))[0]!
  const point = (at: number) => ({ workload: id, at, belief: null, risk: null, bytesOut: 1, bytesIn: 1, spanMs: 1 })
  await store.workloads.observe(MAIN, [point(now - 91 * 24 * HOUR_MS), point(now - 89 * 24 * HOUR_MS)])
  await store.conversations.put(MAIN, [
    { ...conversationRecord(id, '192.0.2.1', now - 25 * HOUR_MS, 2), start: now - 25 * HOUR_MS },
    { ...conversationRecord(id, '192.0.2.1', now - 24.5 * HOUR_MS, 5), start: now - 24.5 * HOUR_MS },
    conversationRecord(id, '192.0.2.2', now - 23 * HOUR_MS),
  ])
  await store.evidence.add(MAIN, [
    evidenceRecord(id, 'faded', now - HOUR_MS, 60_000),
    evidenceRecord(id, 'lasting', now - HOUR_MS, HOUR_MS),
  ])
  const DAY_MS = 24 * HOUR_MS
  for (const [id, endsAt] of [
    ['e-late', now - DAY_MS - 1],
    ['f-late', now - DAY_MS - 1],
    ['f-recent', now - DAY_MS],
    ['e-spent', now + DAY_MS],
    ['e-waits', now + DAY_MS],
    ['t-ended', now - 2 * DAY_MS],
    ['t-stays', null],
  ] as const)
    await store.tokens.add({ ...token(id, endsAt), agent: 'b' as AgentId }, auditBy('alice'))
  assert.equal(await store.tokens.spend('e-spent', now - DAY_MS - 1), true)
  const removed = await store.prune(now)
  assert.equal(removed.tokens, 3)
  const left = (await store.tokens.all(MAIN)).filter(({ agent }) => agent === 'b').map(({ id }) => id)
  assert.deepEqual(left.sort(), ['e-waits', 'f-recent', 't-ended', 't-stays'])
  assert.deepEqual([removed.workload_history, removed.conversations, removed.evidence], [1, 2, 1])
  assert.equal((await store.workloads.history(MAIN, id, 0, now)).length, 1)
  assert.deepEqual(
    (await store.conversations.of(MAIN, id, 0, 10)).map((row) => row.peer),
    ['192.0.2.2'],
  )
  const hours = () => store.conversations.steps(MAIN, [id], 1, 10)
  const hour = { workload: id, peer: '192.0.2.1', port: 443, proto: 6, direction: 'initiated', failed: 0 }
  assert.deepEqual(await hours(), [{ ...hour, start: now - 25 * HOUR_MS, spanMs: HOUR_MS, steps: 2, flows: 7 }])
  await store.conversations.put(MAIN, [
    { ...conversationRecord(id, '192.0.2.1', now - 24.2 * HOUR_MS, 1), start: now - 24.25 * HOUR_MS },
  ])
  assert.equal((await store.prune(now)).conversations, 1)
  assert.deepEqual(
    (await hours()).map(({ steps, flows }) => [steps, flows]),
    [[3, 8]],
  )
  assert.deepEqual(
    (await store.evidence.of(MAIN, id, 0)).map((row) => row.peer),
    ['lasting'],
  )
  // The one of yesterday is summed first, in the hour of its start (0), and goes with it.
  assert.equal((await store.prune(now + 14 * DAY_MS)).conversation_hours, 2)
  assert.ok(Object.values(await store.prune(now)).every((rows) => rows === 0))
})

test('a cursor reads back what was written; garbage is refused, never thrown through', () => {
  fc.assert(
    fc.property(fc.integer(), fc.string(), (n, text) => {
      const safe = text.replaceAll('\0', '')
      assert.deepEqual(decodeCursor(encodeCursor([n, safe]), [0, '']), [n, safe])
    }),
  )
  fc.assert(
    fc.property(fc.string(), (garbage) => {
      assert.throws(() => decodeCursor(garbage, [0, '']), BadCursor)
    }),
  )
})
