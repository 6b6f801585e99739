/**
 * Sums over the processes of a workload that no cgroup counts: those of its network namespace, or those a cgroup names. In:
 * who has which namespace; out: totals that only grow. What a process uses between the last look at it and its end is not
 * seen. Whose a process is is asked of it when it is new, once more, and then every minute; so many a look and no more.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import { uptime } from 'node:os'
import { readSmall } from './small-file.ts'

export type Usage = {
  /** Seconds, bytes, since this book first saw the workload. */
  cpu: number
  read: number
  written: number
  /** Bytes now; what processes share is counted for each. */
  memory: number
  processes: number
}
export type ProcessBook = {
  /** By workload key: the inode of its network namespace, or the processes themselves. */
  look(
    members: ReadonlyMap<string, { readonly netns: number } | { readonly pids: readonly number[] }>,
    now: number,
  ): ReadonlyMap<string, Usage>
  /** Who was counted of a workload, the last time. */
  pidsOf(key: string): readonly number[]
  /** Processes that were not asked yet whose they are, as of the last look. */
  readonly waiting: number
}

type Seen = { netns: number; askedAt: number; times: number }
type Spent = { readonly started: number; ticks: number; read: number; written: number }

const TICKS_PER_SECOND = 100
const ASK_AGAIN_MS = 60_000
const MOST_ASKED = 1_000
/** Of one workload; more are told as far as they were counted. */
const MOST_OF_ONE = 4_096
const PAGE_BYTES = pageBytes()

export function createProcessBook(most = MOST_ASKED): ProcessBook {
  const seen = new Map<number, Seen>()
  const totals = new Map<string, Usage>()
  const spent = new Map<string, Map<number, Spent>>()
  let inside: ReadonlyMap<string, readonly number[]> = new Map()
  let waiting = 0
  let lookedAt = Number.NaN

  /** Everybody's namespace, as far as it is known. */
  const ask = (now: number) => {
    const alive = new Set<number>()
    let asked = 0
    waiting = 0
    for (const name of readdirSync('/proc')) {
      const pid = name.charCodeAt(0) <= 57 ? Number(name) : Number.NaN
      if (!(pid > 0)) continue
      alive.add(pid)
      const known = seen.get(pid)
      // One that is about to enter a namespace has not yet when it is new.
      if (known !== undefined && known.times > 1 && now - known.askedAt < ASK_AGAIN_MS) continue
      if (asked >= most) {
        waiting++
        continue
      }
      asked++
      seen.set(pid, { netns: netnsOf(pid), askedAt: now, times: (known?.times ?? 0) + 1 })
    }
    for (const pid of seen.keys()) if (!alive.has(pid)) seen.delete(pid)
  }
  const add = (usage: Usage, kept: Map<number, Spent>, pid: number, isFirstLook: boolean) => {
    const now = usageOf(pid)
    if (now === null) return
    usage.processes++
    usage.memory += now.memory
    const before = kept.get(pid)
    const isSame = before !== undefined && before.started === now.started
    // Who began since the last look used all of it since then.
    const isNew = !isSame && !isFirstLook && now.started / TICKS_PER_SECOND >= lookedAt
    const base = isSame ? before : isNew ? { ticks: 0, read: 0, written: 0 } : now
    usage.cpu += Math.max(0, now.ticks - base.ticks) / TICKS_PER_SECOND
    usage.read += Math.max(0, now.read - base.read)
    usage.written += Math.max(0, now.written - base.written)
    kept.set(pid, now)
  }

  return {
    get waiting() {
      return waiting
    },
    pidsOf: (key) => inside.get(key) ?? [],
    look(members, now) {
      const began = uptime()
      const byNetns = new Map<number, string>()
      for (const [key, member] of members) if ('netns' in member) byNetns.set(member.netns, key)
      const pids = new Map<string, number[]>(
        [...members].map(([key, one]) => [key, 'pids' in one ? [...one.pids] : []]),
      )
      if (byNetns.size > 0) {
        ask(now)
        for (const [pid, { netns }] of seen) {
          const key = byNetns.get(netns)
          if (key !== undefined) pids.get(key)!.push(pid)
        }
      }
      inside = pids
      for (const key of totals.keys()) {
        if (members.has(key)) continue
        totals.delete(key)
        spent.delete(key)
      }
      for (const [key, mine] of pids) {
        const isFirst = !totals.has(key)
        const usage = totals.get(key) ?? { cpu: 0, read: 0, written: 0, memory: 0, processes: 0 }
        const kept = spent.get(key) ?? new Map<number, Spent>()
        usage.memory = 0
        usage.processes = 0
        for (const pid of mine.slice(0, MOST_OF_ONE)) add(usage, kept, pid, isFirst)
        const still = new Set(mine)
        for (const pid of kept.keys()) if (!still.has(pid)) kept.delete(pid)
        totals.set(key, usage)
        spent.set(key, kept)
      }
      lookedAt = began
      return totals
    },
  }
}

/** Inode of the network namespace of a process; 0 when it is gone. */
export function netnsOf(pid: number): number {
  try {
    return Number(/^net:\[(\d{1,15})\]$/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1] ?? 0)
  } catch {
    return 0
  }
}

function usageOf(pid: number): (Spent & { readonly memory: number }) | null {
  const stat = parseStat(readSmall(`/proc/${pid}/stat`))
  if (stat === null) return null
  const io = readSmall(`/proc/${pid}/io`)
  const bytes = (name: string) => Number(new RegExp(`^${name}: (\\d{1,19})$`, 'm').exec(io ?? '')?.[1] ?? Number.NaN)
  return { ...stat, memory: stat.pages * PAGE_BYTES, read: bytes('read_bytes'), written: bytes('write_bytes') }
}

/** proc(5), /proc/pid/stat. A program's name may hold blanks and brackets: fields are counted from behind it. null: gone, or ended and not waited for. */
export function parseStat(
  text: string | null,
): { readonly ticks: number; readonly started: number; readonly pages: number } | null {
  const behind = text?.lastIndexOf(')') ?? -1
  if (text === null || behind < 0) return null
  const fields = text.slice(behind + 2).split(' ')
  const [ticks, started, pages] = [Number(fields[11]) + Number(fields[12]), Number(fields[19]), Number(fields[21])]
  if (fields[0] === 'Z' || !(ticks >= 0 && started >= 0 && pages >= 0)) return null
  return { ticks, started, pages }
}

/** AT_PAGESZ = 6 in the auxiliary vector (getauxval(3)). */
function pageBytes(): number {
  const vector = Buffer.from(readSmall('/proc/self/auxv') ?? '', 'latin1')
  for (let at = 0; at + 16 <= vector.length; at += 16)
    if (vector.readBigUInt64LE(at) === 6n) return Number(vector.readBigUInt64LE(at + 8))
  return 4_096
}
