/**
 * The record: `Store` of model/store.ts over PostgreSQL. In: a URL (the embedded server's, or any PostgreSQL ≥ 15) and a
 * folder for the keys that must not be in the database. Out: the store, migrated and ready. One file per aggregate holds
 * its SQL and the conversion between row and noun; record-context.ts is the one way to change something.
 */
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import pg from 'pg'
import type { Store } from '../model/store.ts'
import { agents } from './agents.ts'
import { OLDEST_MAJOR } from './binaries.ts'
import { conversations } from './conversations.ts'
import { evidence } from './evidence.ts'
import { idempotency } from './idempotency.ts'
import { loadKeyFiles } from './key-files.ts'
import { ledger } from './ledger.ts'
import { manifests } from './manifests.ts'
import * as record from './migrations/0001-record.ts'
import * as manifestVersions from './migrations/0003-manifest-versions.ts'
import * as secretVersions from './migrations/0004-secrets.ts'
import * as planSignatures from './migrations/0006-plan-signatures.ts'
import * as proposed from './migrations/0008-proposals.ts'
import * as conversationHours from './migrations/0010-conversation-hours.ts'
import * as trainedModels from './migrations/0012-models.ts'
import * as trafficSteps from './migrations/0014-traffic-steps.ts'
import * as underWay from './migrations/0016-under-way.ts'
import { models } from './models.ts'
import { plans } from './plans.ts'
import { proposals } from './proposals.ts'
import type { Context } from './record-context.ts'
import { prune } from './retention.ts'
import { secrets } from './secrets.ts'
import { sessions } from './sessions.ts'
import { settings } from './settings.ts'
import { shifts } from './shifts.ts'
import type { Tables } from './tables.ts'
import { tokens } from './tokens.ts'
import { topology } from './topology.ts'
import { createFolding, traffic } from './traffic-steps.ts'
import { workloads } from './workloads.ts'

/** In order of their names; one that was released is never edited. */
const MIGRATIONS = {
  '0001-record': record,
  '0003-manifest-versions': manifestVersions,
  '0004-secrets': secretVersions,
  '0006-plan-signatures': planSignatures,
  '0008-proposals': proposed,
  '0010-conversation-hours': conversationHours,
  '0012-models': trainedModels,
  '0014-traffic-steps': trafficSteps,
  '0016-under-way': underWay,
}

const POOL_MAX = 16
const CONNECT_MS = 10_000
const HEALTHY_MS = 2_000
const PRUNE_EVERY_MS = 300_000
/** Does nothing before a step of five minutes is over; whoever asks then waits for it no more. */
const FOLD_EVERY_MS = 60_000

export type OpenStore = Store &
  AsyncDisposable & {
    /** Removes what is too old (retention.ts), as the store does by itself every few minutes. Rows removed, by table. */
    prune(now: number): Promise<Readonly<Record<string, number>>>
  }

export type StoreOptions = {
  /** `postgresql://user@host/database`; for a unix socket `?host=/folder`. */
  readonly url: string
  readonly keysDir: string
  /** epoch ms; the wall clock unless a test says otherwise. */
  readonly clock?: () => number
}

/** Connects, checks the server's version and migrates under an advisory lock. Throws one sentence with its cure. */
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const keys = loadKeyFiles(options.keysDir)
  const pool = openPool(options.url)
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  try {
    await checkServer(db)
    await migrate(db)
  } catch (error) {
    await db.destroy()
    throw error
  }
  const context: Context = { db, keys, clock: options.clock ?? Date.now }
  const folding = createFolding(db)
  // one that fails is tried again by the clock
  const pruning = setInterval(() => void prune(db, context.clock()).catch(() => {}), PRUNE_EVERY_MS).unref()
  const summing = setInterval(() => void folding.fold(context.clock()).catch(() => {}), FOLD_EVERY_MS).unref()
  let closing: Promise<void> | null = null
  const close = () => {
    clearInterval(pruning)
    clearInterval(summing)
    closing ??= db.destroy()
    return closing
  }
  return {
    healthy: () => answers(db),
    close,
    [Symbol.asyncDispose]: close,
    prune: (now) => prune(db, now),
    manifests: manifests(context),
    workloads: workloads(context),
    evidence: evidence(context),
    conversations: conversations(context),
    traffic: traffic(context, folding),
    topology: topology(context),
    plans: plans(context),
    proposals: proposals(context),
    models: models(context),
    shifts: shifts(context),
    agents: agents(context),
    ledger: ledger(context),
    tokens: tokens(context),
    sessions: sessions(context),
    idempotency: idempotency(context),
    settings: settings(context),
    secrets: secrets(context),
  }
}

function openPool(url: string): pg.Pool {
  const int8 = pg.types.builtins.INT8
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_MAX,
    connectionTimeoutMillis: CONNECT_MS,
    idle_in_transaction_session_timeout: 10_000,
    statement_timeout: 60_000,
    application_name: 'guise',
    // all our bigints are counters and milliseconds, far below 2^53
    types: { getTypeParser: (oid, format) => (oid === int8 ? Number : pg.types.getTypeParser(oid, format)) },
  })
  // A connection that breaks (the database restarts) is replaced by the pool, and its query, if any, fails. Without these
  // listeners it would end the process: the pool's is for idle ones, the client's for one that is between two statements.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function checkServer(db: Kysely<Tables>): Promise<void> {
  let version: number
  try {
    const { rows } = await sql<{
      version: number
    }>`select current_setting('server_version_num')::integer as version`.execute(db)
    version = rows[0]!.version
  } catch (error) {
    throw new Error(
      `the database does not answer (${(error as Error).message}); check that it runs and that GUISE_DATABASE_URL is right`,
      {
        cause: error,
      },
    )
  }
  const major = Math.floor(version / 10_000)
  if (major < OLDEST_MAJOR)
    throw new Error(
      `the database is PostgreSQL ${major}; set GUISE_DATABASE_URL to a server of version ${OLDEST_MAJOR} or newer`,
    )
}

async function migrate(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined)
    throw new Error(
      `the database could not be brought up to this release (${(error as Error).message}); nothing was changed, so the older release still runs on it`,
      {
        cause: error,
      },
    )
}

async function answers(db: Kysely<Tables>): Promise<boolean> {
  const late = new Promise<false>((done) => setTimeout(done, HEALTHY_MS, false).unref())
  const query = sql`select 1`.execute(db).then(
    () => true,
    () => false,
  )
  return await Promise.race([query, late])
}
