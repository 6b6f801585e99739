/**
 * One look at everything that counts for workloads: their links, queues, cgroups and processes. In: where each workload is;
 * out: its counters as they stand (`reduce/vitals.ts` makes readings of two looks). What fails leaves figures unknown, with
 * the reason; nothing here starts a process, or waits: but the first counter of calls that is opened, and the last that is
 * closed, take the kernel some 20 ms.
 */
import { statSync } from 'node:fs'
import { type FigureName, figureAt } from '../../model/vitals.ts'
import { createLooked, type Looked, lack, put } from '../reduce/vitals.ts'
import { type CallBook, createCallBook } from './calls.ts'
import { createCgroupLook } from './cgroup.ts'
import { lookAtHost, lookAtHostLinks } from './host.ts'
import { createLinkLook, type Links } from './links.ts'
import { createCallKernel } from './perf.ts'
import { createProcessBook, netnsOf, type Usage } from './processes.ts'
import type { StartsWatch } from './starts.ts'

export type Subject = {
  readonly key: string
  readonly isHost: boolean
  /** Our end of its link, and the device that bounds what it sends, when there is one. */
  readonly face: string | null
  readonly upFace: string | null
  /** Below the mounts of the controllers. */
  readonly cgroup: string | null
  /** Path of its network namespace. */
  readonly namespace: string | null
  /** Why its system calls are not to be counted; null = they are. */
  readonly uncounted: string | null
}
/** Totals that other sensors told of a workload; null = there is no sensor that tells of them. */
export type Told = {
  readonly programs: ((key: string) => number) | null
  readonly calls: ((key: string) => number) | null
}
export type VitalsLook = {
  look(subjects: readonly Subject[], now: number): ReadonlyMap<string, Looked>
  readonly counters: { looks: number; failed: number; waiting: number; calls: CallBook['counters'] }
  /** The workload that is alone in a network namespace, as of the last look. */
  aloneIn(netns: number): string | null
  /** Why links could not be read, the last time. */
  readonly failing: string | null
  close(): void
}

const OF_LINKS = ['sent', 'received', 'dropsOut', 'dropsIn', 'errors', 'backlog', 'queueDrops'] as const
const OF_PROCESSES = ['cpu', 'memory', 'diskRead', 'diskWrite', 'processes'] as const
const OF_CGROUPS = ['throttled', 'memoryLimit', 'oomKills'] as const
/** Origins of sums over processes; a cgroup's is its inode. */
const [BY_NETNS, BY_PIDS] = [-1, -2]

const NOWHERE = 'neither a cgroup of its own nor a network namespace is known of it; name them in places.json'
const SHARED = 'it shares its network namespace with others; give it a cgroup in places.json'
const NO_NETWORK = 'it has no network namespace of its own on this host'
const NO_CGROUP = 'it has no cgroup of its own; name it in places.json'
const NO_CONTROLLER = 'its cgroup has no such controller or limit'

type Members = { readonly netns: number } | { readonly pids: readonly number[] }

const NOBODY: Told = { programs: null, calls: null }
const NO_SENSOR = 'no sensor tells of them; give the agent --source tetragon=FILE or auditd=FILE'

