/**
 * The record by default: a real PostgreSQL under `<home>/postgres`, reached by a unix socket only (no TCP), with peer
 * authentication for root and for the service user. In: a folder. Out: a URL that any PostgreSQL client takes, and a
 * handle that keeps the database running until it is stopped.
 *
 * A postmaster left running by a server that was killed is stopped (fast shutdown, so nothing acknowledged is lost) and
 * started anew, not adopted: a child of our own is one we see die, and its settings are those of this release.
 */
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Binaries,
  type BinarySources,
  defaultSources,
  findBinaries,
  installBinaries,
  OLDEST_MAJOR,
} from './binaries.ts'
import { createDatabase } from './create-database.ts'
import { type DataLock, lockFile } from './data-lock.ts'
import { lastLines, orphanOf, type PostmasterOptions, startPostmaster, stopPostmaster } from './postmaster.ts'
import { currentUserName, firstClosedFolder, type ServiceUser, serviceUser } from './service-user.ts'

export { serviceUser } from './service-user.ts'

export type Embedded = AsyncDisposable & {
  readonly url: string
  /** Of the postmaster now running; another after a crash. */
  readonly pid: number
  stop(): Promise<void>
}

/** What a person running the server should know; a pino logger fits. */
export type Log = { warn(text: string): void }

export type EmbeddedOptions = {
  readonly home: string
  readonly log: Log
  readonly sources?: BinarySources
  /** The database died too often to be started once more; whoever watches over this process should start it anew. */
  readonly gaveUp?: () => void
}

/** sun_path holds 107 bytes; PostgreSQL adds `/.s.PGSQL.5432`. */
const SOCKET_FOLDER_MAX = 107 - '/.s.PGSQL.5432'.length
const LOG_MAX_BYTES = 8 * 1024 * 1024
const LOG_CHECK_MS = 60_000
/** Restarts of a postmaster that died: so many in a row, each after a longer wait; a run of a minute clears the count. */
const RESTARTS_MAX = 5
const STEADY_MS = 60_000

/** Starts the database, creating it the first time. Throws one sentence with its cure when it cannot. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const user = serviceUser()
  const folder = join(resolve(options.home), 'postgres')
  const lock = saying(folder, () => prepareFolder(options.home, folder, user))
  try {
    const data = join(folder, 'data')
    const binaries = chooseBinaries(options.sources ?? defaultSources(), data)
    const bin = saying(folder, () => installBinaries(binaries, folder))
    const postmaster = {
      bin,
      data,
      socketFolder: socketFolder(folder, user),
      logFile: join(folder, 'postgres.log'),
      user,
    }
    saying(folder, () => prepareLog(postmaster))
    if (!existsSync(data)) await createDatabase(postmaster, folder).catch(withCure(folder))
    const orphan = orphanOf(data)
    if (orphan !== null) {
      options.log.warn(`stopping the database that a killed server left running (pid ${orphan})`)
      await stopPostmaster(orphan)
    }
    return await keepRunning(postmaster, lock, options)
  } catch (error) {
    lock.release()
    throw error
  }
}

function prepareFolder(home: string, folder: string, user: ServiceUser | null): DataLock {
  const isNew = !existsSync(home) || readdirSync(home).length === 0
  mkdirSync(dirname(resolve(home)), { recursive: true })
  mkdirSync(home, { recursive: true, mode: 0o750 })
  // A home that is empty, or that we made, becomes the service user's; one with things in it is left as it is.
  if (user !== null && isNew) chownSync(home, user.uid, user.gid)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (user !== null) {
    chownSync(folder, user.uid, user.gid)
    const closed = firstClosedFolder(folder, user)
    if (closed !== null)
      throw new Error(
        `the user ${user.name}, who runs the database, may not enter ${closed}; set GUISE_HOME to a folder it may enter, such as /var/lib/guise, or run: chmod o+x ${closed}`,
      )
  }
  const taken = lockFile(join(folder, 'lock'))
  if (taken.lock === null)
    throw new Error(
      `the data directory ${home} is in use by another Guise (pid ${taken.holder}); stop that one, or set GUISE_HOME to another folder`,
    )
  if (user !== null) chownSync(join(folder, 'lock'), user.uid, user.gid)
  return taken.lock
}

/** Says what a failed write means, with its cure; other errors pass. */
function saying<T>(folder: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    return withCure(folder)(error as Error)
  }
}

function withCure(folder: string): (error: Error) => never {
  return (error) => {
    throw new Error(cure(folder, error), { cause: error })
  }
}

function cure(folder: string, error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT' || /No space left on device/.test(error.message))
    return `no space left for the database in ${folder}; free about 300 MB there, or set GUISE_HOME to a folder on another disk`
  if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS')
    return `${folder} cannot be written; make it writable, or set GUISE_HOME to a folder that is`
  if (error.code === 'ENOTDIR' || error.code === 'EEXIST')
    return `${folder} cannot be made, because a file is in the way; move that file, or set GUISE_HOME to another folder`
  return error.message
}

