/** A process begins: the host becomes what the journal says, whatever the one before it left half done. */
import { drain } from './change.ts'
import { maybe } from './fault.ts'
import type { Recovery } from './journal.ts'
import { convergeTable, readTable } from './nft.ts'
import { compileSnapshot, leftOnDisk, NOTHING, type Snapshot } from './snapshot.ts'
import { readSnapshot } from './snapshot-of.ts'
import type { Standing } from './standing.ts'
import { comingOffFor, takeAllOff } from './take-off.ts'

export async function recover(at: Standing): Promise<void> {
  const { journal, mode } = at.options
  const found = journal.recover(at.boot)
  at.counters.corrupt = journal.corrupt
  maybe('recovery-begun')
  const confirmed = journal.confirmed()
  if (confirmed !== null) at.generation = confirmed.generation
  at.written.was(found.hold === 'before' ? found.intent : confirmed)
  const intent = journal.intent()
  const left = intent === null || intent.boot === at.boot ? null : leftOnDisk(await readSnapshot(intent.after))
  if (mode() !== 'enforce') {
    if (!(await recoverBare(at, found, left))) return
  } else if (found.hold === 'before') {
    at.current = await readSnapshot(found.snapshot)
    await closeFirst(at, at.current)
    await at.hold(at.current, await readSnapshot(found.intent.after))
    at.counters.rolledBack++
    at.tell(found.intent.generation, 'rolled-back', { why: 'the agent died before it was confirmed' })
  } else if (found.hold === 'confirmed') {
    at.current = await readSnapshot(found.snapshot)
    await closeFirst(at, at.current)
    await at.hold(at.current, left)
    await drain(at)
    if (at.current.state !== null) at.tell(found.confirmed.generation, 'confirmed')
  } else if (left !== null) await at.hold(NOTHING, left)
  else if (journal.corrupt === 0) await convergeTable(null, at.clock())
  maybe('recovered')
  journal.clear()
}

/**
 * A boot whose `restore-base` failed left every workload open: nobody waits for his clothes with the door open. Only here,
 * where nothing is carried and nothing was learned yet that a table without it would cut off.
 */
async function closeFirst(at: Standing, wanted: Snapshot): Promise<void> {
  const compiled = compileSnapshot(wanted)
  if (compiled === null || (await readTable()) !== null) return
  await convergeTable(compiled, at.clock()).catch((error: Error) => at.options.say(error.message))
}

/**
 * Told not to enforce before this process began. Which generation is older, and what was there before us, is known all the
 * same; what the process before it left in force comes off. False: not all of it yet.
 */
async function recoverBare(at: Standing, found: Recovery, left: Snapshot | null): Promise<boolean> {
  if (found.hold === 'nothing') {
    if (left !== null) await at.hold(NOTHING, left)
    return true
  }
  const worn = await readSnapshot(found.snapshot)
  const also = found.hold === 'before' ? await readSnapshot(found.intent.after) : left
  at.current = worn
  if (worn.state === null && also === null) return true
  if (found.hold === 'before') at.generation ??= found.intent.generation
  const what = comingOffFor(at.options.mode(), also)
  await takeAllOff(at, worn, what).catch((error: Error) => at.options.say(error.message))
  return what.isOff
}
