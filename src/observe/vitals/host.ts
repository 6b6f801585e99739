/** What a whole host uses, for the workload that is the host itself (proc(5): stat, meminfo, diskstats, vmstat). */
import { type Looked, put } from '../reduce/vitals.ts'
import type { Links } from './links.ts'
import { numberOf, readSmall } from './small-file.ts'

const TICKS_PER_SECOND = 100
const SECTOR_BYTES = 512

export function lookAtHost(into: Looked): void {
  put(into, 'cpu', busySeconds(readSmall('/proc/stat')))
  const memory = readSmall('/proc/meminfo')
  const total = kibibytes(memory, 'MemTotal')
  put(into, 'memory', total - kibibytes(memory, 'MemAvailable'))
  put(into, 'memoryLimit', total)
  put(into, 'oomKills', numberOf(readSmall('/proc/vmstat'), 'oom_kill'))
  const disks = wholeDisks(readSmall('/proc/diskstats'))
  put(into, 'diskRead', disks.read)
  put(into, 'diskWrite', disks.written)
}

/** Its own devices alone: what goes to a workload behind it goes through a virtual link, too. */
export function lookAtHostLinks({ byName, queues }: Links, faces: ReadonlySet<string>, into: Looked): void {
  const own = [...byName.values()].filter(
    ({ name, kind, isLoopback }) => !isLoopback && (kind === '' || kind === 'veth') && !faces.has(name),
  )
  if (own.length === 0) return
  // A link that comes or goes changes the sum: then it counts from another origin.
  let origin = own.length
  for (const { index } of own) origin = (origin * 31 + index) % 2 ** 48
  const sum = (of: (link: (typeof own)[number]) => number) => own.reduce((total, link) => total + of(link), 0)
  put(
    into,
    'sent',
    sum((link) => link.sentBytes),
    origin,
  )
  put(
    into,
    'received',
    sum((link) => link.receivedBytes),
    origin,
  )
  put(
    into,
    'dropsOut',
    sum((link) => link.sentDrops),
    origin,
  )
  put(
    into,
    'dropsIn',
    sum((link) => link.receivedDrops),
    origin,
  )
  put(
    into,
    'errors',
    sum((link) => link.errors),
    origin,
  )
  const held = own.flatMap(({ index }) => queues.get(index) ?? [])
  put(
    into,
    'backlog',
    held.reduce((total, one) => total + one.backlogBytes, 0),
  )
  put(
    into,
    'queueDrops',
    held.reduce((total, one) => total + one.drops, 0),
    origin,
  )
}

/** `cpu user nice system idle iowait irq softirq steal …`: all but idle and waiting; guests are in user already. */
export function busySeconds(stat: string | null): number {
  const line = /^cpu +([\d ]+)$/m.exec(stat ?? '')?.[1]
  if (line === undefined) return Number.NaN
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(' ').map(Number)
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND
}

function kibibytes(text: string | null, name: string): number {
  return Number(new RegExp(`^${name}: +(\\d{1,15}) kB$`, 'm').exec(text ?? '')?.[1] ?? Number.NaN) * 1_024
}

/** Sectors read (field 6) and written (10) of devices, not of their partitions, nor of what lies on top of them. */
export function wholeDisks(text: string | null): { readonly read: number; readonly written: number } {
  const total = { read: text === null ? Number.NaN : 0, written: text === null ? Number.NaN : 0 }
  for (const line of (text ?? '').split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (!/^(?:[hsv]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/.test(fields[2] ?? '')) continue
    total.read += Number(fields[5]) * SECTOR_BYTES
    total.written += Number(fields[9]) * SECTOR_BYTES
  }
  return total
}
