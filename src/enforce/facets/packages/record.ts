/**
 * What Guise did to the packages of a workload, kept in the agent's home, because a workload's word for it would be no proof:
 * `<home>/packages/ID.json`, whole or as before. Beside it `ID.ready.json`: what was made ready for a state to come.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { effectSync } from '../../fault.ts'
import { syncFolder, writeSynced } from '../../write-synced.ts'

/** `version` is the one to install; of a pinned one also the only one that counts. */
export type Pack = { readonly name: string; readonly version: string; readonly isPinned: boolean }

export type PackageRecord = {
  readonly wanted: readonly Pack[]
  /** Asked for by name at some time, and not taken off since. */
  readonly named: readonly string[]
  /** Installed by us, with what they needed. */
  readonly ours: readonly string[]
  /** Pinned by us. */
  readonly held: readonly string[]
  /** A change began and did not end. */
  readonly isBusy: boolean
}
export type Ready = { readonly wish: string; readonly packs: readonly Pack[]; readonly failed: string | null }

export const UNTOUCHED: PackageRecord = { wanted: [], named: [], ours: [], held: [], isBusy: false }

export function readRecord(home: string, key: string): PackageRecord {
  return (read(pathOf(home, key)) as PackageRecord | null) ?? UNTOUCHED
}

/** Nothing of ours left: no record. */
export function writeRecord(home: string, key: string, record: PackageRecord): void {
  const isNothing = [record.wanted, record.named, record.ours, record.held].every((list) => list.length === 0)
  if (isNothing && !record.isBusy) remove(pathOf(home, key))
  else write(pathOf(home, key), record)
}

export function readReady(home: string, key: string): Ready | null {
  return read(pathOf(home, key, '.ready')) as Ready | null
}

export function writeReady(home: string, key: string, ready: Ready): void {
  write(pathOf(home, key, '.ready'), ready)
}

/** Of workloads that no state asks for packages any more, nothing is kept ready. */
export function keepOnlyReady(home: string, keys: readonly string[]): void {
  const folder = join(home, 'packages')
  const kept = new Set(keys.map((key) => basename(pathOf(home, key, '.ready'))))
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name.endsWith('.ready.json') && !kept.has(name)) remove(join(folder, name))
}

function pathOf(home: string, key: string, kind = ''): string {
  return join(home, 'packages', `${createHash('sha256').update(key).digest('hex').slice(0, 32)}${kind}.json`)
}

/** Ours alone may write there, so it is what we wrote, or not there. */
function read(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new Error(`${path} cannot be read: ${(error as Error).message}`)
  }
}

function remove(path: string): void {
  if (!existsSync(path)) return
  effectSync('record remove', () => rmSync(path, { force: true }))
  syncFolder(dirname(path), 'record ')
}

function write(path: string, value: unknown): void {
  effectSync('record mkdir', () => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }))
  writeSynced(`${path}.new`, JSON.stringify(value), 'record ')
  effectSync('record rename', () => renameSync(`${path}.new`, path))
  syncFolder(dirname(path), 'record ')
}
