/**
 * What an enforcer knows (what is in force, what waits, what is to come off), and how it tells of it. Shared by what changes it (`change.ts`), takes
 * it off (`take-off.ts`), follows what comes and goes (`follow.ts`) and finds it again (`recover.ts`), one at a time.
 */
import type { AgentState, Generation } from '../model/desired.ts'
import type { Mode } from '../model/policy.ts'
import { sameGeneration } from '../model/same-generation.ts'
import type { Applied } from '../model/wire.ts'
import { type Carrying, createCarrying } from './carry.ts'
import { converge, type Missed } from './converge.ts'
import type { Probe } from './facet.ts'
import { bootId, type Journal } from './journal.ts'
import { applyText } from './nft.ts'
import { createFacetRepair, type FacetRepair } from './repair-facets.ts'
import type { ResetWorld } from './reset-sockets.ts'
import { compileSnapshot, type Inventory, NOTHING, type Snapshot } from './snapshot.ts'
import { createWritten, type Written } from './written.ts'

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

/** How often something happened since the agent began. */
export type Counters = Record<'driftRepairs' | 'refused' | 'rolledBack' | 'unreachable' | 'corrupt', number>

export type Pending = {
  readonly state: AgentState
  readonly before: Snapshot
  readonly after: Snapshot
  readonly timer: NodeJS.Timeout
}

/** `also`: facets that another snapshot may have touched. */
export type ComingOff = { readonly why: string; readonly also: Snapshot | null; isOff: boolean; isWritten: boolean }

type AppliedState = 'applying' | 'confirming' | 'confirmed' | 'rolled-back' | 'refused'

export type Standing = {
  readonly options: EnforcerOptions
  readonly counters: Counters
  readonly boot: string
  readonly written: Written
  readonly carrying: Carrying
  readonly facets: FacetRepair
  /** epoch ms, what nobody writes down goes by it */
  readonly wall: () => number
  /** epoch ms, what is in force ends by it */
  readonly clock: () => number
  current: Snapshot
  generation: Generation | null
  pending: Pending | null
  applied: Applied | null
  /** What is to come off and is not all off yet: `why` is told when it is. */
  comingOff: ComingOff | null
  /** Something was not done or could not be reached: every facet is looked at in the next turn. */
  isOwed: boolean
  /** One change at a time, whoever asks. */
  alone<T>(act: () => Promise<T>): Promise<T>
  /** It is in force. What a panic took off is known and is not: the same generation may come again. */
  holds(of: Generation): boolean
  waitsFor(of: Generation): boolean
  tell(of: Generation, state: AppliedState, rest?: Partial<Applied>): void
  refuse(of: Generation, why: string): void
  /** The host becomes it, from whatever it is; what cannot be reached is owed. */
  hold(snapshot: Snapshot, also?: Snapshot | null, missed?: Missed): Promise<void>
  /** Behind whatever may have written the table anew. */
  restoreCarried(snapshot: Snapshot): Promise<void>
}

export function createStanding(options: EnforcerOptions): Standing {
  const { journal, say, inventory, mode } = options
  const wall = options.clock ?? Date.now
  const boot = bootId()
  const written = createWritten(journal, boot, wall)
  const counters: Counters = { driftRepairs: 0, refused: 0, rolledBack: 0, unreachable: 0, corrupt: 0 }
  let turn: Promise<unknown> = Promise.resolve()
  const at: Standing = {
    options,
    counters,
    boot,
    written,
    carrying: createCarrying(inventory, wall),
    facets: createFacetRepair({ mode, counters, say }),
    wall,
    clock: written.now,
    current: NOTHING,
    generation: null,
    pending: null,
    applied: null,
    comingOff: null,
    isOwed: false,
    alone(act) {
      const mine = turn.then(act, act)
      turn = mine.catch(() => {})
      return mine
    },
    holds: (of) => at.current.state !== null && sameGeneration(of, at.generation ?? undefined),
    waitsFor: (of) => at.pending !== null && sameGeneration(of, at.pending.state.generation),
    tell(of, state, rest = {}) {
      // As the server compiles it, which knows nothing of what lingers.
      const worn = at.pending?.after ?? at.current
      const { draining, ...whole } = worn
      const hash = compileSnapshot(draining === undefined ? worn : whole)?.hash ?? ''
      at.applied = { generation: of, state: state as Applied['state'], deadline: null, probes: [], hash, ...rest }
      options.changed(at.applied)
    },
    refuse(of, why) {
      counters.refused++
      say(`generation ${of.n} refused: ${why}`)
      at.tell(of, 'refused', { why: why.slice(0, 500) })
    },
    async hold(snapshot, also = null, missed) {
      const unreachable = await converge(snapshot, also, at.clock, missed)
      await at.restoreCarried(snapshot)
      counters.unreachable += unreachable.length
      at.isOwed ||= unreachable.length > 0
      for (const line of unreachable) say(`could not reach ${line}`)
      options.reloaded()
    },
    async restoreCarried({ state }) {
      if (state !== null) await applyText(at.carrying.text()).catch((error: Error) => say(error.message))
    },
  }
  return at
}
