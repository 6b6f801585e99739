/**
 * A socket belongs for good to the network namespace it was made in (namespaces(7)), so a thread need only be there while it
 * makes one. In: the path of a namespace and what to make; out: what was made, with this thread back home.
 */
import { closeSync, openSync, statSync } from 'node:fs'
import koffi from 'koffi'

const CLONE_NEWNET = 0x40000000
const HOME = '/proc/thread-self/ns/net'
let setns: ((fd: number, type: number) => number) | null = null

/** `make` must not wait, nor give libuv work: its threads would begin there. Throws when the namespace cannot be entered. */
export function inNetwork<T>(path: string, make: () => T): T {
  if (statSync(path).ino === statSync(HOME).ino) return make()
  setns ??= koffi.load('libc.so.6').func('int setns(int, int)')
  const home = openSync(HOME, 'r')
  let there: number | null = null
  try {
    there = openSync(path, 'r')
    if (setns(there, CLONE_NEWNET) < 0) throw new Error(`enter ${path}: errno ${koffi.errno()}`)
    try {
      return make()
    } finally {
      // Whoever stays behind in another's network does there what was meant for here.
      if (setns(home, CLONE_NEWNET) < 0) process.abort()
    }
  } finally {
    closeSync(home)
    if (there !== null) closeSync(there)
  }
}
