/**
 * States, confirms and roll-backs come in, one at a time; the kernel changes, and `Applied` says how far it is. Here is what
 * is refused, and the turn that looks whether all is as it should be; a change itself is `change.ts`.
 */
import type { AgentState, Generation } from '../model/desired.ts'
import { plainText } from '../model/plain-text.ts'
import type { Mode } from '../model/policy.ts'
import { sameGeneration } from '../model/same-generation.ts'
import { someOf } from '../model/some-of.ts'
import type { Applied } from '../model/wire.ts'
import { begin, drain, revert, seal } from './change.ts'
import { createFollowing, type Following } from './follow.ts'
import { convergeTable, readTable, tableDrift } from './nft.ts'
import { recover } from './recover.ts'
import { createRuleCounts } from './rule-counts.ts'
import { compileSnapshot, onlyContains, type Snapshot } from './snapshot.ts'
import { leftBehind, uncarried } from './snapshot-of.ts'
import { type Counters, createStanding, type EnforcerOptions, type Standing } from './standing.ts'
import { takeAllOff, undress } from './take-off.ts'
import type { Noticed } from './watch.ts'

export type Enforcer = {
  readonly applied: Applied | null
  readonly counters: Counters
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

/** Rules of one report. */
const [MAX_DENIES, MAX_HITS] = [5_000, 500]
/** Turns of a repair between two looks at every facet. */
const LOOK_AT_ALL_EVERY = 10
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
  const at = createStanding(options)
  const following = createFollowing(at)
  const denies = createRuleCounts()
  const hits = createRuleCounts()
  let turns = 0

  async function repair(noticed: ReadonlySet<Noticed>): Promise<void> {
    const { pending, comingOff, counters } = at
    if (at.current.state === null && pending === null)
      return comingOff === null ? undefined : takeAllOff(at, at.current, comingOff)
    if (options.mode() !== 'enforce') return undress(at, at.generation ?? pending!.state.generation, options.mode())
    await drain(at)
    // What came, went or moved while a change waited.
    await following.keepUp()
    const found = await readTable()
    const ids = new Map([pending?.after, at.current].flatMap((one) => [...idsOf(one)]))
    denies.add(found?.denies ?? new Map(), ids)
    hits.add(found?.counters ?? new Map(), ids)
    if (pending !== null) {
      if (found === null) {
        counters.driftRepairs++
        await revert(at, 'somebody removed table inet guise while it waited for its confirmation')
      }
      return
    }
    const drift = tableDrift(compileSnapshot(at.current), found, at.clock())
    if (drift.length > 0) {
      counters.driftRepairs++
      options.say(`repaired: ${someOf(drift, 3, '; ')}`)
      await convergeTable(compileSnapshot(at.current), at.clock())
      await at.restoreCarried(at.current)
      options.reloaded()
    }
    const isDue = ++turns % LOOK_AT_ALL_EVERY === 0 || at.isOwed
    const before = counters.unreachable
    await at.facets.repair(at.current, ({ noticed: by, isSlow }, place) => {
      const isNoticed = by === 'look' || by?.some((what) => noticed.has(what)) === true
      return isDue || (isNoticed && isSlow?.(place) !== true)
    })
    // What failed is tried again at once, then with the others: nobody will tell us of it a second time.
    at.isOwed = counters.unreachable > before && !at.isOwed
    await following.dress()
  }

  return {
    get applied() {
      return at.applied
    },
    get inForce() {
      return at.current.state
    },
    counters: at.counters,
    recover: () => at.alone(() => recover(at)),
    apply: (state) => at.alone(() => apply(at, following, state)),
    confirm: (of) =>
      at.alone(async () => {
        if (at.waitsFor(of)) await seal(at, at.applied?.probes ?? [])
        else if (at.holds(of)) at.tell(of, 'confirmed')
      }),
    rollback: (of, why) =>
      at.alone(async () => {
        if (at.waitsFor(of)) await revert(at, why)
      }),
    repair: (noticed = NONE) => at.alone(() => repair(noticed)),
    rebind: () => at.alone(following.rebind),
    takeDenies: () => denies.take(MAX_DENIES),
    takeHits: () => hits.take(MAX_HITS),
    ruleOf: (encoded) => idsOf(at.current).get(encoded) ?? idsOf(at.pending?.after).get(encoded) ?? encoded,
    idle: () => at.alone(async () => {}),
  }
}

async function apply(at: Standing, following: Following, state: AgentState): Promise<void> {
  const { options } = at
  const of = state.generation
  const mode = stricterMode(options.mode(), state.mode)
  const [isInForce, isPending] = [at.holds(of), at.waitsFor(of)]
  if (isPending && mode === 'enforce') {
    // It was judged when it came, and counted as the change that it is.
    if (at.applied !== null) options.changed(at.applied)
    return
  }
  const floor = isInForce || isPending ? null : options.judge?.(state, at.current.state)
  const why = refusal(at, of) ?? floor ?? (mode === 'enforce' ? uncarried(state, options.inventory()) : null)
  if (why !== null) return at.refuse(of, why)
  if (mode !== 'enforce') {
    if (at.current.state !== null || at.pending !== null) await undress(at, of, mode)
    return at.refuse(of, `mode is ${mode}: nothing is written to the kernel`)
  }
  if (isInForce) return at.tell(of, 'confirmed')
  if (at.pending !== null) await revert(at, `generation ${of.n} came before it was confirmed`)
  // What was left where somebody was is taken off while it is still known.
  if (!onlyContains(at.current.state, state) && leftBehind(at.current, options.inventory()).length > 0)
    await following.dress()
  try {
    await begin(at, state)
  } catch (error) {
    const text = (error as Error).message
    if (at.pending !== null) return revert(at, text)
    if (at.holds(of)) return options.say(`generation ${of.n} is in force; behind that failed: ${text}`)
    // Nothing was written to the kernel yet: a state that does not compile, a namespace that is gone.
    options.journal.clear()
    at.refuse(of, text)
  }
}

/** Older, or of another control plane: a restored or failed-over server cannot silently roll us back. */
function refusal({ generation, options }: Standing, of: Generation): string | null {
  if (generation === null || sameGeneration(of, generation)) return null
  if (of.system !== generation.system)
    return options.follow === 'any-system'
      ? null
      : `it is of another control plane (${plainText(of.system, 64)}); start the agent with --adopt to follow it`
  const isOlder = of.timeline < generation.timeline || (of.timeline === generation.timeline && of.n < generation.n)
  return isOlder ? `it is older than generation ${generation.n}, which is in force` : null
}
