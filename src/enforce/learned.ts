/**
 * Names in rules. Answers of trusted resolvers come in; addresses go into the sets that a confirmed plan declared for these
 * names, for as long as the answer says, within bounds, and for as long as somebody still speaks with them. Nothing of it
 * outlives its time: what nobody asks for again is gone by itself. An answer can neither reach what no name may stand for
 * (loopback, link-local, groups), nor the home networks unless the rule says so, nor shut out the never-block list.
 */
import { learnedElement } from '../compile/nft.ts'
import { formatAddress, type Words } from '../model/address.ts'
import type { AddressSet, AgentState, Learned as Asked } from '../model/desired.ts'
import type { FlowBatch } from '../model/flow.ts'
import { createNetworks, isGroupAddress, type Networks } from '../model/networks.ts'

/** RFC 8767 §4: answers with less are told for a moment of load, and clients keep what they have for about this long. */
const LEAST_MS = 60_000
const MOST_MS = 3_600_000
/** While a flow to it goes on, an address stays this long after the flow was last heard of. */
const LINGER_MS = 120_000
/** However long flows go on: a name that moved away must be asked for again some day. */
const MOST_AGE_MS = 86_400_000
const MAX_PER_SET = 4_096
const MAX_LIVE = 32_768
const NEVER = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '::/127', 'fe80::/10']

export type NamedAnswer = {
  readonly query: string
  readonly addresses: readonly { readonly address: Words; readonly ttl: number }[]
}
export type LearnedSets = {
  readonly counters: { added: number; renewed: number; spared: number; crowded: number; failed: number }
  readonly live: number
  /** What the sets of these names hold beside what is written. */
  held(now: number): readonly { readonly set: string; readonly address: string }[]
  learn(answer: NamedAnswer, now: number): void
  /** Rows that were answered keep what they go to. */
  heed(batch: FlowBatch, now: number): void
  /** The table, or the plan in force, is another: what still holds goes in. */
  restore(now: number): void
  /** Resolves when the kernel has all of it. */
  settled(): Promise<void>
}

type Live = {
  readonly set: string
  readonly address: string
  /** epoch ms of the newest answer */
  learnedAt: number
  until: number
  /** Until when the kernel holds it; 0 = it does not. */
  heldUntil: number
}

