/**
 * States, confirms and roll-backs come in, one at a time; the kernel changes, and `Applied` says how far it is. Order of a
 * change: intent on disk · addresses added, resolvers written · nft (chains and sets, then the timed flip, one
 * transaction) · preferred source, after the sets know the new address · probes · sockets of what is denied now reset, where
 * that is asked for · wait. Order of a confirmation: commit · permanent maps · old addresses removed. The deadline is kept three times: here, in the supervisor, and in the kernel.
 */

import { compileDelta, confirmDelta, revertDelta } from '../compile/delta.ts'
import type { AgentState, Generation } from '../model/desired.ts'
import { plainText } from '../model/plain-text.ts'
import type { Mode } from '../model/policy.ts'
import { sameGeneration } from '../model/same-generation.ts'
import { someOf } from '../model/some-of.ts'
import type { Applied } from '../model/wire.ts'
import { createCarrying } from './carry.ts'
import { converge, dressingOf, type Missed, stage, undoFor } from './converge.ts'
import { drained } from './drain.ts'
import type { FacetPart, Probe } from './facet.ts'
import { maybe } from './fault.ts'
import { bootId, type Journal, monotonicMs, type Recovery } from './journal.ts'
import { applyText, convergeTable, readTable, tableDrift } from './nft.ts'
import { probeFacets, probeKernel } from './probe.ts'
import { createFacetRepair } from './repair-facets.ts'
import { type ResetWorld, resetDenied } from './reset-sockets.ts'
import { createRuleCounts } from './rule-counts.ts'
import { heldByOurClock } from './skew.ts'
import {
  bare,
  compileSnapshot,
  type Inventory,
  leftOnDisk,
  NOTHING,
  onlyContains,
  type Placed,
  type Snapshot,
} from './snapshot.ts'
import {
  bindingsOf,
  isThere,
  leftBehind,
  letGo,
  readSnapshot,
  snapshotOf,
  uncarried,
  undressed,
} from './snapshot-of.ts'
import type { Noticed } from './watch.ts'
import { wayBackMs } from './way-back.ts'
import { createWritten } from './written.ts'

export type EnforcerOptions = {
  readonly journal: Journal
  /** Asked before each act: a panic takes it down at any time. */
  readonly mode: () => Mode
  /** Follow another control plane than the one remembered. */
  readonly follow: 'same-system' | 'any-system'
  readonly inventory: () => Inventory
  readonly probeServer: () => Promise<Probe>
  /** What the host itself never lets a server ask for (`floor-judge.ts`): a sentence, or null. Asked before anything else. */
  readonly judge?: (state: AgentState, inForce: AgentState | null) => string | null
  /** What sets hold beside what is written in them. */
  readonly learned?: (now: number) => ResetWorld['learned']
  /** Something to report. */
  readonly changed: (applied: Applied) => void
  /** The table was written anew: elements that reflexes had added are gone. */
  readonly reloaded: () => void
  readonly say: (line: string) => void
  /** epoch ms; what ends by itself is measured by it, so it should not jump. */
  readonly clock?: () => number
}

export type Enforcer = {
  readonly applied: Applied | null
  readonly counters: { driftRepairs: number; refused: number; rolledBack: number; unreachable: number; corrupt: number }
  /** In force and confirmed; null when nothing is. */
  readonly inForce: AgentState | null
  recover(): Promise<void>
  apply(state: AgentState): Promise<void>
  confirm(generation: Generation): Promise<void>
  rollback(generation: Generation, why: string): Promise<void>
  /** Compares kernel and intention, repairs, and counts denies. `noticed`: what the kernel said was changed. */
  repair(noticed?: ReadonlySet<Noticed>): Promise<void>
  /** The inventory changed: the same generation, on the workloads there are now. */
  rebind(): Promise<void>
  /** Denied packets by rule id since the last call. */
  takeDenies(): Record<string, number>
  /** Packets that each rule matched since the last call, whatever it made of them. */
  takeHits(): Record<string, number>
  /** The rule behind a prefix of the kernel's log, as `compile` encoded it; itself when it is not known. */
  ruleOf(encoded: string): string
  idle(): Promise<void>
}

