/** A real database for a test: one embedded server per test process, a fresh copy of an empty migrated database per call. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import pg from 'pg'
import { type OpenStore, openStore } from '../src/store/database.ts'
import { type Embedded, startEmbedded } from '../src/store/embedded.ts'

export type TestDatabase = AsyncDisposable & {
  readonly url: string
  /** A folder of its own for the keys of `openStore`. */
  readonly keysDir: string
}

let server: Promise<{ embedded: Embedded; home: string }> | null = null
let used = 0
let made = 0

/** Folder of `makeTemplate`, from tasks/test.ts; without it each test process makes its database from nothing. */
const TEMPLATE = process.env.GUISE_TEST_DATABASE

async function start(): Promise<{ embedded: Embedded; home: string }> {
  const home = mkdtempSync(join(tmpdir(), 'guise-test-'))
  if (TEMPLATE !== undefined) {
    execFileSync('cp', ['-al', `${TEMPLATE}/home/.`, home])
    execFileSync('cp', ['-a', '--reflink=auto', `${TEMPLATE}/data`, join(home, 'postgres')])
  }
  const embedded = await startEmbedded({ home, log: { warn() {} } })
  process.once('exit', () => sweep(embedded.pid, home))
  if (TEMPLATE === undefined) await makeBlank(embedded, home)
  return { embedded, home }
}

async function makeBlank(embedded: Embedded, home: string): Promise<void> {
  // No test here cuts the power: what a killed process wrote, the kernel still has. embedded.test.ts keeps fsync on.
  appendFileSync(join(home, 'postgres/data/postgresql.conf'), 'fsync = off\n')
  process.kill(embedded.pid, 'SIGHUP')
  await admin(embedded.url, 'create database blank')
  await (await openStore({ url: databaseUrl(embedded.url, 'blank'), keysDir: join(home, 'keys') })).close()
}

/** In `folder`: `data`, to be copied, and `home`, the rest, whose programs may be linked. */
export async function makeTemplate(folder: string): Promise<void> {
  const home = mkdtempSync(join(folder, 'home-'))
  const embedded = await startEmbedded({ home, log: { warn() {} } })
  try {
    await makeBlank(embedded, home)
  } finally {
    await embedded.stop()
  }
  for (const own of ['lock', 'postgres.log', 'run'])
    rmSync(join(home, 'postgres', own), { recursive: true, force: true })
  renameSync(join(home, 'postgres/data'), join(folder, 'data'))
  renameSync(home, join(folder, 'home'))
}

/** For a test that ended without disposing: no process and no folder stays behind. */
function sweep(pid: number, home: string): void {
  if (!existsSync(home)) return
  try {
    process.kill(pid, 'SIGQUIT')
  } catch {}
  rmSync(home, { recursive: true, force: true, maxRetries: 10 })
}

/** The server stops when the last database of this process is disposed of, so a test process ends by itself. */
export async function testDatabase(): Promise<TestDatabase> {
  used++
  server ??= start()
  const { embedded, home } = await server
  const name = `test_${++made}`
  await admin(embedded.url, `create database ${name} template blank`)
  return {
    url: databaseUrl(embedded.url, name),
    keysDir: join(home, `keys-${made}`),
    async [Symbol.asyncDispose]() {
      await admin(embedded.url, `drop database ${name} with (force)`)
      if (--used > 0) return
      server = null
      await embedded.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** A store over such a database, for as long as the tests of a file run. */
export async function testStore(clock: () => number = () => 5_000): Promise<OpenStore> {
  const database = await testDatabase()
  const store = await openStore({ ...database, clock })
  after(async () => {
    await store.close()
    await database[Symbol.asyncDispose]()
  })
  return store
}

function databaseUrl(url: string, name: string): string {
  return url.replace('/guise?', `/${name}?`)
}

async function admin(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
