/**
 * System calls of workloads, counted by the kernel: a counter for each thread that is there when its process is first seen, and
 * what that starts is counted with it, however short it lives. In: who is in each workload, and the proc connector's events,
 * which tell whom a counter holds already; out: totals that only grow. A workload is counted whole or not at all.
 * A program with set-user-id leaves its counter as it starts (the kernel's rule, execve(2)): it is not counted.
 */
import type { ProcEvent } from '../../netlink/proc-events.ts'
import type { CallKernel } from './perf.ts'

export type CallsTold =
  /** Totals of different epochs are no continuation. */
  { readonly total: number; readonly epoch: number } | { readonly why: string }

export type CallBook = {
  hear(event: ProcEvent): void
  /** Events were lost: whom counters hold is not known any more, and the next look begins anew, with the totals as they are. */
  forget(): void
  /** By workload: its processes. All events up to now must have been heard. Who is not wanted any more is not counted any more. */
  look(wanted: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, CallsTold>
  readonly counters: { open: number; tooMany: number; begunAnew: number }
  close(): void
}

/** Each is an open file, and work for the kernel whenever its thread is switched to. */
const MOST_COUNTERS = 512
const MOST_HELD = 1 << 16

/** The counters of one process, and how many processes they hold: it, and those that it and they started. */
type Root = {
  readonly key: string
  readonly counting: { readonly fd: number; last: number }[]
  /** Who began before is held by nobody. */
  sinceNs: number
  alive: number
}
type Kept = { readonly epoch: number; readonly roots: Set<Root>; ended: number }

export function createCallBook(kernel: CallKernel, most = MOST_COUNTERS): CallBook {
  const counters = { open: 0, tooMany: 0, begunAnew: 0 }
  const books = new Map<string, Kept>()
  /** Every process that is counted, by whom. */
  const holders = new Map<number, Root>()
  let epochs = 0
  let isLost = false

  const readOf = (root: Root): number => {
    let total = 0
    for (const one of root.counting) {
      const now = kernel.read(one.fd)
      if (now >= one.last) one.last = now
      total += one.last
    }
    return total
  }
  const end = (root: Root) => {
    for (const { fd } of root.counting.splice(0)) {
      kernel.close(fd)
      counters.open--
    }
  }
  /** What they counted stays. */
  const endAll = (kept: Kept, which: (root: Root) => boolean) => {
    for (const root of kept.roots) {
      if (!which(root)) continue
      kept.ended += readOf(root)
      end(root)
      kept.roots.delete(root)
    }
  }
  const drop = (key: string) => {
    const kept = books.get(key)
    if (kept === undefined) return
    for (const root of kept.roots) end(root)
    books.delete(key)
    for (const [pid, root] of holders) if (root.key === key) holders.delete(pid)
  }
  const begin = (key: string, threads: readonly number[]): Root | { readonly why: string } => {
    const root: Root = { key, counting: [], sinceNs: 0, alive: 1 }
    for (const thread of threads) {
      const opened = kernel.open(thread)
      if (opened === 'gone') continue
      if ('why' in opened) {
        end(root)
        return opened
      }
      root.counting.push({ fd: opened.fd, last: 0 })
      counters.open++
    }
    root.sinceNs = kernel.nowNs()
    return root
  }
  /** Whom nobody holds yet; null = all are held now, else why not. */
  const cover = (key: string, kept: Kept, pids: readonly number[]): string | null => {
    const room = most - counters.open
    const found: (readonly [number, readonly number[]])[] = []
    let threads = 0
    for (const pid of pids) {
      if (holders.has(pid)) continue
      const own = kernel.threadsOf(pid)
      threads += own.length
      if (threads > room) {
        counters.tooMany++
        const who = pids.length === 1 ? 'its process is' : `its ${pids.length} processes are`
        return `${who} not counted: a host counts ${most} threads at most`
      }
      found.push([pid, own])
    }
    for (const [pid, own] of found) {
      const root = begin(key, own)
      if ('why' in root) return root.why
      if (root.counting.length === 0) continue
      kept.roots.add(root)
      holders.set(pid, root)
    }
    return null
  }
  const countOf = (key: string, pids: readonly number[]): CallsTold => {
    const kept = books.get(key) ?? { epoch: ++epochs, roots: new Set(), ended: 0 }
    books.set(key, kept)
    const why = cover(key, kept, pids)
    if (why !== null) {
      drop(key)
      return { why }
    }
    let total = kept.ended
    for (const root of kept.roots) total += readOf(root)
    return { total, epoch: kept.epoch }
  }

  return {
    counters,
    hear(event) {
      if (event.what === 'begun') {
        const root = holders.get(event.parent)
        if (root === undefined || event.atNs < root.sinceNs) return
        if (holders.size >= MOST_HELD) isLost = true
        else {
          release(event.pid)
          holders.set(event.pid, root)
          root.alive++
        }
      } else if (event.what === 'ended') release(event.pid)
    },
    forget() {
      isLost = true
    },
    look(wanted) {
      for (const key of books.keys()) if (!wanted.has(key)) drop(key)
      if (isLost) {
        for (const kept of books.values()) endAll(kept, () => true)
        holders.clear()
        counters.begunAnew++
        isLost = false
      }
      // A counter goes on for what its thread started, after the thread.
      for (const kept of books.values()) endAll(kept, ({ alive }) => alive <= 0)
      return new Map([...wanted].map(([key, pids]) => [key, countOf(key, pids)]))
    },
    close() {
      for (const key of books.keys()) drop(key)
    },
  }

  function release(pid: number): void {
    const root = holders.get(pid)
    if (root === undefined) return
    holders.delete(pid)
    root.alive--
  }
}
