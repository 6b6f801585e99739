/**
 * What the kernel counts of one cgroup, in whichever layout this host has each controller: v1 (kernel docs
 * admin-guide/cgroup-v1), v2 (admin-guide/cgroup-v2), or some of both. A controller that is not there leaves its figures unknown.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { type Looked, put } from '../reduce/vitals.ts'
import { numberOf, readSmall, whole } from './small-file.ts'

const ROOT = '/sys/fs/cgroup'
/** One hierarchy for all (v2), or beside those of v1 (hybrid). */
const V2_ROOTS = [ROOT, `${ROOT}/unified`]
/** v1 writes "no limit" as the largest page count there is. */
const NO_LIMIT = 2 ** 62
/** A container's own init makes some; what is deeper is counted by what is above it, but for the number of processes. */
const [DEEPEST, MOST_BELOW] = [3, 64]

type Files = {
  readonly origin: number
  /** Folder of each; null = no such controller here. */
  readonly usage: { readonly file: string; readonly layout: 'v1' | 'v2' } | null
  readonly throttled: { readonly file: string; readonly layout: 'v1' | 'v2' } | null
  readonly memory: { readonly folder: string; readonly layout: 'v1' | 'v2' } | null
  readonly disk: { readonly file: string; readonly layout: 'v1' | 'v2' } | null
  /** Folder whose `cgroup.procs` names its processes. */
  readonly members: string
}

export type CgroupLook = {
  /** Puts what is counted of `cgroup`, a path below the mounts; answers its own processes, null when there is no such cgroup. */
  look(cgroup: string, into: Looked): readonly number[] | null
  /** Those that nobody asks of any more. */
  forget(kept: ReadonlySet<string>): void
}

export function createCgroupLook(): CgroupLook {
  const known = new Map<string, Files>()
  return {
    look(cgroup, into) {
      let files = known.get(cgroup) ?? find(cgroup)
      if (files !== null && inodeOf(files.members) !== files.origin) files = find(cgroup)
      if (files === null) {
        known.delete(cgroup)
        return null
      }
      known.set(cgroup, files)
      readAll(files, into)
      try {
        return pidsOf(files.members)
      } catch {
        // It went while it was read.
        return null
      }
    },
    forget(kept) {
      for (const cgroup of known.keys()) if (!kept.has(cgroup)) known.delete(cgroup)
    },
  }
}

function find(cgroup: string): Files | null {
  const v1 = (controllers: readonly string[], file: string): string | null => {
    const found = controllers
      .map((name) => `${ROOT}/${name}${cgroup}`)
      .find((folder) => existsSync(`${folder}/${file}`))
    return found ?? null
  }
  const v2 = (file: string): string | null =>
    V2_ROOTS.map((root) => `${root}${cgroup}`).find((folder) => existsSync(`${folder}/${file}`)) ?? null
  const either = (controllers: readonly string[], old: string, file: string) => {
    const folder = v1(controllers, old)
    if (folder !== null) return { file: `${folder}/${old}`, layout: 'v1' } as const
    const newer = v2(file)
    return newer === null ? null : ({ file: `${newer}/${file}`, layout: 'v2' } as const)
  }
  const memory = either(['memory'], 'memory.usage_in_bytes', 'memory.current')
  const cpu = ['cpu,cpuacct', 'cpuacct,cpu']
  const members = v1(['memory', 'cpu', ...cpu, 'pids', 'systemd'], 'cgroup.procs') ?? v2('cgroup.procs')
  if (members === null) return null
  return {
    origin: inodeOf(members),
    usage: either(['cpuacct', ...cpu], 'cpuacct.usage', 'cpu.stat'),
    throttled: either(['cpu', ...cpu], 'cpu.stat', 'cpu.stat'),
    memory:
      memory === null ? null : { folder: memory.file.slice(0, memory.file.lastIndexOf('/')), layout: memory.layout },
    disk: either(['blkio'], 'blkio.throttle.io_service_bytes_recursive', 'io.stat'),
    members,
  }
}

function readAll({ origin, usage, throttled, memory, disk }: Files, into: Looked): void {
  if (usage !== null) {
    const text = readSmall(usage.file)
    put(into, 'cpu', usage.layout === 'v1' ? whole(text) / 1e9 : numberOf(text, 'usage_usec') / 1e6, origin)
  }
  if (throttled !== null) {
    const text = readSmall(throttled.file)
    const seconds =
      throttled.layout === 'v1' ? numberOf(text, 'throttled_time') / 1e9 : numberOf(text, 'throttled_usec') / 1e6
    put(into, 'throttled', seconds, origin)
  }
  if (memory !== null) readMemory(memory, origin, into)
  if (disk !== null) {
    const { read, written } = diskBytes(readSmall(disk.file), disk.layout)
    put(into, 'diskRead', read, origin)
    put(into, 'diskWrite', written, origin)
  }
}

/** The file cache that nobody uses is given back on demand: what is left is the working set, as container tools count it. */
function readMemory({ folder, layout }: NonNullable<Files['memory']>, origin: number, into: Looked): void {
  const file = (v1: string, v2: string) => readSmall(`${folder}/${layout === 'v1' ? v1 : v2}`)
  const used = whole(file('memory.usage_in_bytes', 'memory.current'))
  const cache = numberOf(file('memory.stat', 'memory.stat'), layout === 'v1' ? 'total_inactive_file' : 'inactive_file')
  put(into, 'memory', Math.max(0, used - (Number.isNaN(cache) ? 0 : cache)))
  const limit = whole(file('memory.limit_in_bytes', 'memory.max'))
  if (limit < NO_LIMIT) put(into, 'memoryLimit', limit)
  put(into, 'oomKills', numberOf(file('memory.oom_control', 'memory.events'), 'oom_kill'), origin)
}

/** v1: `8:0 Read 4096`, a line per device and operation; v2: `8:0 rbytes=4096 wbytes=0 …`. Nothing was read or written: no line. */
export function diskBytes(
  text: string | null,
  layout: 'v1' | 'v2',
): { readonly read: number; readonly written: number } {
  if (text === null) return { read: Number.NaN, written: Number.NaN }
  const sum = (pattern: RegExp): number => {
    let total = 0
    for (const [, bytes] of text.matchAll(pattern)) total += Number(bytes)
    return total
  }
  return layout === 'v1'
    ? { read: sum(/^\d+:\d+ Read (\d{1,19})$/gm), written: sum(/^\d+:\d+ Write (\d{1,19})$/gm) }
    : { read: sum(/\brbytes=(\d{1,19})\b/g), written: sum(/\bwbytes=(\d{1,19})\b/g) }
}

/** Of a cgroup and those below it: a container may have an init of its own. */
function pidsOf(folder: string, depth = 0): number[] {
  const own =
    readSmall(`${folder}/cgroup.procs`)
      ?.match(/^\d{1,10}$/gm)
      ?.map(Number) ?? []
  // A folder of a kernel's file system has a link for each folder in it.
  if (depth >= DEEPEST || linksOf(folder) <= 2) return own
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return own.concat(...below.slice(0, MOST_BELOW).map(({ name }) => pidsOf(`${folder}/${name}`, depth + 1)))
}

function linksOf(folder: string): number {
  return statSync(folder, { throwIfNoEntry: false })?.nlink ?? 0
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0
}
