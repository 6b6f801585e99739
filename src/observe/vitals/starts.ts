/**
 * Programs that workloads start, told by the kernel's proc connector as they start. In: who has which network namespace; out:
 * a count for each that only grows. The kernel tells of the whole host, and only in its first network namespace. Whose a
 * process is is inherited from its parent and asked again when it starts a program; one that is gone by then keeps what it inherited.
 */
import { readlinkSync } from 'node:fs'
import { inNetwork } from '../../netlink/in-network.ts'
import type { Message } from '../../netlink/message.ts'
import { listenRequests, PROC_GROUP, type ProcEvent, readProcEvent } from '../../netlink/proc-events.ts'
import { Family, NetlinkSocket } from '../../netlink/socket.ts'
import { netnsOf } from './processes.ts'
import { readSmall } from './small-file.ts'

export type StartsWatch = {
  /** Inode of a network namespace → the workload that is alone in it. */
  setSpaces(spaces: ReadonlyMap<number, string>): void
  /** Takes what the kernel told since the last call. */
  drain(): void
  count(key: string): number
  /** Who wants to hear of every process, and that some were lost. */
  follow(follower: { hear(event: ProcEvent): void; forget(): void }): void
  readonly counters: { read: number; lost: number; nobodys: number; unasked: number }
  close(): void
}

const BUFFER_BYTES = 4 << 20
/** Asking costs some microseconds: on a host that starts thousands a second the rest is told by what was inherited. */
const MOST_ASKED = 500
const MOST_KNOWN = 1 << 16
const MOST_TURNS = 2_000
const MOST_ANCESTORS = 32
/** PROC_PID_INIT_INO of linux/proc_ns.h. */
const FIRST_PIDS = 'pid:[4026531836]'

/** Throws when the kernel has no proc connector, or does not tell us. */
export function watchStarts(): StartsWatch {
  const socket = listen()
  const book = createStartsBook(netnsOf)
  let follower: Parameters<StartsWatch['follow']>[0] | null = null
  return {
    setSpaces: (spaces) => book.setSpaces(spaces),
    drain() {
      book.begin()
      for (let turn = 0; turn < MOST_TURNS; turn++) {
        const there = socket.receiveThere()
        if (there.length === 0) break
        for (const message of there) {
          const event = book.hear(message)
          if (event !== null) follower?.hear(event)
        }
      }
      // Who began and who ended among what is lost nobody knows.
      if (socket.overruns > book.counters.lost) {
        book.forget()
        follower?.forget()
      }
      book.counters.lost = socket.overruns
    },
    count: (key) => book.count(key),
    follow(one) {
      follower = one
    },
    counters: book.counters,
    close: () => socket.close(),
  }
}

/**
 * The first namespace is that of pid 1, which not everybody may look at, and most likely of who started us. In any other
 * nobody answers (ECONNREFUSED), so it is enough to try.
 */
function listen(): NetlinkSocket {
  // Elsewhere the kernel takes the request and never tells anything (drivers/connector/cn_proc.c): zero for not known.
  if (readlinkSync('/proc/self/ns/pid') !== FIRST_PIDS) throw new Error('its agent has a process namespace of its own')
  let last: unknown = null
  for (const pid of [process.pid, ...ancestors(process.pid), 1])
    try {
      const options = { groups: PROC_GROUP, bufferBytes: BUFFER_BYTES, waitMs: 1 }
      const socket = inNetwork(`/proc/${pid}/ns/net`, () => new NetlinkSocket(Family.connector, options))
      try {
        for (const request of listenRequests(() => socket.nextSequence(), process.pid)) socket.send(request)
        return socket
      } catch (error) {
        socket.close()
        throw error
      }
    } catch (error) {
      last = error
    }
  throw last
}

/** Parents upwards, as far as they can be seen. */
function ancestors(pid: number): number[] {
  const found: number[] = []
  for (let next = parentOf(pid); next > 1 && found.length < MOST_ANCESTORS; next = parentOf(next)) found.push(next)
  return found
}

const parentOf = (pid: number): number =>
  Number(/^PPid:\t(\d{1,10})$/m.exec(readSmall(`/proc/${pid}/status`) ?? '')?.[1] ?? 0)

/** The same without the socket; `ask` answers the namespace of a process, 0 when it is gone. */
export function createStartsBook(ask: (pid: number) => number) {
  const counters = { read: 0, lost: 0, nobodys: 0, unasked: 0 }
  const spaceOf = new Map<number, number>()
  const counts = new Map<string, number>()
  let spaces: ReadonlyMap<number, string> = new Map()
  let asked = 0

  const askFor = (pid: number): number => {
    if (asked >= MOST_ASKED) {
      counters.unasked++
      return 0
    }
    asked++
    return ask(pid)
  }
  const keep = (pid: number, space: number) => {
    if (space === 0) return
    if (spaceOf.size >= MOST_KNOWN) spaceOf.delete(spaceOf.keys().next().value!)
    spaceOf.set(pid, space)
  }
  return {
    counters,
    setSpaces(next: ReadonlyMap<number, string>) {
      spaces = next
      const keys = new Set(next.values())
      for (const key of counts.keys()) if (!keys.has(key)) counts.delete(key)
    },
    begin() {
      asked = 0
    },
    forget: () => spaceOf.clear(),
    count: (key: string): number => counts.get(key) ?? 0,
    hear(message: Message): ProcEvent | null {
      const event = readProcEvent(message)
      if (event === null) return null
      counters.read++
      if (event.what === 'begun') keep(event.pid, spaceOf.get(event.parent) ?? askFor(event.parent))
      else if (event.what === 'ended') spaceOf.delete(event.pid)
      else {
        const now = askFor(event.pid)
        keep(event.pid, now)
        const key = spaces.get(now === 0 ? (spaceOf.get(event.pid) ?? 0) : now)
        if (key === undefined) counters.nobodys++
        else counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      return event
    },
  }
}
