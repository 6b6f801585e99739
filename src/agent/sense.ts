/** Conntrack rows come in; reflexes happen at once, windows, conversations and evidence wait for the tick. */
import type { Finding } from '../assess/detector.ts'
import { createDetectors, type Detectors } from '../assess/detectors.ts'
import { createDlpViolations, type Refusal } from '../assess/dlp-violations.ts'
import {
  blocklistHits,
  createIndicatorIndex,
  createNeverBlock,
  type IndicatorIndex,
  LOW_REPUTATION,
} from '../assess/indicators.ts'
import { bindingsOfReport } from '../compile/bind.ts'
import type { Binding } from '../compile/tree.ts'
import { createLearnedSets, type LearnedSets } from '../enforce/learned.ts'
import { load } from '../enforce/load.ts'
import { createReflex, type Reflex } from '../enforce/reflex.ts'
import type { Inventory } from '../enforce/snapshot.ts'
import { parseAddress } from '../model/address.ts'
import { createChannels } from '../model/channels.ts'
import type { AgentState } from '../model/desired.ts'
import type { FlowBatch } from '../model/flow.ts'
import { DEFAULT_TENANT } from '../model/ids.ts'
import { createNetworks, DEFAULT_HOME_NETWORKS } from '../model/networks.ts'
import { sumAt } from '../model/window.ts'
import type { AgentReport, ServerMessage } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'
import { createDirectory, markAntispoofed } from '../observe/reduce/directory.ts'
import { encodeConversation, encodeWindow } from '../observe/reduce/encode.ts'
import { createReducer, type Reducer } from '../observe/reduce/reducer.ts'
import { createServiceNames } from '../observe/source.ts'
import type { SocketSum } from '../observe/sources/sock-diag.ts'
import { createAddressOwners } from './address-owners.ts'
import { createKeyBook } from './key-book.ts'
import { createSocketSums } from './socket-sums.ts'

type Indicators = Extract<ServerMessage, { type: 'indicators' }>
export type Sensed = Pick<AgentReport, 'ticks' | 'conversations' | 'evidence'>

export type Sense = {
  readonly reflex: Reflex
  /** What names in rules stand for. */
  readonly learned: LearnedSets
  take(batch: FlowBatch): void
  /** What the kernel refused. */
  refused(refusal: Refusal): void
  setInventory(inventory: Inventory): void
  setIndicators(indicators: Indicators): void
  /** What sock_diag found inside a workload's namespace: goes into its next tick. */
  addSockets(key: string, sums: readonly SocketSum[]): void
  /** What detectors have found by now; it does not wait for the tick. */
  alarms(now: number): Sensed['evidence']
  /** Ends every tick up to `until`, epoch ms. */
  close(until: number): Sensed
  counters(): Record<string, number>
}

