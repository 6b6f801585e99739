/**
 * One change, from its intent to its confirmation or its way back. Order: intent on disk · addresses added, resolvers
 * written · nft (chains and sets, then the timed flip, one transaction) · preferred source, after the sets know the new
 * address · probes · sockets of what is denied now reset, where that is asked for · wait. Order of a confirmation: commit ·
 * permanent maps · old addresses removed. The deadline is kept three times: here, in the supervisor, and in the kernel.
 */
import { compileDelta, confirmDelta, revertDelta } from '../compile/delta.ts'
import type { AgentState, Generation } from '../model/desired.ts'
import { converge, stage, undoFor } from './converge.ts'
import { drained } from './drain.ts'
import type { Probe } from './facet.ts'
import { maybe } from './fault.ts'
import { monotonicMs } from './journal.ts'
import { applyText } from './nft.ts'
import { probeFacets, probeKernel } from './probe.ts'
import { resetDenied } from './reset-sockets.ts'
import { heldByOurClock } from './skew.ts'
import { compileSnapshot, onlyContains, type Snapshot } from './snapshot.ts'
import { letGo, snapshotOf } from './snapshot-of.ts'
import type { Standing } from './standing.ts'
import { wayBackMs } from './way-back.ts'

/** The kernel's own timer ends a little after ours, so that the journal's way back is the usual one. */
const KERNEL_SLACK_MS = 1_000

/** Throws what keeps it from being done; while it is `at.pending`, there is a way back to go. */
export async function begin(at: Standing, state: AgentState): Promise<void> {
  const { options, clock } = at
  const begunMs = monotonicMs()
  const before = await heldByWall(at)
  // A containment changes nothing else: nobody inside is looked at, so nobody inside can make it fail.
  const contains = onlyContains(before.state, state)
  const after = contains ? { ...before, state } : await snapshotOf(state, options.inventory(), before, clock())
  const [old, compiled] = [compileSnapshot(before), compileSnapshot(after)!]
  const now = clock()
  const deadlineMs = begunMs + state.confirmWithinMs
  maybe('before-intent')
  const undo = undoFor(before, after, now)
  options.journal.intend({ generation: state.generation, ...at.written.stamp(), deadlineMs, before, after, undo })
  maybe('intent-written')
  const timer = setTimeout(() => void at.alone(() => expire(at, state.generation)), state.confirmWithinMs)
  at.pending = { state, before, after, timer }
  at.tell(state.generation, 'applying', { deadline: now + state.confirmWithinMs })
  await stage('prepare', before, after)
  maybe('facets-prepared')
  const live = await at.carrying.begin(before, after)
  const text = compileDelta(old, compiled, { pendingMs: state.confirmWithinMs + KERNEL_SLACK_MS, now })
  const flip = applyText(text + live)
  maybe('nft-sent')
  await flip
  if (old === null) options.reloaded()
  maybe('nft-flipped')
  await stage('switch', before, after)
  maybe('source-switched')
  // The way back takes about as long as the way there: begun so much earlier, it is over when the time is.
  const waitMs = state.confirmWithinMs - wayBackMs(monotonicMs() - begunMs, state.confirmWithinMs)
  clearTimeout(timer)
  const sooner = setTimeout(() => void at.alone(() => expire(at, state.generation)), begunMs + waitMs - monotonicMs())
  at.pending = { ...at.pending, timer: sooner }
  await judge(at, state, before, after, now + waitMs)
}

/** A new state ends by the clock of now: what is in force is put on it, where it was held by another. */
async function heldByWall(at: Standing): Promise<Snapshot> {
  const held = heldByOurClock(at.current, at.wall() - at.clock())
  at.written.was(null)
  if (held === at.current) return held
  at.current = held
  await at.hold(held)
  return held
}

async function judge(
  at: Standing,
  state: AgentState,
  before: Snapshot,
  after: Snapshot,
  deadline: number,
): Promise<void> {
  const contains = onlyContains(before.state, state)
  const own = [await probeKernel(compileSnapshot(after)!), ...(await probeFacets(before, after))]
  const probes = contains ? own : [...own, await at.options.probeServer()]
  maybe('probed')
  const bad = probes.find((probe) => !probe.ok)
  if (bad !== undefined) return revert(at, `probe ${bad.name} failed: ${bad.detail}`, probes)
  // A containment ends by itself, and nobody inside may undo it by silencing us: no outside ack is awaited.
  if (contains) {
    await seal(at, probes)
    if (!at.holds(state.generation)) return
    const reset = await resetAll(at, before, after)
    if (reset.length > 0) at.tell(state.generation, 'confirmed', { probes: [...probes, ...reset] })
    return
  }
  at.tell(state.generation, 'confirming', { deadline, probes: [...probes, ...(await resetAll(at, before, after))] })
}