type AppliedState = 'applying' | 'confirming' | 'confirmed' | 'rolled-back' | 'refused'
type Pending = {
  readonly state: AgentState
  readonly before: Snapshot
  readonly after: Snapshot
  readonly timer: NodeJS.Timeout
}

/** `also`: facets that another snapshot may have touched. */
type ComingOff = { readonly why: string; readonly also: Snapshot | null; isOff: boolean; isWritten: boolean }

/** The kernel's own timer ends a little after ours, so that the journal's way back is the usual one. */
const KERNEL_SLACK_MS = 1_000
/** Rules of one report. */
const [MAX_DENIES, MAX_HITS] = [5_000, 500]
const NONE: ReadonlySet<Noticed> = new Set()
const RANK: Record<Mode, number> = { off: 0, observe: 1, suggest: 2, enforce: 3 }

export function stricterMode(a: Mode, b: Mode): Mode {
  return RANK[a] <= RANK[b] ? a : b
}

const NO_IDS: ReadonlyMap<string, string> = new Map()
function idsOf(snapshot: Snapshot | undefined): ReadonlyMap<string, string> {
  return (snapshot === undefined ? null : compileSnapshot(snapshot))?.ruleIds ?? NO_IDS
}

export function createEnforcer(options: EnforcerOptions): Enforcer {
  const { journal, say } = options
  const wall = options.clock ?? Date.now
  const counters = { driftRepairs: 0, refused: 0, rolledBack: 0, unreachable: 0, corrupt: 0 }
  const boot = bootId()
  const written = createWritten(journal, boot, wall)
  /** What is in force ends by this; what nobody writes down goes by `wall`. */
  const clock = written.now
  let current: Snapshot = NOTHING
  let generation: Generation | null = null
  let pending: Pending | null = null
  let applied: Applied | null = null
  let turn: Promise<unknown> = Promise.resolve()
  const denies = createRuleCounts()
  const hits = createRuleCounts()
  let unwatched = 0
  let isOwed = false
  /** The inventory that was looked at last for where workloads are. */
  let bound: Inventory | null = null
  let lateWords = ''
  let unboundWords = ''
  const carrying = createCarrying(options.inventory, wall)
  /** What is to come off and is not all off yet: `why` is told when it is. */
  let comingOff: ComingOff | null = null
  const facets = createFacetRepair({ mode: options.mode, counters, say })

  /** One change at a time, whoever asks. */
  const alone = <T>(act: () => Promise<T>): Promise<T> => {
    const mine = turn.then(act, act)
    turn = mine.catch(() => {})
    return mine
  }
  const tell = (of: Generation, state: AppliedState, rest: Partial<Applied> = {}) => {
    // As the server compiles it, which knows nothing of what lingers.
    const worn = pending?.after ?? current
    const { draining, ...whole } = worn
    const hash = compileSnapshot(draining === undefined ? worn : whole)?.hash ?? ''
    applied = { generation: of, state: state as Applied['state'], deadline: null, probes: [], hash, ...rest }
    options.changed(applied)
  }
  const refuse = (of: Generation, why: string) => {
    counters.refused++
    say(`generation ${of.n} refused: ${why}`)
    tell(of, 'refused', { why: why.slice(0, 500) })
  }

  async function apply(state: AgentState): Promise<void> {
    const of = state.generation
    const mode = stricterMode(options.mode(), state.mode)
    const isInForce = holds(of)
    const isPending = pending !== null && sameGeneration(pending.state.generation, of)
    if (isPending && mode === 'enforce') {
      // It was judged when it came, and counted as the change that it is.
      if (applied !== null) options.changed(applied)
      return
    }
    const floor = isInForce || isPending ? null : options.judge?.(state, current.state)
    const why = refusal(of) ?? floor ?? (mode === 'enforce' ? uncarried(state, options.inventory()) : null)
    if (why !== null) return refuse(of, why)
    if (mode !== 'enforce') return withdraw(of, mode)
    if (isInForce) return tell(of, 'confirmed')
    if (pending !== null) await revert(`generation ${of.n} came before it was confirmed`)
    // What was left where somebody was is taken off while it is still known.
    if (!onlyContains(current.state, state) && leftBehind(current, options.inventory()).length > 0) await dressLate()
    try {
      await begin(state)
    } catch (error) {
      const text = (error as Error).message
      if (pending !== null) return revert(text)
      if (holds(of)) return say(`generation ${of.n} is in force; behind that failed: ${text}`)
      // Nothing was written to the kernel yet: a state that does not compile, a namespace that is gone.
      journal.clear()
      refuse(of, text)
    }
  }

  /** What a panic took off is known and not in force: the same generation may come again. */
  const holds = (of: Generation) => current.state !== null && sameGeneration(of, generation ?? undefined)

  /** Older, or of another control plane: a restored or failed-over server cannot silently roll us back. */
  function refusal(of: Generation): string | null {
    if (generation === null || sameGeneration(of, generation)) return null
    if (of.system !== generation.system)
      return options.follow === 'any-system'
        ? null
        : `it is of another control plane (${plainText(of.system, 64)}); start the agent with --adopt to follow it`
    const isOlder = of.timeline < generation.timeline || (of.timeline === generation.timeline && of.n < generation.n)
    return isOlder ? `it is older than generation ${generation.n}, which is in force` : null
  }

  async function withdraw(of: Generation, mode: Mode): Promise<void> {
    if (current.state !== null || pending !== null) await undress(of, mode)
    refuse(of, `mode is ${mode}: nothing is written to the kernel`)
  }

  async function undress(of: Generation, mode: Mode): Promise<void> {
    if (pending !== null) await revert(`mode is ${mode} now`)
    // Not `of`: the one before it is what the server gives again when it may.
    generation ??= of
    await takeAllOff(current, {
      why: `mode is ${mode}: what was in force is taken off`,
      also: null,
      isOff: false,
      isWritten: false,
    })
  }

  /** Neither a disk that is full nor a kernel that cannot be asked just now keeps it in force: `repair` goes on with it. */
  async function takeAllOff(worn: Snapshot, what: ComingOff): Promise<void> {
    current = bare(worn)
    comingOff = what
    const unwritten = what.isWritten ? null : written.commit(generation!, current)
    what.isWritten = unwritten === null
    if (!what.isOff) {
      facets.forget()
      await hold(current, what.also, facets.owe)
      what.isOff = true
      say(unwritten === null ? what.why : `${what.why}, which could not be written down yet: ${unwritten}`)
      tell(generation!, 'refused', { why: what.why })
    }
    if (what.isWritten && (await facets.settled(options.inventory()))) comingOff = null
  }

  /** A new state ends by the clock of now: what is in force is put on it, where it was held by another. */
  async function heldByWall(): Promise<Snapshot> {
    const held = heldByOurClock(current, wall() - clock())
    written.was(null)
    if (held === current) return current
    current = held
    await hold(held)
    return held
  }

  async function begin(state: AgentState): Promise<void> {
    const begunMs = monotonicMs()
    const before = await heldByWall()
    // A containment changes nothing else: nobody inside is looked at, so nobody inside can make it fail.
    const contains = onlyContains(before.state, state)
    const after = contains ? { ...before, state } : await snapshotOf(state, options.inventory(), before, clock())
    const [old, compiled] = [compileSnapshot(before), compileSnapshot(after)!]
    const now = clock()
    const deadlineMs = begunMs + state.confirmWithinMs
    maybe('before-intent')
    const undo = undoFor(before, after, now)
    journal.intend({ generation: state.generation, ...written.stamp(), deadlineMs, before, after, undo })
    maybe('intent-written')
    const timer = setTimeout(() => void alone(() => expire(state.generation)), state.confirmWithinMs)
    pending = { state, before, after, timer }
    tell(state.generation, 'applying', { deadline: now + state.confirmWithinMs })
    await stage('prepare', before, after)
    maybe('facets-prepared')
    const live = await carrying.begin(before, after)
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
    const sooner = setTimeout(() => void alone(() => expire(state.generation)), begunMs + waitMs - monotonicMs())
    pending = { ...pending, timer: sooner }
    await judge(state, before, after, now + waitMs)
  }

  async function judge(state: AgentState, before: Snapshot, after: Snapshot, deadline: number): Promise<void> {
    const contains = onlyContains(before.state, state)
    const own = [await probeKernel(compileSnapshot(after)!), ...(await probeFacets(before, after))]
    const probes = contains ? own : [...own, await options.probeServer()]
    maybe('probed')
    const bad = probes.find((probe) => !probe.ok)
    if (bad !== undefined) return revert(`probe ${bad.name} failed: ${bad.detail}`, probes)
    // A containment ends by itself, and nobody inside may undo it by silencing us: no outside ack is awaited.
    if (contains) {
      await seal(probes)
      if (!holds(state.generation)) return
      const reset = await resetAll(before, after)
      if (reset.length > 0) tell(state.generation, 'confirmed', { probes: [...probes, ...reset] })
      return
    }
    tell(state.generation, 'confirming', { deadline, probes: [...probes, ...(await resetAll(before, after))] })
  }

  /** Sockets whose flows are denied from now on, told beside the probes: a change that failed has ended none. */
  async function resetAll(before: Snapshot, after: Snapshot): Promise<Probe[]> {
    const now = wall()
    const { namespaces, workloads } = options.inventory()
    const missed = (key: string, why: string) => {
      counters.unreachable++
      say(`could not reset the sockets of ${key}: ${why}`)
    }
    const world = { namespaces, carried: carrying.flows, learned: options.learned?.(now), now, missed }
    return (await resetDenied(before, after, world)).map(({ key, sockets, rules }) => {
      const name = workloads.find((one) => one.key === key)?.name ?? key
      const detail = `${sockets} of ${name} reset, denied by ${rules.join(', ')}`.slice(0, 300)
      say(`sockets: ${detail}`)
      return { name: 'sockets', ok: true, detail }
    })
  }

  async function seal(probes: readonly Probe[]): Promise<void> {
    const { state, before, after, timer } = pending!
    clearTimeout(timer)
    maybe('before-commit')
    const settled = letGo(after)
    const unwritten = written.commit(state.generation, settled)
    if (unwritten !== null) return revert(`it could not be written down: ${unwritten}`, probes)
    maybe('committed')
    current = settled
    generation = state.generation
    pending = null
    comingOff = null
    facets.forget()
    // Whatever fails from here on, it is in force: a repair does what is left.
    const later = (error: Error) => {
      isOwed = true
      say(`generation ${state.generation.n} is in force, and not all of it is done yet: ${error.message}`)
    }
    await settle(before, after).catch(later)
    // An intent that is dealt with must not outlast what follows: beside a panic it would look as if it were under way.
    try {
      journal.clear()
    } catch (error) {
      later(error as Error)
    }
    maybe('intent-cleared')
    tell(state.generation, 'confirmed', { probes: [...probes] })
  }

  async function settle(before: Snapshot, after: Snapshot): Promise<void> {
    const [old, compiled] = [compileSnapshot(before), compileSnapshot(after)!]
    // Without a table before, all of it is written anew, and what is carried with it.
    const live = old === null ? carrying.text() : ''
    await applyText(confirmDelta(old, compiled, clock()) + live).catch(() => hold(after))
    if (old === null) options.reloaded()
    maybe('permanent')
    await stage('finish', before, after).catch(() => hold(after))
    await drain()
    maybe('old-removed')
  }

  async function revert(why: string, probes: readonly Probe[] = []): Promise<void> {
    const { state, before, after, timer } = pending!
    clearTimeout(timer)
    maybe('revert-begun')
    const text = revertDelta(compileSnapshot(before), compileSnapshot(after)!, clock())
    await applyText(text).catch((error: Error) => say(error.message))
    counters.unreachable += (await converge(before, after, clock())).length
    await restoreCarried(before)
    maybe('reverted')
    journal.clear()
    pending = null
    counters.rolledBack++
    say(`generation ${state.generation.n} taken back: ${why}`)
    tell(state.generation, 'rolled-back', { why: why.slice(0, 500), probes: [...probes] })
  }

  /** What lingers for connections goes with the last of them. The same generation, as after `rebind`. */
  async function drain(): Promise<void> {
    if (pending !== null || generation === null || current.draining === undefined) return
    const [before, after] = [current, await drained(current, clock())]
    if (after === before) return
    // On a full disk it lingers on; neither a recovery nor what else is to be repaired waits for it.
    if (written.commit(generation, after) !== null) return
    current = after
    const text = compileDelta(compileSnapshot(before), compileSnapshot(after)!, { pendingMs: null, now: clock() })
    await stage('switch', before, after)
      .then(() => stage('finish', before, after))
      .then(() => applyText(text))
      .catch(() => hold(after))
  }

  /** Behind whatever may have written the table anew. */
  async function restoreCarried({ state }: Snapshot): Promise<void> {
    if (state !== null) await applyText(carrying.text()).catch((error: Error) => say(error.message))
  }

  async function expire(of: Generation): Promise<void> {
    if (pending !== null && sameGeneration(of, pending.state.generation)) await revert('it was not confirmed in time')
  }

  async function hold(snapshot: Snapshot, also: Snapshot | null = null, missed?: Missed): Promise<void> {
    const unreachable = await converge(snapshot, also, clock(), missed)
    await restoreCarried(snapshot)
    counters.unreachable += unreachable.length
    isOwed ||= unreachable.length > 0
    for (const line of unreachable) say(`could not reach ${line}`)
    options.reloaded()
  }

  /** A boot whose `restore-base` failed left every workload open: nobody waits for its clothes with the door open. */
  async function closeFirst(snapshot: Snapshot): Promise<void> {
    const compiled = compileSnapshot(snapshot)
    if (compiled === null || (await readTable()) !== null) return
    await convergeTable(compiled, clock()).catch((error: Error) => say(error.message))
  }

  async function recover(): Promise<void> {
    const found = journal.recover(boot)
    counters.corrupt = journal.corrupt
    maybe('recovery-begun')
    const confirmed = journal.confirmed()
    if (confirmed !== null) generation = confirmed.generation
    written.was(found.hold === 'before' ? found.intent : confirmed)
    const intent = journal.intent()
    const left = intent === null || intent.boot === boot ? null : leftOnDisk(await readSnapshot(intent.after))
    if (options.mode() !== 'enforce') {
      if (!(await recoverBare(found, left))) return
    } else if (found.hold === 'before') {
      current = await readSnapshot(found.snapshot)
      await hold(current, await readSnapshot(found.intent.after))
      counters.rolledBack++
      tell(found.intent.generation, 'rolled-back', { why: 'the agent died before it was confirmed' })
    } else if (found.hold === 'confirmed') {
      current = await readSnapshot(found.snapshot)
      await closeFirst(current)
      await hold(current, left)
      await drain()
      if (current.state !== null) tell(found.confirmed.generation, 'confirmed')
    } else if (left !== null) await hold(NOTHING, left)
    else if (journal.corrupt === 0) await convergeTable(null, clock())
    maybe('recovered')
    journal.clear()
  }

  /**
   * Told not to enforce before this process began. Which generation is older, and what was there before us, is known all the
   * same; what the process before it left in force comes off. False: not all of it yet.
   */
  async function recoverBare(found: Recovery, left: Snapshot | null): Promise<boolean> {
    if (found.hold === 'nothing') {
      if (left !== null) await hold(NOTHING, left)
      return true
    }
    const worn = await readSnapshot(found.snapshot)
    const also = found.hold === 'before' ? await readSnapshot(found.intent.after) : left
    current = worn
    if (worn.state === null && also === null) return true
    if (found.hold === 'before') generation ??= found.intent.generation
    const what = {
      why: `mode is ${options.mode()}: what was in force is taken off`,
      also,
      isOff: false,
      isWritten: false,
    }
    await takeAllOff(worn, what).catch((error: Error) => say(error.message))
    return what.isOff
  }

  async function repair(noticed: ReadonlySet<Noticed>): Promise<void> {
    if (current.state === null && pending === null)
      return comingOff === null ? undefined : takeAllOff(current, comingOff)
    if (options.mode() !== 'enforce') return undress(generation ?? pending!.state.generation, options.mode())
    await drain()
    // What came, went or moved while a change waited.
    if (options.inventory() !== bound) await rebindAgain()
    const found = await readTable()
    const ids = new Map([pending?.after, current].flatMap((one) => [...idsOf(one)]))
    denies.add(found?.denies ?? new Map(), ids)
    hits.add(found?.counters ?? new Map(), ids)
    if (pending !== null) {
      if (found === null) {
        counters.driftRepairs++
        await revert('somebody removed table inet guise while it waited for its confirmation')
      }
      return
    }
    const drift = tableDrift(compileSnapshot(current), found, clock())
    if (drift.length > 0) {
      counters.driftRepairs++
      say(`repaired: ${someOf(drift, 3, '; ')}`)
      await convergeTable(compileSnapshot(current), clock())
      await restoreCarried(current)
      options.reloaded()
    }
    const isDue = ++unwatched % 10 === 0 || isOwed
    const before = counters.unreachable
    await facets.repair(current, ({ noticed: by, isSlow }, place) => {
      const isNoticed = by === 'look' || by?.some((what) => noticed.has(what)) === true
      return isDue || (isNoticed && isSlow?.(place) !== true)
    })
    // What failed is tried again at once, then with the others: nobody will tell us of it a second time.
    isOwed = counters.unreachable > before && !isOwed
    await dressLate()
  }

  /** Whoever came, was started or moved after the change puts on what it should wear: the same generation, as after `rebind`. */
  async function dressLate(): Promise<void> {
    const [late, left] = [undressed(current, options.inventory()), leftBehind(current, options.inventory())]
    if (late.length + left.length === 0 || current.state === null || generation === null) return
    const before = current
    try {
      const why = uncarried(current.state, options.inventory())
      if (why !== null) throw new Error(why)
      const after = await snapshotOf(current.state, options.inventory(), before, clock())
      if (JSON.stringify(after.facets) === JSON.stringify(before.facets)) return
      // First of all of them, since one may have the link of another now; and while the journal knows where it is.
      for (const { part, placed } of left) await takeOff(part, placed)
      written.mustCommit(generation, after)
      current = after
      for (const { part, to } of dressingOf(before, after)) await part.converge(to.place, to.state)
      lateWords = ''
    } catch (error) {
      counters.unreachable++
      const keys = new Set([...late, ...left.map(({ placed }) => placed.place.key)])
      const words = `${[...keys].slice(0, 3).join(', ')} cannot be dressed yet: ${(error as Error).message}`
      if (words !== lateWords) say(words)
      lateWords = words
    }
  }

  async function takeOff(part: FacetPart, { place, original }: Placed): Promise<void> {
    await part.converge(place, original).catch(async (error: Error) => {
      // What went with its link needs nothing taken off.
      if (!(await isThere(part, place))) return
      counters.unreachable++
      say(`could not take ${part.facet} of ${place.key} off ${place.face}: ${error.message}`)
    })
  }

  async function rebind(): Promise<void> {
    if (pending !== null || current.state === null || generation === null) return
    const inventory = options.inventory()
    const bindings = bindingsOf(inventory, current.state)
    if (JSON.stringify(bindings) === JSON.stringify(current.bindings)) {
      bound = inventory
      return
    }
    const [before, after] = [current, { ...current, bindings }]
    const text = compileDelta(compileSnapshot(before), compileSnapshot(after)!, { pendingMs: null, now: clock() })
    const live = await carrying.begin(before, after)
    written.mustCommit(generation, after)
    current = after
    await applyText(text + live).catch(() => hold(after))
    bound = inventory
  }

  /** Until it succeeds: nobody may change the inventory a second time. */
  async function rebindAgain(): Promise<void> {
    try {
      await rebind()
      unboundWords = ''
    } catch (error) {
      counters.unreachable++
      const words = `what came, went or moved is not followed yet: ${(error as Error).message}`
      if (words !== unboundWords) say(words)
      unboundWords = words
    }
  }

  return {
    get applied() {
      return applied
    },
    get inForce() {
      return current.state
    },
    counters,
    recover: () => alone(recover),
    apply: (state) => alone(() => apply(state)),
    confirm: (of) =>
      alone(async () => {
        if (pending !== null && sameGeneration(of, pending.state.generation)) await seal(applied?.probes ?? [])
        else if (holds(of)) tell(of, 'confirmed')
      }),
    rollback: (of, why) =>
      alone(async () => {
        if (pending !== null && sameGeneration(of, pending.state.generation)) await revert(why)
      }),
    repair: (noticed = NONE) => alone(() => repair(noticed)),
    rebind: () => alone(rebind),
    takeDenies: () => denies.take(MAX_DENIES),
    takeHits: () => hits.take(MAX_HITS),
    ruleOf: (encoded) => idsOf(current).get(encoded) ?? idsOf(pending?.after).get(encoded) ?? encoded,
    idle: () => alone(async () => {}),
  }
}