function chooseBinaries(sources: BinarySources, data: string): Binaries {
  const found = findBinaries(sources)
  const version = join(data, 'PG_VERSION')
  if (!existsSync(version)) {
    if (found[0] !== undefined) return found[0]
    throw new Error(
      `no PostgreSQL for this machine (linux-${process.arch}); install one (Debian: apt-get install postgresql), or set GUISE_DATABASE_URL to a server of version ${OLDEST_MAJOR} or newer`,
    )
  }
  const major = Number(readFileSync(version, 'utf8'))
  const fitting = found.find((binaries) => binaries.major === major)
  if (fitting !== undefined) return fitting
  throw new Error(
    `${data} was made by PostgreSQL ${major}, which is not on this machine; install it (Debian: apt-get install postgresql-${major}), or set GUISE_HOME to a new folder`,
  )
}

/** Beside the data, unless that path is too long for a unix socket. The folder is 0700, so only we and root reach it. */
function socketFolder(folder: string, user: ServiceUser | null): string {
  const beside = join(folder, 'run')
  const short = join(tmpdir(), `guise-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`)
  const chosen = Buffer.byteLength(beside) <= SOCKET_FOLDER_MAX ? beside : short
  const uid = user?.uid ?? process.getuid?.()
  mkdirSync(chosen, { recursive: true, mode: 0o700 })
  const owner = statSync(chosen).uid
  if (user !== null && owner === 0) chownSync(chosen, user.uid, user.gid)
  else if (owner !== uid)
    throw new Error(`${chosen} belongs to somebody else; remove it, or set GUISE_HOME to a shorter path`)
  chmodSync(chosen, 0o700)
  return chosen
}

function prepareLog(options: PostmasterOptions): void {
  writeFileSync(options.logFile, '', { flag: 'a', mode: 0o600 })
  if (options.user !== null) chownSync(options.logFile, options.user.uid, options.user.gid)
  boundLog(options.logFile)
}

/** The postmaster appends, so cutting the file to nothing is safe while it runs. */
function boundLog(logFile: string): void {
  if (statSync(logFile).size > LOG_MAX_BYTES) truncateSync(logFile)
}

/** Who may connect: root and the service user as they are now; written at every start, since both may change. */
function writeIdentityMap(options: PostmasterOptions): void {
  const names = new Set(['root', options.user?.name, currentUserName()])
  const lines = [...names].filter((name) => typeof name === 'string').map((name) => `guise "${name}" guise\n`)
  writeFileSync(join(options.data, 'pg_ident.conf'), lines.join(''))
}

async function keepRunning(
  options: PostmasterOptions,
  lock: DataLock,
  { log, gaveUp }: EmbeddedOptions,
): Promise<Embedded> {
  saying(options.data, () => writeIdentityMap(options))
  let child = await startPostmaster(options).catch(withCure(options.data))
  let stopping: Promise<void> | null = null
  let restarting: Promise<void> = Promise.resolve()
  let startedAt = performance.now()
  let restarts = 0

  const watch = (watched: ChildProcess) =>
    watched.once('exit', (code, signal) => {
      if (stopping !== null) return
      log.warn(`the database stopped by itself (${signal ?? `exit ${code}`}); starting it again`)
      restarting = restart()
    })
  const restart = async () => {
    if (performance.now() - startedAt > STEADY_MS) restarts = 0
    while (stopping === null && restarts < RESTARTS_MAX) {
      await delay(restarts * restarts * 200)
      restarts++
      if (stopping !== null) return
      try {
        child = await startPostmaster({ ...options, user: serviceUser() })
        startedAt = performance.now()
        watch(child)
        return log.warn(`the database runs again (pid ${child.pid})`)
      } catch (error) {
        log.warn((error as Error).message)
      }
    }
    if (stopping !== null) return
    log.warn(
      `the database does not stay up after ${RESTARTS_MAX} attempts (${lastLines(options.logFile)}); free disk space or memory, then start Guise again`,
    )
    gaveUp?.()
  }
  watch(child)
  const bound = setInterval(() => boundLog(options.logFile), LOG_CHECK_MS).unref()

  const stop = async () => {
    clearInterval(bound)
    await restarting
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await stopPostmaster(child.pid)
    lock.release()
  }
  const stopOnce = () => {
    stopping ??= stop()
    return stopping
  }
  return {
    url: `postgresql://guise@localhost/guise?host=${encodeURIComponent(options.socketFolder)}`,
    get pid() {
      return child.pid!
    },
    stop: stopOnce,
    [Symbol.asyncDispose]: stopOnce,
  }
}
