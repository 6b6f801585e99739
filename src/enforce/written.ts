/**
 * What is in force, as it is written down, and the clock that it ends by: the wall's, but never before what was written down
 * last and the time since. So neither a boot at which nobody knows what time it is nor a clock that is set back prolongs it.
 */
import { type Confirmed, commitFault, type Journal, monotonicMs, notBefore, type Since } from './journal.ts'
import type { Snapshot } from './snapshot.ts'

type Stamp = { readonly boot: string; readonly since: Since }

export type Written = {
  /** epoch ms */
  now(): number
  /** What a record of this moment says beside what it holds. */
  stamp(): Stamp
  /** Why it is not written down; null when it is. */
  commit(generation: Confirmed['generation'], snapshot: Snapshot): string | null
  /** Throws why. */
  mustCommit(generation: Confirmed['generation'], snapshot: Snapshot): void
  /** A record that was found; null = what is in force goes by the wall's clock. */
  was(record: Pick<Confirmed, 'boot' | 'since'> | null): void
}

export function createWritten(journal: Journal, boot: string, wall: () => number): Written {
  let last: Pick<Confirmed, 'boot' | 'since'> | null = null
  const now = () => (last === null ? wall() : notBefore(last, boot, wall()))
  const stamp = (): Stamp => ({ boot, since: { at: now(), ranMs: monotonicMs() } })
  const commit: Written['commit'] = (generation, snapshot) => {
    const confirmed = { generation, ...stamp(), snapshot }
    const fault = commitFault(journal, confirmed)
    if (fault === null) last = confirmed
    return fault
  }
  return {
    now,
    stamp,
    commit,
    mustCommit(generation, snapshot) {
      const fault = commit(generation, snapshot)
      if (fault !== null) throw new Error(fault)
    },
    was(record) {
      last = record
    },
  }
}
