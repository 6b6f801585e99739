/**
 * One agent per home. The lock is a file made with O_EXCL that names the supervisor and the worker's process group, each
 * with its start time and its boot, because process ids are reused. Every process that may write to the kernel is in the worker's
 * group; whoever takes the lock over kills what is left of that group and waits until it is gone, so that no orphaned
 * `nft` can write after recovery began.
 */
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

export async function takeLock(home: string): Promise<Lock> {
  effectSync('mkdir', () => mkdirSync(home, { recursive: true, mode: 0o700 }))
  const path = join(home, 'lock')
  const me: Holder = { pid: process.pid, started: startTime(process.pid) ?? '' }
  for (let tries = 0; ; tries++) {
    if (create(path, { supervisor: me, worker: null })) break
    const held = read(path)
    if (held !== null && alive(held.supervisor))
      throw new LockTaken(
        `another agent (process ${held.supervisor.pid}) holds ${home}. Stop it, or give --home another folder`,
      )
    if (held?.worker != null && isOfThisBoot(held.worker)) await endGroup(held.worker)
    effectSync('lock remove', () => rmSync(path, { force: true }))
    if (tries > 20) throw new LockTaken(`cannot take ${path}. Remove it if no agent is running`)
  }
  return {
    worker(pid) {
      const held: Held = { supervisor: me, worker: pid === null ? null : { pid, started: startTime(pid) ?? '' } }
      const temporary = `${path}.${process.pid}`
      writeWhole(temporary, held)
      effectSync('lock rename', () => renameSync(temporary, path))
    },
    release: () => effectSync('lock remove', () => rmSync(path, { force: true })),
  }
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

function read(path: string): Held | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Held
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