/** Sockets whose flows are denied from now on, told beside the probes: a change that failed has ended none. */
async function resetAll(at: Standing, before: Snapshot, after: Snapshot): Promise<Probe[]> {
  const { options, counters } = at
  const now = at.wall()
  const { namespaces, workloads } = options.inventory()
  const missed = (key: string, why: string) => {
    counters.unreachable++
    options.say(`could not reset the sockets of ${key}: ${why}`)
  }
  const world = { namespaces, carried: at.carrying.flows, learned: options.learned?.(now), now, missed }
  return (await resetDenied(before, after, world)).map(({ key, sockets, rules }) => {
    const name = workloads.find((one) => one.key === key)?.name ?? key
    const detail = `${sockets} of ${name} reset, denied by ${rules.join(', ')}`.slice(0, 300)
    options.say(`sockets: ${detail}`)
    return { name: 'sockets', ok: true, detail }
  })
}

/** What waits is in force from here on. */
export async function seal(at: Standing, probes: readonly Probe[]): Promise<void> {
  const { state, before, after, timer } = at.pending!
  clearTimeout(timer)
  maybe('before-commit')
  const settled = letGo(after)
  const unwritten = at.written.commit(state.generation, settled)
  if (unwritten !== null) return revert(at, `it could not be written down: ${unwritten}`, probes)
  maybe('committed')
  at.current = settled
  at.generation = state.generation
  at.pending = null
  at.comingOff = null
  at.facets.forget()
  // Whatever fails from here on, it is in force: a repair does what is left.
  const later = (error: Error) => {
    at.isOwed = true
    at.options.say(`generation ${state.generation.n} is in force, and not all of it is done yet: ${error.message}`)
  }
  await settle(at, before, after).catch(later)
  // An intent that is dealt with must not outlast what follows: beside a panic it would look as if it were under way.
  try {
    at.options.journal.clear()
  } catch (error) {
    later(error as Error)
  }
  maybe('intent-cleared')
  at.tell(state.generation, 'confirmed', { probes: [...probes] })
}

async function settle(at: Standing, before: Snapshot, after: Snapshot): Promise<void> {
  const [old, compiled] = [compileSnapshot(before), compileSnapshot(after)!]
  // Without a table before, all of it is written anew, and what is carried with it.
  const live = old === null ? at.carrying.text() : ''
  await applyText(confirmDelta(old, compiled, at.clock()) + live).catch(() => at.hold(after))
  if (old === null) at.options.reloaded()
  maybe('permanent')
  await stage('finish', before, after).catch(() => at.hold(after))
  await drain(at)
  maybe('old-removed')
}

/** What waits is taken back. */
export async function revert(at: Standing, why: string, probes: readonly Probe[] = []): Promise<void> {
  const { state, before, after, timer } = at.pending!
  const { options, counters } = at
  clearTimeout(timer)
  maybe('revert-begun')
  const text = revertDelta(compileSnapshot(before), compileSnapshot(after)!, at.clock())
  await applyText(text).catch((error: Error) => options.say(error.message))
  counters.unreachable += (await converge(before, after, at.clock)).length
  await at.restoreCarried(before)
  // Where it was gone, or is of another mode, it was written anew.
  options.reloaded()
  maybe('reverted')
  options.journal.clear()
  at.pending = null
  counters.rolledBack++
  options.say(`generation ${state.generation.n} taken back: ${why}`)
  at.tell(state.generation, 'rolled-back', { why: why.slice(0, 500), probes: [...probes] })
}

async function expire(at: Standing, of: Generation): Promise<void> {
  if (at.waitsFor(of)) await revert(at, 'it was not confirmed in time')
}

/** What lingers for connections goes with the last of them. The same generation, as after `rebind`. */
export async function drain(at: Standing): Promise<void> {
  if (at.pending !== null || at.generation === null || at.current.draining === undefined) return
  const [before, after] = [at.current, await drained(at.current, at.clock())]
  if (after === before) return
  // On a full disk it lingers on; neither a recovery nor what else is to be repaired waits for it.
  if (at.written.commit(at.generation, after) !== null) return
  at.current = after
  const text = compileDelta(compileSnapshot(before), compileSnapshot(after)!, { pendingMs: null, now: at.clock() })
  await stage('switch', before, after)
    .then(() => stage('finish', before, after))
    .then(() => applyText(text))
    .catch(() => at.hold(after))
}
