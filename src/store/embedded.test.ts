import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { findBinaries } from './binaries.ts'
import { startEmbedded } from './embedded.ts'
import { orphanOf } from './postmaster.ts'

const POLL_MS = 20
const said: string[] = []
const log = { warn: (text: string) => void said.push(text) }
const CHILD = new URL('../../test/embedded-child.ts', import.meta.url).pathname

const homes: string[] = []
after(() => {
  for (const home of homes) rmSync(home, { recursive: true, force: true })
})
function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'guise-embedded-'))
  homes.push(home)
  return home
}
/** For what is not empty when the database starts, so stays as it is. */
function openHome(): string {
  const home = newHome()
  chmodSync(home, 0o711)
  return home
}

async function query<Row extends pg.QueryResultRow>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

async function until<T>(what: string, condition: () => Promise<T | false> | T | false): Promise<T> {
  const giveUpAt = performance.now() + 30_000
  for (;;) {
    const value = await condition()
    if (value !== false) return value
    assert.ok(performance.now() < giveUpAt, `waited 30 s for: ${what}`)
    await delay(POLL_MS)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function startChild(home: string, mode: 'hold' | 'drop') {
  const child: ChildProcess = spawn(process.execPath, [CHILD, home, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value as string) as Record<string, unknown>
  return { child, next, ready: (await next()) as { url: string; pid: number } }
}

test('starts on an empty home under any umask, listens on no network, and stops leaving nothing behind', async () => {
  const home = newHome()
  const umask = process.umask(0o077)
  const database = await startEmbedded({ home, log }).finally(() => process.umask(umask))
  const [row] = await query<Record<string, string>>(
    database.url,
    `select current_setting('listen_addresses') as listen, current_setting('fsync') as fsync,
      current_setting('data_checksums') as checksums, current_user as who,
      (select rolsuper::text from pg_roles where rolname = current_user) as super`,
  )
  assert.deepEqual({ ...row }, { listen: '', fsync: 'on', checksums: 'on', who: 'guise', super: 'false' })
  const admin = database.url.replace('guise@', 'guise_admin@')
  await assert.rejects(query(admin, 'select 1'), /no pg_hba.conf entry/, 'nobody comes in as the superuser')
  const { pid } = database
  assert.equal(statSync(join(home, 'postgres/data')).mode & 0o777, 0o700)
  assert.equal(statSync(join(home, 'postgres/run')).mode & 0o777, 0o700)
  if (process.getuid?.() === 0) assert.notEqual(statSync(join(home, 'postgres/data')).uid, 0)
  await database.stop()
  await database.stop()
  assert.equal(isAlive(pid), false)
  assert.equal(existsSync(join(home, 'postgres/data/postmaster.pid')), false)
})

test('a second instance on one home is refused in one sentence, and the first goes on', async () => {
  const home = newHome()
  await using first = await startEmbedded({ home, log })
  await query(first.url, 'create table kept (n integer)')
  await assert.rejects(startEmbedded({ home, log }), (error: Error) => {
    assert.match(error.message, new RegExp(`is in use by another Guise \\(pid ${process.pid}\\); stop that one`))
    return true
  })
  assert.deepEqual(await query(first.url, 'select * from kept'), [])
})

test('kill -9 of the postmaster: it runs again by itself, and no acknowledged row is lost', async () => {
  await using database = await startEmbedded({ home: newHome(), log })
  await query(database.url, 'create table acked (n integer primary key)')
  const first = database.pid
  const acked: number[] = []
  for (let n = 1; n <= 60; n++) {
    if (n === 30) process.kill(first, 'SIGKILL')
    // a failed write is not acknowledged; it may or may not be there
    await query(database.url, 'insert into acked values ($1)', [n]).then(
      () => acked.push(n),
      () => {},
    )
  }
  const stored = await until('the database to answer', () =>
    query<{ n: number }>(database.url, 'select n from acked').catch(() => false as const),
  )
  assert.notEqual(database.pid, first)
  assert.ok(acked.length >= 29)
  const there = new Set(stored.map((row) => row.n))
  assert.deepEqual(
    acked.filter((n) => !there.has(n)),
    [],
  )
  assert.ok(said.some((line) => line.includes('stopped by itself (SIGKILL)')))
})

test('kill -9 of the server: the next one stops the orphan and finds every row', async () => {
  const home = newHome()
  const { child, ready } = await startChild(home, 'hold')
  await query(ready.url, 'create table kept as select 7 as n')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(orphanOf(join(home, 'postgres/data')), ready.pid, 'the postmaster outlives its server')
  await using database = await startEmbedded({ home, log })
  assert.equal(isAlive(ready.pid), false)
  assert.deepEqual(
    (await query<{ n: number }>(database.url, 'select n from kept')).map((row) => row.n),
    [7],
  )
})

test('server and postmaster killed at once: the next start recovers', async () => {
  const home = newHome()
  const { child, ready } = await startChild(home, 'hold')
  await query(ready.url, 'create table kept as select 8 as n')
  child.kill('SIGKILL')
  process.kill(ready.pid, 'SIGKILL')
  await once(child, 'exit')
  await using database = await startEmbedded({ home, log })
  assert.deepEqual(
    (await query<{ n: number }>(database.url, 'select n from kept')).map((row) => row.n),
    [8],
  )
})

test('a server that became the service user can still restart and stop it', {
  skip: process.getuid?.() === 0 ? false : 'needs root: becomes another user',
}, async () => {
  const { child, next, ready } = await startChild(newHome(), 'drop')
  const end = await next()
  assert.notEqual(end.uid, 0)
  assert.equal(end.restarted, true)
  if (child.exitCode === null) await once(child, 'exit')
  assert.equal(child.exitCode, 0)
  assert.equal(isAlive(ready.pid), false)
})

test('a pid file that names somebody else is no orphan', () => {
  const data = join(newHome(), 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n`)
  assert.equal(orphanOf(data), null)
})

test('a first start cut short leaves nothing that stands in the way', async () => {
  const home = openHome()
  mkdirSync(join(home, 'postgres/new-1/base'), { recursive: true })
  mkdirSync(join(home, 'postgres/partial-1'), { recursive: true })
  await using database = await startEmbedded({ home, log })
  assert.equal((await query(database.url, 'select 1')).length, 1)
  assert.equal(existsSync(join(home, 'postgres/new-1')) || existsSync(join(home, 'postgres/partial-1')), false)
})

test('a file in the way, no PostgreSQL, a database of another version: one sentence with its cure', async () => {
  const file = join(newHome(), 'file')
  writeFileSync(file, '')
  await assert.rejects(startEmbedded({ home: file, log }), /a file is in the way; move that file, or set GUISE_HOME/)
  const sources = { packageRoot: null, systemRoot: '/nonexistent' }
  await assert.rejects(
    startEmbedded({ home: newHome(), log, sources }),
    /no PostgreSQL for this machine.*GUISE_DATABASE_URL/,
  )
  const old = openHome()
  mkdirSync(join(old, 'postgres/data'), { recursive: true })
  writeFileSync(join(old, 'postgres/data/PG_VERSION'), '9\n')
  await assert.rejects(
    startEmbedded({ home: old, log }),
    /made by PostgreSQL 9, which is not on this machine; install it/,
  )
})

test('a home that the service user may not enter is refused, and left as it is', {
  skip: process.getuid?.() === 0 ? false : 'needs root: only root starts it as another user',
}, async () => {
  const home = newHome()
  writeFileSync(join(home, 'somebody'), '')
  await assert.rejects(startEmbedded({ home, log }), /may not enter .*chmod o\+x/)
  assert.equal(statSync(home).uid, 0)
})

for (const [size, when] of [
  ['20m', 'while the programs are copied'],
  ['70m', 'while the database is made'],
] as const) {
  test(`a disk that is full ${when}: one sentence with its cure`, {
    skip: process.getuid?.() === 0 ? false : 'needs root: mounts a small disk in a mount namespace of its own',
  }, () => {
    const argv = ['--mount', '--propagation', 'private', process.execPath, CHILD, newHome(), size]
    const { status, stderr } = spawnSync('unshare', argv, { encoding: 'utf8' })
    assert.notEqual(status, 0)
    assert.match(stderr, /no space left for the database in .*; free about 300 MB there, or set GUISE_HOME/)
  })
}

test('a home too long for a unix socket gets a short private folder for it', async () => {
  const home = join(openHome(), 'x'.repeat(90))
  await using database = await startEmbedded({ home, log })
  const folder = new URL(database.url).searchParams.get('host')!
  homes.push(folder)
  assert.ok(folder.length < 60)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.equal((await query(database.url, 'select 1')).length, 1)
})

test('without the package it falls back to the newest PostgreSQL of the system', () => {
  const root = newHome()
  for (const major of ['9.6', '13', '15', '17']) {
    mkdirSync(join(root, major, 'bin'), { recursive: true })
    for (const program of ['postgres', 'initdb']) writeFileSync(join(root, major, 'bin', program), '')
  }
  const found = findBinaries({ packageRoot: '/nonexistent', systemRoot: root })
  assert.deepEqual(
    found.map((binaries) => binaries.major),
    [17, 15],
  )
})

test('the log says what happened and is not readable by others', async () => {
  const home = newHome()
  await using database = await startEmbedded({ home, log })
  await query(database.url, 'select nonsense').catch(() => {})
  const path = join(home, 'postgres/postgres.log')
  assert.match(readFileSync(path, 'utf8'), /column "nonsense" does not exist/)
  assert.equal(statSync(path).mode & 0o077, 0)
})