/** `starts`: who counts programs, or why nobody does; then sensors may. Nobody's calls are counted without it. */
export function createVitalsLook(
  starts: StartsWatch | string = 'nobody counts them here',
  told: Told = NOBODY,
  calls: CallBook = createCallBook(createCallKernel()),
): VitalsLook {
  const links = createLinkLook()
  const cgroups = createCgroupLook()
  const processes = createProcessBook()
  const counters = { looks: 0, failed: 0, waiting: 0, calls: calls.counters }
  if (typeof starts !== 'string') starts.follow(calls)
  const ours = new Set([netnsOf(process.pid), netnsOf(1)])
  let failing: string | null = null
  let alone: ReadonlyMap<number, string> = new Map()

  const lookAtLinks = (): Links | null => {
    try {
      const found = links.look()
      failing = null
      return found
    } catch (error) {
      counters.failed++
      failing = (error as Error).message
      return null
    }
  }
  /** Who is in each; a cgroup puts what it counts itself. */
  const membersOf = (
    subjects: readonly Subject[],
    spaces: Spaces,
    found: ReadonlyMap<string, Looked>,
  ): Map<string, Members> => {
    const members = new Map<string, Members>()
    for (const { key, isHost, cgroup } of subjects) {
      if (isHost) continue
      const looked = found.get(key)!
      const pids = cgroup === null ? null : cgroups.look(cgroup, looked)
      // A cgroup that nobody is in says nothing of programs that were started elsewhere.
      if (pids !== null && pids.length > 0) {
        put(looked, 'processes', pids.length)
        members.set(key, { pids })
      } else {
        for (const name of OF_PROCESSES) put(looked, name, Number.NaN)
        const netns = spaces.of.get(key)
        if (netns === undefined) lack(looked, OF_PROCESSES, NOWHERE)
        else if (spaces.alone.get(netns) === key && !ours.has(netns)) members.set(key, { netns })
        else lack(looked, OF_PROCESSES, SHARED)
      }
      lack(looked, OF_CGROUPS, cgroup === null ? NO_CGROUP : NO_CONTROLLER)
    }
    return members
  }
  const countStarts = (subjects: readonly Subject[], spaces: Spaces, found: ReadonlyMap<string, Looked>) => {
    if (typeof starts !== 'string') {
      starts.setSpaces(spaces.alone)
      starts.drain()
    }
    for (const { key } of subjects) {
      const looked = found.get(key)!
      const netns = spaces.of.get(key)
      const isAlone = netns !== undefined && spaces.alone.get(netns) === key
      // What the kernel had no room to tell is a gap.
      if (typeof starts !== 'string' && isAlone) put(looked, 'starts', starts.count(key), starts.counters.lost)
      else if (typeof starts === 'string' && told.programs !== null) put(looked, 'starts', told.programs(key))
      if (told.calls !== null) put(looked, 'syscalls', told.calls(key))
      lack(looked, ['syscalls'], NO_SENSOR)
      const why = typeof starts === 'string' ? starts : netns === undefined ? NO_NETWORK : SHARED
      lack(looked, ['starts'], why)
    }
  }

  const countCalls = (
    subjects: readonly Subject[],
    members: ReadonlyMap<string, Members>,
    found: ReadonlyMap<string, Looked>,
  ) => {
    const wanted = new Map<string, readonly number[]>()
    for (const { key, uncounted } of subjects) {
      const looked = found.get(key)!
      const member = members.get(key)
      if (uncounted !== null) lack(looked, ['systemCalls'], uncounted)
      else if (typeof starts === 'string') lack(looked, ['systemCalls'], `who starts whom is not known: ${starts}`)
      else if (member === undefined) lack(looked, ['systemCalls'], looked.why.get('processes') ?? NOWHERE)
      else wanted.set(key, 'pids' in member ? member.pids : processes.pidsOf(key))
    }
    // Whoever is in that list has begun by now, and is told of.
    if (typeof starts !== 'string' && wanted.size > 0) starts.drain()
    for (const [key, counted] of calls.look(wanted))
      if ('why' in counted) lack(found.get(key)!, ['systemCalls'], counted.why)
      else put(found.get(key)!, 'systemCalls', counted.total, counted.epoch)
  }

  return {
    counters,
    get failing() {
      return failing
    },
    aloneIn: (netns) => alone.get(netns) ?? null,
    look(subjects, now) {
      counters.looks++
      const found = new Map(subjects.map(({ key }) => [key, createLooked()]))
      const spaces = spacesOf(subjects)
      alone = spaces.alone
      const members = membersOf(subjects, spaces, found)
      countStarts(subjects, spaces, found)
      const isLacking = (key: string) =>
        OF_PROCESSES.some((name) => Number.isNaN(found.get(key)!.values[figureAt[name]]!))
      const lacking = new Map([...members].filter(([key]) => isLacking(key)))
      const usage = processes.look(lacking, now)
      countCalls(subjects, members, found)
      for (const [key, member] of lacking) fill(found.get(key)!, usage.get(key), 'netns' in member ? BY_NETNS : BY_PIDS)
      counters.waiting = processes.waiting
      cgroups.forget(new Set(subjects.flatMap(({ cgroup }) => cgroup ?? [])))
      const counted = subjects.length === 0 ? null : lookAtLinks()
      const faces = new Set(subjects.flatMap(({ face }) => face ?? []))
      for (const subject of subjects) {
        const looked = found.get(subject.key)!
        if (subject.isHost) {
          lookAtHost(looked)
          if (counted !== null) lookAtHostLinks(counted, faces, looked)
        } else if (counted !== null) lookAtLink(subject, counted, looked)
        lack(looked, OF_LINKS, whyNoLink(subject, failing))
      }
      return found
    },
    close() {
      links.close()
      calls.close()
      if (typeof starts !== 'string') starts.close()
    },
  }
}

