/**
 * One postmaster process: started, waited for, watched and stopped. It is a session of its own, so that Ctrl-C in a
 * terminal reaches only the server, which stops the database last.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceUser } from './service-user.ts'

export type PostmasterOptions = {
  readonly bin: string
  readonly data: string
  readonly socketFolder: string
  readonly logFile: string
  readonly user: ServiceUser | null
}

const READY_MS = 60_000
const STOP_MS = 30_000
/** After kill -9 of a postmaster its children hold the shared memory until they notice: starts are refused meanwhile. */
const RETRY_MS = 15_000
const POLL_MS = 20

const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** Starts it and resolves when it takes connections; retries while the remains of a killed one are still leaving. */
export async function startPostmaster(options: PostmasterOptions): Promise<ChildProcess> {
  const giveUpAt = performance.now() + RETRY_MS
  for (;;) {
    const child = spawnPostmaster(options)
    const outcome = await ready(child, options.data)
    if (outcome === 'ready') return child
    const said = lastLines(options.logFile)
    const leftovers = /lock file .* already exists|shared memory block .* is still in use|in use by another/i.test(said)
    if (!leftovers || performance.now() > giveUpAt) throw new Error(`PostgreSQL did not start: ${said}`)
    await delay(200)
  }
}

function spawnPostmaster(options: PostmasterOptions): ChildProcess {
  const settings = { ...SETTINGS, unix_socket_directories: options.socketFolder }
  const log = openSync(options.logFile, 'a', 0o600)
  try {
    const child = spawn(
      join(options.bin, 'postgres'),
      ['-D', options.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        stdio: ['ignore', log, log],
        detached: true,
        cwd: options.data,
        env: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin:/bin' },
        ...(options.user === null ? {} : { uid: options.user.uid, gid: options.user.gid }),
      },
    )
    // whoever forgets to stop it still ends; the next start deals with the orphan
    child.unref()
    return child
  } finally {
    closeSync(log)
  }
}

async function ready(child: ChildProcess, data: string): Promise<'ready' | 'gone'> {
  let gone = false
  child.once('error', () => {
    gone = true
  })
  const giveUpAt = performance.now() + READY_MS
  while (!gone && child.exitCode === null && child.signalCode === null) {
    const lines = pidFile(data)
    // line 1 is the pid, line 8 the state (src/include/utils/pidfile.h)
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return 'ready'
    if (performance.now() > giveUpAt) child.kill('SIGQUIT')
    await delay(POLL_MS)
  }
  return 'gone'
}

function pidFile(data: string): string[] {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return []
  }
}

/**
 * The postmaster that a killed server left running on `data`, or null. Checked against its command line: the pid in the
 * file may belong to somebody else by now.
 */
export function orphanOf(data: string): number | null {
  const pid = Number(pidFile(data)[0])
  if (!Number.isInteger(pid) || pid <= 1) return null
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return argv[0]?.endsWith('/postgres') && argv[1] === '-D' && argv[2] === data ? pid : null
  } catch {
    return null
  }
}

/** Fast shutdown (SIGINT: sessions are ended, a checkpoint is written), then immediate (SIGQUIT: recovery at next start). */
export async function stopPostmaster(pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!send(pid, signal)) return
    const giveUpAt = performance.now() + STOP_MS
    while (performance.now() < giveUpAt) {
      if (!send(pid, 0)) return
      await delay(POLL_MS)
    }
  }
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

export function lastLines(logFile: string): string {
  try {
    const lines = readFileSync(logFile, 'utf8').trim().split('\n')
    return lines.slice(-4).join(' | ').slice(-600)
  } catch {
    return 'it left no log'
  }
}
