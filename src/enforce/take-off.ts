/** What is in force comes off, because the mode says so: at once, or as soon as it can be reached and written down. */
import type { Generation } from '../model/desired.ts'
import type { Mode } from '../model/policy.ts'
import { revert } from './change.ts'
import { bare, type Snapshot } from './snapshot.ts'
import type { ComingOff, Standing } from './standing.ts'

export async function undress(at: Standing, of: Generation, mode: Mode): Promise<void> {
  if (at.pending !== null) await revert(at, `mode is ${mode} now`)
  // Not `of`: the one before it is what the server gives again when it may.
  at.generation ??= of
  await takeAllOff(at, at.current, comingOffFor(mode, null))
}

export function comingOffFor(mode: Mode, also: Snapshot | null): ComingOff {
  return { why: `mode is ${mode}: what was in force is taken off`, also, isOff: false, isWritten: false }
}

/** Neither a disk that is full nor a kernel that cannot be asked just now keeps it in force: `repair` goes on with it. */
export async function takeAllOff(at: Standing, worn: Snapshot, what: ComingOff): Promise<void> {
  at.current = bare(worn)
  at.comingOff = what
  const unwritten = what.isWritten ? null : at.written.commit(at.generation!, at.current)
  what.isWritten = unwritten === null
  if (!what.isOff) {
    at.facets.forget()
    await at.hold(at.current, what.also, at.facets.owe)
    what.isOff = true
    at.options.say(unwritten === null ? what.why : `${what.why}, which could not be written down yet: ${unwritten}`)
    at.tell(at.generation!, 'refused', { why: what.why })
  }
  if (what.isWritten && (await at.facets.settled(at.options.inventory()))) at.comingOff = null
}
