/**
 * Between the link and whoever acts: every message of the server comes in, and only what the host's floor allows goes on.
 * What is refused is counted and kept for the next report, with its reason and its place; it changes nothing else.
 */
import { LOW_REPUTATION } from '../assess/indicators.ts'
import { approvalFault } from '../enforce/floor-approval.ts'
import type { FoundFloor } from '../enforce/floor-file.ts'
import { changedWorkloads, type Held, judgeState } from '../enforce/floor-judge.ts'
import { type Fault, shown } from '../enforce/floor-words.ts'
import { endingByOurClock } from '../enforce/skew.ts'
import { type Cidr, isV4, parseCidr } from '../model/address.ts'
import type { Approval } from '../model/approval.ts'
import type { AgentState } from '../model/desired.ts'
import type { ServerMessage, WireRefusal } from '../model/wire.ts'

type Indicators = Extract<ServerMessage, { type: 'indicators' }>
type StateMessage = Extract<ServerMessage, { type: 'state' }>

export type Gate = {
  readonly counters: { refused: number; accepted: number; crowded: number }
  /** A state as it is to be applied: its containments end by our clock. `judge` knows it again by its identity. */
  admit(message: StateMessage, aheadMs: number): AgentState
  /** Nothing is remembered of it. */
  fault(state: AgentState, inForce: AgentState | null): Fault | null
  /** For the enforcer, when the state's turn has come. */
  judge(state: AgentState, inForce: AgentState | null): string | null
  /** As a list to be matched, with what the floor protects above it; null when it was refused. */
  indicators(message: Indicators): Indicators | null
  /** Nothing of one source may pile up: false when so much of it waits already. */
  enter(of: WireRefusal['of'], act: () => Promise<unknown>): void
  refuse(of: WireRefusal['of'], fault: Fault): void
  /** Since the last call. */
  take(): WireRefusal[]
}

const MINUTE_MS = 60_000
const MAX_WAITING = 50
const MAX_KEPT = 50
/** What honest lists of bogons hold is a /3 at the widest (224.0.0.0/3, ::/3): wider ones say "everybody". */
const WIDEST = 3

export function createGate(options: {
  readonly agent: string
  readonly floor: () => FoundFloor
  readonly held: () => Omit<Held, 'inForce' | 'changed' | 'now'>
  /** epoch ms, by which containments end. */
  readonly clock: () => number
  readonly monotonicMs: () => number
  /** There is a refusal to tell of. */
  readonly refused: () => void
  readonly say: (line: string) => void
}): Gate {
  const counters = { refused: 0, accepted: 0, crowded: 0 }
  const originals = new WeakMap<AgentState, { readonly state: AgentState; readonly approvals: readonly Approval[] }>()
  const kept = new Map<string, WireRefusal>()
  let changes: { readonly at: number; readonly n: number }[] = []
  let waiting = 0

  const refuse: Gate['refuse'] = (of, { reason, pointer }) => {
    counters.refused++
    const key = `${of} ${pointer} ${reason}`
    const before = kept.get(key)
    if (before === undefined && kept.size >= MAX_KEPT) return
    kept.set(key, {
      at: Math.max(0, options.clock()),
      of,
      reason: reason.slice(0, 500),
      pointer: pointer.slice(0, 300),
      times: (before?.times ?? 0) + 1,
    })
    options.refused()
  }

  const fault = (state: AgentState, inForce: AgentState | null): Fault | null => {
    const { floor } = options.floor()
    const now = options.monotonicMs()
    changes = changes.filter(({ at }) => now - at < MINUTE_MS)
    const changed = changes.reduce((sum, { n }) => sum + n, 0)
    const held = { ...options.held(), inForce, changed, now: options.clock() }
    const original = originals.get(state) ?? { state, approvals: [] }
    return (
      judgeState(state, floor, held) ?? approvalFault(options.agent, original.state, original.approvals, floor, inForce)
    )
  }

  return {
    counters,
    refuse,
    admit(message, aheadMs) {
      const state = endingByOurClock(message.state, aheadMs)
      originals.set(state, { state: message.state, approvals: message.approvals ?? [] })
      return state
    },
    fault,
    judge(state, inForce) {
      const found = fault(state, inForce)
      if (found !== null) return `${found.pointer}: ${found.reason}`
      counters.accepted++
      changes.push({ at: options.monotonicMs(), n: changedWorkloads(inForce, state) })
      return null
    },
    indicators(message) {
      const { floor } = options.floor()
      const fault = indicatorFault(message)
      if (fault !== null) {
        refuse('indicators', fault)
        options.say(`a list of indicators is refused: ${fault.pointer}: ${fault.reason}`)
        return null
      }
      const ours = [
        ...floor.protected.map(({ cidr }) => cidr),
        ...options.held().server.map(({ address }) => address),
        ...options.held().gateways,
      ]
      return ours.length === 0
        ? message
        : { ...message, neverBlock: [...message.neverBlock, ...ours], hash: `${message.hash} ${ours.join(' ')}` }
    },
    enter(of, act) {
      if (waiting >= MAX_WAITING) {
        counters.crowded++
        return refuse(of, { pointer: '', reason: `${MAX_WAITING} messages before it wait to be acted on` })
      }
      waiting++
      act()
        .catch((error: Error) => options.say(error.message))
        .finally(() => void waiting--)
    },
    take() {
      const taken = [...kept.values()]
      kept.clear()
      return taken
    },
  }
}

function indicatorFault({ entries, neverBlock, homeNetworks }: Indicators): Fault | null {
  const network = (pointer: string, text: string): Fault | { readonly cidr: Cidr } => {
    const cidr = parseCidr(text)
    return cidr === null ? { pointer, reason: `${shown(text)} is no network` } : { cidr }
  }
  for (const [i, { cidr: text, score, confidence }] of entries.entries()) {
    const found = network(`/entries/${i}/cidr`, text)
    if ('reason' in found) return found
    const length = isV4(found.cidr.base) ? found.cidr.length - 96 : found.cidr.length
    if (length < WIDEST && score < LOW_REPUTATION)
      return { pointer: `/entries/${i}/cidr`, reason: `${shown(text)} would be everybody` }
    if (!(score >= 0 && score <= 1 && confidence >= 0 && confidence <= 1))
      return { pointer: `/entries/${i}`, reason: 'its score or its confidence is not between 0 and 1' }
  }
  for (const [name, list] of Object.entries({ neverBlock, homeNetworks }))
    for (const [i, text] of list.entries()) {
      const found = network(`/${name}/${i}`, text)
      if ('reason' in found) return found
    }
  return null
}
