/** What processes cost: processor time and memory of one and of all that it started, from /proc (proc(5)). */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { childrenOf } from '../kill/range.ts'

/** USER_HZ, on all Linux. */
const TICKS_PER_SECOND = 100

export type Cost = {
  readonly pid: number
  readonly name: string
  /** Seconds of user and system time since it began: its own, and those of children that it has buried. */
  readonly ownS: number
  readonly buriedS: number
  /** Pages of its own, and pages it shares with others (its program and libraries). */
  readonly privateMib: number
  readonly sharedMib: number
}

export function costsOf(root: number): Cost[] {
  const costs: Cost[] = []
  const walk = (pid: number) => {
    const cost = costOf(pid)
    if (cost !== null) costs.push(cost)
    for (const child of childrenOf(pid)) walk(child)
  }
  walk(root)
  return costs
}

/** MiB of them all: what is private of each, and once what is shared, as if nobody else ran the same program. */
export function memoryOf(costs: readonly Cost[]): number {
  const shared = costs.reduce((most, { sharedMib }) => Math.max(most, sharedMib), 0)
  return costs.reduce((sum, { privateMib }) => sum + privateMib, shared)
}

export const cpuOf = (costs: readonly Cost[]): number =>
  costs.reduce((sum, { ownS, buriedS }) => sum + ownS + buriedS, 0)

/** Null for one that ended meanwhile. */
function costOf(pid: number): Cost | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // utime, stime, cutime, cstime
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const seconds = (...at: number[]) => at.reduce((sum, i) => sum + Number(fields[i]), 0) / TICKS_PER_SECOND
    const maps = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
    const mib = (...names: string[]) =>
      names.reduce((sum, name) => sum + Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(maps)?.[1] ?? 0), 0) / 1_024
    return {
      pid,
      name: nameOf(pid),
      ownS: seconds(11, 12),
      buriedS: seconds(13, 14),
      privateMib: mib('Private_Clean', 'Private_Dirty'),
      sharedMib: mib('Shared_Clean', 'Shared_Dirty'),
    }
  } catch {
    return null
  }
}

/** Of a module that Node runs, its file. */
function nameOf(pid: number): string {
  const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  return basename(argv.find((one) => /\.[cm]?[jt]s$/.test(one)) ?? argv[0] ?? '?')
}