export function createSense(options: {
  readonly home: string
  readonly reflexAllowed: () => boolean
  /** Confirmed; its rules say which names matter. */
  readonly inForce: () => AgentState | null
  readonly say: (line: string) => void
  readonly clock?: () => number
}): Sense {
  const clock = options.clock ?? Date.now
  const directory = createDirectory()
  const names = createServiceNames()
  let inventory: Inventory = { workloads: [], namespaces: new Map() }
  let places = new Map<string, Binding>()
  let index: IndicatorIndex = createIndicatorIndex([])
  let neverBlock = createNeverBlock([])
  let homeNetworks: readonly string[] = DEFAULT_HOME_NETWORKS
  let home = createNetworks(homeNetworks)
  let indicatorsHash = ''
  let listVersion = 0
  let strangers = 0
  const keys = createKeyBook()
  const owners = createAddressOwners()
  const sockets = createSocketSums()
  /** Follow whatever list is newest without losing what detectors remember. */
  const newest: IndicatorIndex = {
    get size() {
      return index.size
    },
    get refused() {
      return index.refused
    },
    get version() {
      return listVersion
    },
    lookup: (words, at) => index.lookup(words, at),
  }
  const never = {
    covers: (words: Parameters<typeof neverBlock.covers>[0], at?: number) => neverBlock.covers(words, at),
    get version() {
      return listVersion
    },
  }
  const channels = createChannels()
  const makeDetectors = () => createDetectors({ homeNetworks, channels, indicators: newest, neverBlock: never })
  const makeReducer = () =>
    createReducer({ directory, channels, homeNetworks, serviceName: names.nameOf, idle: 'every-tick' })
  let detectors: Detectors = makeDetectors()
  let reducer: Reducer = makeReducer()
  const reflex = createReflex({
    home: options.home,
    allowed: options.reflexAllowed,
    neverBlock: () => neverBlock,
    isListed: (words, at) => (index.lookup(words, at)?.score ?? 1) < LOW_REPUTATION,
    placeOf: (workload) => places.get(directory.keyOf(workload)) ?? null,
    say: options.say,
  })

  const violations = createDlpViolations()
  const judged = (now: number) => [
    ...detectors.evaluate(now).flatMap(attribute),
    ...violations.evaluate(now).flatMap((evidence) => attribute({ subject: evidence.subject, evidence })),
  ]
  const learned = createLearnedSets({
    inForce: options.inForce,
    neverBlock: () => never,
    homeNetworks: () => home,
    load,
    say: options.say,
  })

  return {
    reflex,
    learned,
    take(batch) {
      directory.assign(batch)
      learned.heed(batch, clock())
      // Reflexes are allowed while our rules are in force, which is when spoofed sources are dropped.
      if (options.reflexAllowed()) markAntispoofed(batch)
      const hits = blocklistHits(batch, index, neverBlock)
      if (hits.length > 0) reflex.act(batch, hits, clock())
      const numbers = channels.number(batch)
      reducer.add(batch, numbers)
      detectors.add(batch, numbers)
    },
    refused: (refusal) => violations.add(refusal),
    setInventory(next) {
      const moved = owners.moved(next.workloads, clock())
      detectors.drop(moved)
      violations.drop(moved)
      for (const { key } of inventory.workloads)
        if (!next.workloads.some((other) => other.key === key)) directory.remove(key)
      for (const { key, addresses } of next.workloads) {
        directory.put({ key, id: workloadId(DEFAULT_TENANT, key), addresses })
      }
      keys.set(
        next.workloads.map(({ key }) => [workloadId(DEFAULT_TENANT, key), key]),
        clock(),
      )
      inventory = next
      places = new Map(next.workloads.flatMap((report) => bindingsOfReport(report)).map((one) => [one.key, one]))
    },
    setIndicators(message) {
      if (message.hash === indicatorsHash) return
      indicatorsHash = message.hash
      listVersion++
      index = createIndicatorIndex(message.entries)
      neverBlock = createNeverBlock(message.neverBlock)
      const next = message.homeNetworks.length > 0 ? message.homeNetworks : DEFAULT_HOME_NETWORKS
      if (JSON.stringify(next) === JSON.stringify(homeNetworks)) return
      homeNetworks = next
      home = createNetworks(next)
      detectors = makeDetectors()
      reducer = makeReducer()
    },
    addSockets: sockets.add,
    alarms: judged,
    close(until) {
      const { ticks, conversations } = reducer.close(until)
      for (const tick of ticks) {
        const sums = sockets.take(keys.keyOf(tick.workload))
        if (sums === null) continue
        for (const name of ['rttMs', 'rttSamples', 'retransmits'] as const) tick.sums[sumAt[name]]! += sums[name]
      }
      sockets.keepOnly(new Set(inventory.workloads.map(({ key }) => key)))
      return {
        ticks: ticks.map((window) => encodeWindow(window, keys.keyOf(window.workload))),
        conversations: conversations.map((one) => encodeConversation(one, keys.keyOf(one.workload))),
        evidence: judged(until),
      }
    },
    counters: () => ({
      ...detectors.counters(),
      ...reducer.counters,
      ...prefixed('reflex', reflex.counters),
      ...prefixed('dlp', { held: violations.held, refused: violations.refused }),
      ...prefixed('names', { ...learned.counters, live: learned.live }),
      strangers,
      indicators: index.size,
    }),
  }

  /** Evidence against somebody who is not ours is nobody's risk here; it is counted. */
  function attribute({ subject, evidence }: Finding) {
    const words = parseAddress(subject)
    const workload = words === null ? -1 : directory.find(words)
    if (workload < 0) {
      strangers++
      return []
    }
    return [{ key: directory.keyOf(workload), evidence }]
  }
}

/** The same with what others are alarmed by. */
export function withAlarms(sense: Sense, more: (now: number) => Sensed['evidence']): Sense {
  return {
    ...sense,
    alarms: (now) => [...sense.alarms(now), ...more(now)],
    close(until) {
      const sensed = sense.close(until)
      return { ...sensed, evidence: [...sensed.evidence, ...more(until)] }
    },
  }
}

export function prefixed(prefix: string, counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, n]) => [`${prefix}.${name}`.slice(0, 64), n]))
}