type Spaces = {
  /** Inode of the network namespace of each. */
  readonly of: ReadonlyMap<string, number>
  /** Whose it is, when it is one workload's only. */
  readonly alone: ReadonlyMap<number, string>
}

function spacesOf(subjects: readonly Subject[]): Spaces {
  const of = new Map<string, number>()
  const inside = new Map<number, string[]>()
  for (const { key, isHost, namespace } of subjects) {
    const netns = isHost ? netnsOf(process.pid) : namespace === null ? 0 : inodeOf(namespace)
    if (netns === 0) continue
    of.set(key, netns)
    inside.set(netns, [...(inside.get(netns) ?? []), key])
  }
  return { of, alone: new Map([...inside].flatMap(([netns, keys]) => (keys.length === 1 ? [[netns, keys[0]!]] : []))) }
}

/** What no cgroup told. */
function fill(looked: Looked, usage: Usage | undefined, origin: number): void {
  if (usage === undefined) return
  const told: readonly (readonly [FigureName, number])[] = [
    ['cpu', usage.cpu],
    ['memory', usage.memory],
    ['diskRead', usage.read],
    ['diskWrite', usage.written],
    ['processes', usage.processes],
  ]
  const missing = createLooked()
  for (const [name, value] of told) put(missing, name, value, origin)
  for (const [i, value] of looked.values.entries()) {
    if (!Number.isNaN(value) || Number.isNaN(missing.values[i]!)) continue
    looked.values[i] = missing.values[i]!
    looked.origins[i] = missing.origins[i]!
  }
}

/** What it sends we receive. */
function lookAtLink({ face, upFace }: Subject, { byName, queues }: Links, looked: Looked): void {
  const link = face === null ? undefined : byName.get(face)
  if (link === undefined) return
  const { index } = link
  put(looked, 'sent', link.receivedBytes, index)
  put(looked, 'received', link.sentBytes, index)
  put(looked, 'dropsOut', link.receivedDrops, index)
  put(looked, 'dropsIn', link.sentDrops, index)
  put(looked, 'errors', link.errors, index)
  const up = upFace === null ? undefined : byName.get(upFace)
  const held = [index, ...(up === undefined ? [] : [up.index])].flatMap((one) => queues.get(one) ?? [])
  if (held.length === 0) return
  const origin = index + (up?.index ?? 0) * 2 ** 24
  put(
    looked,
    'backlog',
    held.reduce((total, one) => total + one.backlogBytes, 0),
  )
  put(
    looked,
    'queueDrops',
    held.reduce((total, one) => total + one.drops, 0),
    origin,
  )
}

function whyNoLink({ face }: Subject, failing: string | null): string {
  if (failing !== null) return `links could not be read: ${failing}`.slice(0, 200)
  return face === null ? 'it has no link of its own here' : `its link ${face} is not in the namespace of its agent`
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0
}
