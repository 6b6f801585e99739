/**
 * One agent per home. The lock is a file made with O_EXCL that names the supervisor and the worker's process group, each
 * with its start time and its boot, because process ids are reused. Every process that may write to the kernel is in the worker's
 * group; whoever takes the lock over kills what is left of that group and waits until it is gone, so that no orphaned
 * `nft` can write after recovery began.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { effectSync } from './fault.ts'
import { bootId } from './journal.ts'

type Holder = { readonly pid: number; readonly started: string }
type Held = { readonly supervisor: Holder; readonly worker: Holder | null }

export type Lock = { worker(pid: number | null): void; release(): void }

export class LockTaken extends Error {}

/** Whoever takes over is waited for about as long as a process group may take to end. */
const [MOST_TRIES, BUSY_MS] = [500, 20]

export async function takeLock(home: string): Promise<Lock> {
  effectSync('mkdir', () => mkdirSync(home, { recursive: true, mode: 0o700 }))
  const path = join(home, 'lock')
  const me: Holder = { pid: process.pid, started: startTime(process.pid) ?? '' }
  await acquire(path, { supervisor: me, worker: null }, ({ pid }) => {
    throw new LockTaken(`another agent (process ${pid}) holds ${home}. Stop it, or give --home another folder`)
  })
  return {
    worker(pid) {
      const held: Held = { supervisor: me, worker: pid === null ? null : { pid, started: startTime(pid) ?? '' } }
      replace(path, held)
    },
    release: () => effectSync('lock remove', () => rmSync(path, { force: true })),
  }
}

/**
 * Several may find the same stale lock. Only who holds a lock on exactly what that one says may put its own in its place, and
 * looks again before: whoever is late finds another text there. Who dies in the middle leaves a stale lock of that kind,
 * which is taken over alike.
 */
async function acquire(path: string, mine: Held, busy: (holder: Holder) => unknown): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if (create(path, mine)) return
    const text = textOf(path)
    if (text === null) continue
    const held = heldOf(text)
    if (held !== null && alive(held.supervisor)) {
      await busy(held.supervisor)
      continue
    }
    const claim = `${path}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}.claim`
    await acquire(claim, { supervisor: mine.supervisor, worker: null }, () => wait(BUSY_MS))
    try {
      if (textOf(path) !== text) continue
      if (held?.worker != null && isOfThisBoot(held.worker)) await endGroup(held.worker)
      replace(path, mine)
      return
    } finally {
      effectSync('lock remove', () => rmSync(claim, { force: true }))
    }
  }
  throw new LockTaken(`cannot take ${path}. Remove it if no agent is running`)
}

/** Kills a worker's process group and waits, bounded, until nobody of it is left. */
export async function endGroup(leader: { readonly pid: number; readonly started?: string }): Promise<void> {
  const now = startTime(leader.pid)
  if (leader.started !== undefined && now !== null && !isSame(now, leader.started)) return
  for (let tries = 0; tries < 500; tries++) {
    try {
      effectSync('kill', () => process.kill(-leader.pid, 'SIGKILL'))
    } catch {
      return
    }
    if (!groupRuns(leader.pid)) return
    await wait(10)
  }
  throw new Error(`process group ${leader.pid} does not end`)
}

/** Zombies are left out: they write nothing any more, and not every init reaps what it inherits. */
function groupRuns(group: number): boolean {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = statOf(Number(name))
    if (stat !== null && stat.group === group && stat.state !== 'Z') return true
  }
  return false
}

function create(path: string, held: Held): boolean {
  const temporary = `${path}.${process.pid}`
  writeWhole(temporary, held)
  try {
    // link(2) fails when the name exists: the file appears whole or not at all.
    effectSync('lock link', () => linkSync(temporary, path))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    effectSync('lock remove', () => rmSync(temporary, { force: true }))
  }
}

function replace(path: string, held: Held): void {
  const temporary = `${path}.${process.pid}`
  writeWhole(temporary, held)
  effectSync('lock rename', () => renameSync(temporary, path))
}

function writeWhole(path: string, held: Held): void {
  const fd = openSync(path, 'w', 0o600)
  try {
    const bytes = Buffer.from(JSON.stringify(held))
    effectSync('lock write', () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    })
  } finally {
    closeSync(fd)
  }
}

/** Null when it is gone. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function heldOf(text: string): Held | null {
  try {
    const held = JSON.parse(text) as Held | null
    return typeof held?.supervisor?.started === 'string' ? held : null
  } catch {
    return null
  }
}

/** Boots are alike: the same process may get the same number in the same moment. Release 3 and older did not tell them apart. */
function isOfThisBoot({ started }: Holder): boolean {
  return !started.includes('/') || started.startsWith(`${bootId()}/`)
}

function alive(holder: Holder): boolean {
  const stat = statOf(holder.pid)
  return stat !== null && stat.state !== 'Z' && isSame(stat.started, holder.started)
}

/** `before` may be of a release that wrote the time alone. */
function isSame(now: string, before: string): boolean {
  return now === before || (!before.includes('/') && now.endsWith(`/${before}`))
}

function startTime(pid: number): string | null {
  return statOf(pid)?.started ?? null
}

/** proc(5): the name may hold anything, so fields are counted after the last parenthesis. */
function statOf(pid: number): { state: string; group: number; started: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, group: Number(fields[2]), started: `${bootId()}/${fields[19]}` }
  } catch {
    return null
  }
}
