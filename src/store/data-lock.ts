/**
 * One server per data directory. flock(2) instead of a pid file: the kernel lets go of it when the holder dies, however
 * it dies, so a stale lock cannot exist and two takers cannot both win. The pid inside is for the message only.
 */
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import koffi from 'koffi'

const LOCK_EX = 2
const LOCK_NB = 4

let flock: ((fd: number, operation: number) => number) | null = null

export type DataLock = { release(): void }

/** Null and the holder's pid when another process has it. Children do not inherit it (libuv opens with O_CLOEXEC). */
export function lockFile(path: string): { readonly lock: DataLock } | { readonly lock: null; readonly holder: string } {
  flock ??= koffi.load('libc.so.6').func('int flock(int, int)')
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  if (flock!(fd, LOCK_EX | LOCK_NB) !== 0) {
    closeSync(fd)
    return { lock: null, holder: readFileSync(path, 'utf8').trim() || 'unknown' }
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`, 0)
  return { lock: { release: () => closeSync(fd) } }
}