export function createLearnedSets(options: {
  readonly inForce: () => AgentState | null
  readonly neverBlock: () => Networks
  readonly homeNetworks: () => Networks
  /** Text for the table, as `compile` writes it. */
  readonly load: (text: string) => Promise<unknown>
  readonly say: (line: string) => void
}): LearnedSets {
  const counters = { added: 0, renewed: 0, spared: 0, crowded: 0, failed: 0 }
  const never = createNetworks(NEVER)
  const live = new Map<string, Live>()
  const byAddress = new Map<string, Live[]>()
  const perSet = new Map<string, number>()
  let turn: Promise<unknown> = Promise.resolve()
  let declared: { readonly of: AgentState | null; readonly sets: ReturnType<typeof setsOf> } = { of: null, sets: [] }
  /** States never change, and answers are many. */
  const sets = () => {
    const state = options.inForce()
    if (declared.of !== state) declared = { of: state, sets: setsOf(state) }
    return declared.sets
  }

  const isRefused = (asked: Asked, words: Words): boolean => {
    if (never.covers(words) || isGroupAddress(words)) return true
    if (asked.use === 'deny' && options.neverBlock().covers(words)) return true
    return asked.inside !== true && options.homeNetworks().covers(words)
  }
  const forget = (key: string, one: Live) => {
    live.delete(key)
    perSet.set(one.set, (perSet.get(one.set) ?? 1) - 1)
    const rest = (byAddress.get(one.address) ?? []).filter((other) => other !== one)
    if (rest.length === 0) byAddress.delete(one.address)
    else byAddress.set(one.address, rest)
  }
  const forgetOld = (now: number) => {
    for (const [key, one] of live) if (one.until <= now) forget(key, one)
  }
  const remember = (set: string, address: string, now: number, until: number): Live | null => {
    const key = `${set} ${address}`
    const known = live.get(key)
    if (known !== undefined) {
      known.learnedAt = now
      known.until = Math.max(known.until, until)
      return known
    }
    const isFull = () => (perSet.get(set) ?? 0) >= MAX_PER_SET || live.size >= MAX_LIVE
    if (isFull()) forgetOld(now)
    if (isFull()) {
      counters.crowded++
      return null
    }
    const one: Live = { set, address, learnedAt: now, until, heldUntil: 0 }
    live.set(key, one)
    perSet.set(set, (perSet.get(set) ?? 0) + 1)
    byAddress.set(address, [...(byAddress.get(address) ?? []), one])
    counters.added++
    return one
  }
  /** Added again where it is there: time that was given cannot be changed, so it goes and comes back in one transaction. */
  const hold = (ones: readonly Live[], now: number) => {
    const wanted = ones.filter(({ until }) => until > now)
    if (wanted.length === 0) return
    for (const [set, some] of Map.groupBy(wanted, (one) => one.set)) holdIn(set, some, now)
  }
  const holdIn = (set: string, wanted: readonly Live[], now: number) => {
    for (const one of wanted) one.heldUntil = one.until
    const lines = wanted.flatMap(({ address, until }) => {
      const place = learnedElement(set, address)!
      const timed = `${place.element} timeout ${Math.max(1, Math.round(until - now))}ms`
      return [
        `add element inet guise ${place.set} { ${timed} }\n`,
        `delete element inet guise ${place.set} { ${place.element} }\n`,
        `add element inet guise ${place.set} { ${timed} }\n`,
      ]
    })
    const write = async () => {
      await options.load(lines.join('')).catch((error: Error) => {
        counters.failed++
        for (const one of wanted) one.heldUntil = 0
        options.say(`what ${set} stands for could not be written: ${error.message}`)
      })
    }
    turn = turn.then(write, write)
  }

  return {
    counters,
    get live() {
      return live.size
    },
    held: (now) => [...live.values()].filter(({ until, heldUntil }) => until > now && heldUntil > now),
    learn({ query, addresses }, now) {
      const asking = sets().filter(({ learned }) => learned.names.some((name) => fits(name, query)))
      const found: Live[] = []
      for (const { name, learned } of asking)
        for (const { address, ttl } of addresses) {
          if (isRefused(learned, address)) {
            counters.spared++
            continue
          }
          const until = now + Math.min(MOST_MS, Math.max(LEAST_MS, ttl * 1_000))
          const one = remember(name, formatAddress(address), now, until)
          if (one !== null && one.heldUntil < one.until) found.push(one)
        }
      hold(found, now)
    },
    heed(batch, now) {
      if (byAddress.size === 0) return
      const renewed: Live[] = []
      for (let row = 0; row < batch.count; row++) {
        if (batch.sourceWorkload[row]! < 0 || batch.packetsIn[row] === 0) continue
        for (const one of byAddress.get(formatAddress(batch.target, row * 4)) ?? []) {
          const until = Math.min(now + LINGER_MS, one.learnedAt + MOST_AGE_MS)
          // What is over is let in by a new answer alone, not by a flow that some other rule permits.
          if (one.until <= now || one.until - now > LINGER_MS / 2 || until <= one.until) continue
          one.until = until
          counters.renewed++
          renewed.push(one)
        }
      }
      hold(renewed, now)
    },
    restore(now) {
      forgetOld(now)
      const names = new Set(sets().map(({ name }) => name))
      hold(
        [...live.values()].filter(({ set }) => names.has(set)),
        now,
      )
    },
    settled: async () => void (await turn),
  }
}

function setsOf(state: AgentState | null): (AddressSet & { readonly learned: Asked })[] {
  if (state === null) return []
  // A set that no rule names is not in the kernel.
  const named = new Set(
    state.workloads.flatMap(({ egress, ingress }) =>
      [...egress.rules, ...ingress.rules].flatMap(({ match: { peer } }) => (peer.kind === 'set' ? [peer.set] : [])),
    ),
  )
  return state.sets.flatMap((set) =>
    set.learned === undefined || !named.has(set.name) ? [] : [{ ...set, learned: set.learned }],
  )
}

/** `*.example.com` fits every name below it and not itself. */
export function fits(name: string, query: string): boolean {
  return name.startsWith('*.') ? query.endsWith(name.slice(1)) && query.length >= name.length : query === name
}
