/**
 * Batches of flow rows come in; per workload and 5 s tick one `Window` goes out, per 5 minutes its conversations. Pure:
 * time is the event time of the rows and what `close` is told. A row that comes after its tick was closed is not dropped:
 * it amends the oldest open tick and is counted. A flow is attributed to both ends.
 */
import { hashWords } from '../../model/address-table.ts'
import { type Channels, createChannels, grown } from '../../model/channels.ts'
import { type FlowBatch, Proto } from '../../model/flow.ts'
import { createNetworks, isGroupAddress, type Networks } from '../../model/networks.ts'
import {
  BUCKETS,
  CONVERSATION_MS,
  type Conversation,
  createWindow,
  portClass,
  REGISTERS,
  sumAt,
  TICK_MS,
  type Window,
} from '../../model/window.ts'
import { addRows, createChannelSums, HISTOGRAMS_STRIDE, makeRoom, SUMS_STRIDE, Sum } from './channel-sums.ts'
import { type Conversations, createConversations, type OpenConversation } from './conversations.ts'
import type { Directory } from './directory.ts'
import { createPeerTally, type PeerTally } from './peer-tally.ts'
import { hashNumber, sketchAdd } from './sketch.ts'

export type ReducerOptions = {
  readonly directory: Directory
  readonly homeNetworks: readonly string[]
  readonly serviceName: (code: number) => string | null
  /** Agents say `every-tick`: silence is a reading, too. Offline, silence is left out. */
  readonly idle: 'every-tick' | 'omit'
  /** Open readings at most; beyond, rows amend the oldest open tick of their workload (counted). */
  readonly maxOpen?: number
  /** Shared with whoever looks at the same batches. */
  readonly channels?: Channels
}

export type ReducerCounters = { late: number; crowded: number; conversationsRefused: number }

export type Reducer = {
  readonly counters: ReducerCounters
  /** `numbers`: of the batch's channels, where they were looked up before. */
  add(batch: FlowBatch, numbers?: Int32Array): void
  /** Everything up to `until` (epoch ms) is over: ticks that end by then, conversations whose 5 minutes do. */
  close(until: number): { ticks: Window[]; conversations: Conversation[] }
}

type Reading = { readonly window: Window; readonly peers: PeerTally }
/** One workload's open readings, oldest first; mostly one or two. */
type Open = { readonly ticks: Reading[] }
/** One end of a channel that is a workload: where what it does is written down. */
type Side = { reading: Reading; peer: number; conversation: OpenConversation | null }
type Ends = {
  readonly proto: number
  readonly port: number
  readonly sourceHash: number
  readonly targetHash: number
  readonly sourceIsHome: boolean
  readonly targetIsHome: boolean
  /** Multicast is never answered, which is no failure. */
  readonly targetIsGroup: boolean
  initiator: Side | null
  responder: Side | null
  /** It is on the list of those that have something to write down. */
  isTouched: boolean
}

export function createReducer(options: ReducerOptions): Reducer {
  return new Reduction(options)
}

/** Tallies kept for later ticks, up to 14 kB each. */
const SPARES = 1_024
/** Small corrections of a clock make rows late, no more. */
const CLOCK_STEP_MS = 60_000

/** Holds the readings that are open, and what the channels have added to them since they were last asked. */
class Reduction implements Reducer {
  readonly counters: ReducerCounters = { late: 0, crowded: 0, conversationsRefused: 0 }
  readonly #options: ReducerOptions
  readonly #home: Networks
  readonly #conversations: Conversations
  readonly #maxOpen: number
  readonly #open = new Map<number, Open>()
  /** Of ticks that are over. */
  readonly #spare: PeerTally[] = []
  readonly #channels: Channels
  readonly #sums = createChannelSums()
  /** By channel; what is known of its addresses. */
  readonly #ends: (Ends | undefined)[] = []
  /** Channels with something to be written down, in the order in which they got it. */
  readonly #touched: number[] = []
  #openTicks = 0
  #closedUntil = Number.NEGATIVE_INFINITY
  #sweptAt = Number.NEGATIVE_INFINITY
  #generation = 0
  #epoch = 1
  #version = -1
  #batch: FlowBatch | null = null

  constructor(options: ReducerOptions) {
    this.#options = options
    this.#home = createNetworks(options.homeNetworks)
    this.#conversations = createConversations(options.serviceName)
    this.#maxOpen = options.maxOpen ?? 200_000
    this.#channels = options.channels ?? createChannels()
  }

  add(batch: FlowBatch, numbers = this.#channels.number(batch)): void {
    if (this.#channels.generation !== this.#generation) this.#forgetChannels()
    if (this.#options.directory.version !== this.#version) {
      this.#version = this.#options.directory.version
      this.#epoch++
    }
    makeRoom(this.#sums, this.#channels.room)
    this.#batch = batch
    addRows(this.#sums, numbers, batch, {
      epoch: this.#epoch,
      closedUntil: this.#closedUntil,
      resolve: this.#resolve,
      enter: this.#enter,
      late: this.#late,
      name: this.#name,
    })
    this.#batch = null
  }

  close(until: number): { ticks: Window[]; conversations: Conversation[] } {
    this.#writeAll()
    this.#epoch++
    const { directory, idle } = this.#options
    const edge = Math.floor(until / TICK_MS) * TICK_MS
    // The clock was set back: what is open, and all that comes, would wait until that time is there again.
    const isSetBack = edge < this.#closedUntil - CLOCK_STEP_MS
    if (isSetBack) this.#forgetFuture(edge)
    const over = isSetBack ? Number.POSITIVE_INFINITY : edge
    const ticks: Window[] = []
    for (const [workload, mine] of this.#open) {
      while (mine.ticks.length > 0 && mine.ticks[0]!.window.start + TICK_MS <= over) {
        const { window, peers } = mine.ticks.shift()!
        window.peers = peers.heaviest()
        ticks.push(window)
        peers.clear()
        if (this.#spare.length < SPARES) this.#spare.push(peers)
        this.#openTicks--
      }
      if (idle === 'omit' && mine.ticks.length === 0) this.#forgetQuiet(workload, edge)
    }
    if (idle === 'every-tick' && Number.isFinite(this.#closedUntil))
      addIdleTicks(ticks, directory, this.#closedUntil, edge)
    this.#closedUntil = isSetBack ? edge : Math.max(this.#closedUntil, edge)
    const idOf = (workload: number) => directory.idOf(workload)
    const conversations = isSetBack ? this.#conversations.closeAll(edge, idOf) : this.#conversations.close(edge, idOf)
    if (Math.abs(edge - this.#sweptAt) >= CONVERSATION_MS) this.#forgetGone(edge)
    return { ticks, conversations }
  }

  /** Nothing that is open may name a workload when its number goes to another. */
  #forgetGone(edge: number): void {
    this.#sweptAt = edge
    const conversing = this.#conversations.workloads()
    const isNamed = (workload: number) => conversing.has(workload) || (this.#open.get(workload)?.ticks.length ?? 0) > 0
    for (const workload of this.#options.directory.sweep(isNamed)) {
      this.#open.delete(workload)
      this.#sums.lastInitiated[workload] = Number.NaN
    }
  }

  #forgetFuture(edge: number): void {
    const { lastInitiated } = this.#sums
    for (let i = 0; i < lastInitiated.length; i++) if (lastInitiated[i]! > edge) lastInitiated[i] = Number.NaN
  }

  /** Offline there may be a million addresses; what has been silent for 10 minutes has no gap to measure. */
  #forgetQuiet(workload: number, edge: number): void {
    if (this.#sums.lastInitiated[workload]! > edge - 600_000) return
    this.#open.delete(workload)
    this.#sums.lastInitiated[workload] = Number.NaN
  }

  readonly #late = (rows: number): void => {
    this.counters.late += rows
  }

  readonly #name = (channel: number, service: number): void => {
    const { initiator, responder } = this.#ends[channel]!
    this.#conversations.name(initiator?.conversation ?? null, service)
    this.#conversations.name(responder?.conversation ?? null, service)
  }

  #forgetChannels(): void {
    this.#writeAll()
    this.#generation = this.#channels.generation
    this.#ends.length = 0
    this.#sums.epoch.fill(0)
  }

  readonly #resolve = (channel: number, row: number): void => {
    const batch = this.#batch!
    const { directory } = this.#options
    const sums = this.#sums
    const at = row * 4
    const source = directory.resolve(batch.source, at)
    const target = directory.resolve(batch.target, at)
    this.#write(channel)
    sums.source[channel] = source
    sums.target[channel] = target
    sums.epoch[channel] = this.#epoch
    sums.sums[channel * SUMS_STRIDE] = Number.NaN
    if (directory.size > sums.lastInitiated.length) {
      const from = sums.lastInitiated.length
      sums.lastInitiated = grown(sums.lastInitiated, Math.max(1_024, directory.size * 2))
      sums.lastInitiated.fill(Number.NaN, from)
    }
    this.#ends[channel] ??= {
      proto: batch.proto[row]!,
      port: batch.targetPort[row]!,
      sourceHash: hashWords(batch.source, at),
      targetHash: hashWords(batch.target, at),
      sourceIsHome: this.#home.covers(batch.source, at),
      targetIsHome: this.#home.covers(batch.target, at),
      targetIsGroup: isGroupAddress(batch.target, at),
      initiator: null,
      responder: null,
      isTouched: false,
    }
  }

  readonly #enter = (channel: number, row: number): void => {
    const batch = this.#batch!
    const sums = this.#sums
    const end = batch.end[row]!
    this.#write(channel)
    const ends = this.#ends[channel]!
    if (!ends.isTouched) this.#touched.push(channel)
    ends.isTouched = true
    const isLate = end < this.#closedUntil
    const tick = isLate ? this.#closedUntil : Math.floor(end / TICK_MS) * TICK_MS
    const [source, target] = [sums.source[channel]!, sums.target[channel]!]
    ends.initiator = source < 0 ? null : this.#side(batch, row, source, 'initiated')
    ends.responder = target < 0 ? null : this.#side(batch, row, target, 'served')
    const isOwn =
      (ends.initiator?.reading.window.start ?? tick) === tick && (ends.responder?.reading.window.start ?? tick) === tick
    sums.sums[channel * SUMS_STRIDE] = isOwn ? tick : Number.NaN
  }

  #side(batch: FlowBatch, row: number, workload: number, direction: Conversation['direction']): Side {
    const reading = this.#readingOf(workload, batch.end[row]!)
    const peer = reading.peers.intern(direction === 'initiated' ? batch.target : batch.source, row * 4)
    return { reading, peer, conversation: this.#conversations.find(batch, row, workload, direction) }
  }

  #readingOf(workload: number, at: number): Reading {
    let mine = this.#open.get(workload)
    if (mine === undefined) {
      mine = { ticks: [] }
      this.#open.set(workload, mine)
    }
    let start = Math.floor(at / TICK_MS) * TICK_MS
    if (start < this.#closedUntil) {
      this.counters.late++
      start = mine.ticks[0]?.window.start ?? Math.floor(this.#closedUntil / TICK_MS) * TICK_MS
    }
    for (let i = mine.ticks.length - 1; i >= 0; i--) if (mine.ticks[i]!.window.start === start) return mine.ticks[i]!
    if (this.#openTicks >= this.#maxOpen && mine.ticks.length > 0) {
      this.counters.crowded++
      return mine.ticks[0]!
    }
    const window = createWindow(this.#options.directory.idOf(workload), start, TICK_MS)
    window.sums[sumAt.ticks] = 1
    window.sums[sumAt.activeTicks] = 1
    const reading = { window, peers: this.#spare.pop() ?? createPeerTally() }
    mine.ticks.push(reading)
    mine.ticks.sort((a, b) => a.window.start - b.window.start)
    this.#openTicks++
    return reading
  }

  #writeAll(): void {
    for (const channel of this.#touched) {
      this.#write(channel)
      const ends = this.#ends[channel]!
      ends.initiator = null
      ends.responder = null
      ends.isTouched = false
      this.#sums.sums[channel * SUMS_STRIDE] = Number.NaN
    }
    this.#touched.length = 0
  }

  /** What a channel has added up goes to its readings and conversations. */
  #write(channel: number): void {
    const { sums, histograms } = this.#sums
    const at = channel * SUMS_STRIDE
    const rows = sums[at + Sum.rows]!
    if (!(rows > 0)) return
    const ends = this.#ends[channel]!
    const buckets = channel * HISTOGRAMS_STRIDE
    for (const side of [ends.initiator, ends.responder]) {
      if (side === null) continue
      const isInitiator = side === ends.initiator
      const { window, peers } = side.reading
      if (isInitiator) addInitiated(window, ends, sums, at)
      else addServed(window, ends, sums, at)
      addFinished(window, sums, at, histograms, buckets, isInitiator)
      const out = sums[at + (isInitiator ? Sum.bytesOut : Sum.bytesIn)]!
      const into = sums[at + (isInitiator ? Sum.bytesIn : Sum.bytesOut)]!
      const flows = sums[at + Sum.flows]!
      peers.add(side.peer, flows, out, into)
      if (side.conversation === null) this.counters.conversationsRefused += rows
      else {
        const [failed, last] = [sums[at + Sum.failed]!, sums[at + Sum.last]!]
        this.#conversations.add(side.conversation, flows, failed, out, into, last)
      }
    }
    sums.fill(0, at + 1, at + SUMS_STRIDE)
    histograms.fill(0, buckets, buckets + HISTOGRAMS_STRIDE)
  }
}

/** After a host slept, or was too busy to ask: more are no news to anybody, and no report holds them (`MAX_TICKS`). */
const MOST_IDLE = 5_000

/** Silence, said: one empty reading per present workload and tick without one; of a long while the end alone, at most an hour. */
function addIdleTicks(ticks: Window[], directory: Directory, from: number, edge: number): void {
  const said = new Set(ticks.map((window) => `${window.workload}@${window.start}`))
  const present = [...directory.present()]
  const first = edge - Math.min(3_600_000, TICK_MS * Math.max(1, Math.floor(MOST_IDLE / present.length)))
  for (const workload of present) {
    const id = directory.idOf(workload)
    for (let start = Math.max(from, first); start < edge; start += TICK_MS) {
      if (said.has(`${id}@${start}`)) continue
      const window = createWindow(id, start, TICK_MS)
      window.sums[sumAt.ticks] = 1
      ticks.push(window)
    }
  }
}

const SKETCH = { peersInitiated: 0, peersServed: 1, portsInitiated: 2, peerPortsInitiated: 3, portsServed: 4 } as const

function bump(window: Window, sum: number, by: number): void {
  window.sums[sum]! += by
}

function addInitiated(window: Window, ends: Ends, sums: Float64Array, at: number): void {
  const [out, into, flows] = [sums[at + Sum.bytesOut]!, sums[at + Sum.bytesIn]!, sums[at + Sum.flows]!]
  bump(window, sumAt.bytesOutInitiated, out)
  bump(window, sumAt.bytesInInitiated, into)
  bump(window, sumAt.packetsOut, sums[at + Sum.packetsOut]!)
  bump(window, sumAt.packetsIn, sums[at + Sum.packetsIn]!)
  if (!ends.targetIsHome) addExternal(window, sumAt.externalInitiated, flows, out, into)
  if (!ends.targetIsGroup) bump(window, sumAt.failedInitiated, sums[at + Sum.failed]!)
  if (flows === 0) return
  bump(window, sumAt.flowsInitiated, flows)
  bumpProto(window, ends.proto, flows, sumAt.tcpInitiated, sumAt.udpInitiated, sumAt.icmpInitiated)
  if (hasPorts(ends.proto)) {
    bump(window, INITIATED_CLASS[portClass(ends.port)], flows)
    sketchAdd(window.registers, SKETCH.portsInitiated * REGISTERS, hashNumber(ends.port))
  }
  sketchAdd(window.registers, SKETCH.peersInitiated * REGISTERS, ends.targetHash)
  const peerPort = hashNumber(ends.targetHash ^ hashNumber(ends.port))
  sketchAdd(window.registers, SKETCH.peerPortsInitiated * REGISTERS, peerPort)
}

function addServed(window: Window, ends: Ends, sums: Float64Array, at: number): void {
  const [out, into, flows] = [sums[at + Sum.bytesIn]!, sums[at + Sum.bytesOut]!, sums[at + Sum.flows]!]
  bump(window, sumAt.bytesOutServed, out)
  bump(window, sumAt.bytesInServed, into)
  bump(window, sumAt.packetsOut, sums[at + Sum.packetsIn]!)
  bump(window, sumAt.packetsIn, sums[at + Sum.packetsOut]!)
  if (!ends.sourceIsHome) addExternal(window, sumAt.externalServed, flows, out, into)
  if (!ends.targetIsGroup) bump(window, sumAt.failedServed, sums[at + Sum.failed]!)
  if (flows === 0) return
  bump(window, sumAt.flowsServed, flows)
  bumpProto(window, ends.proto, flows, sumAt.tcpServed, sumAt.udpServed, sumAt.icmpServed)
  if (hasPorts(ends.proto)) {
    bump(window, SERVED_CLASS[portClass(ends.port)], flows)
    sketchAdd(window.registers, SKETCH.portsServed * REGISTERS, hashNumber(ends.port))
  }
  sketchAdd(window.registers, SKETCH.peersServed * REGISTERS, ends.sourceHash)
}

function addExternal(window: Window, sum: number, flows: number, out: number, into: number): void {
  bump(window, sum, flows)
  bump(window, sumAt.externalBytesOut, out)
  bump(window, sumAt.externalBytesIn, into)
}

/** Sizes and durations of finished flows, gaps between those that were initiated; what is out for one end is in for the other. */
function addFinished(
  window: Window,
  sums: Float64Array,
  at: number,
  histograms: Uint16Array,
  from: number,
  isInitiator: boolean,
): void {
  bump(window, sumAt.finished, sums[at + Sum.finished]!)
  bump(window, sumAt.durationMs, sums[at + Sum.durationMs]!)
  const to = window.histograms
  const out = isInitiator ? 0 : BUCKETS
  const into = BUCKETS - out
  for (let i = 0; i < BUCKETS; i++) {
    to[i]! += histograms[from + out + i]!
    to[BUCKETS + i]! += histograms[from + into + i]!
    to[2 * BUCKETS + i]! += histograms[from + 2 * BUCKETS + i]!
  }
  if (isInitiator) for (let i = 3 * BUCKETS; i < 4 * BUCKETS; i++) to[i]! += histograms[from + i]!
}

const INITIATED_CLASS = {
  web: sumAt.webInitiated,
  database: sumAt.databaseInitiated,
  dns: sumAt.dnsInitiated,
  mail: sumAt.mailInitiated,
  remote: sumAt.remoteInitiated,
  other: sumAt.otherInitiated,
} as const satisfies Record<string, number>

const SERVED_CLASS = {
  web: sumAt.webServed,
  database: sumAt.databaseServed,
  dns: sumAt.dnsServed,
  mail: sumAt.otherServed,
  remote: sumAt.remoteServed,
  other: sumAt.otherServed,
} as const satisfies Record<string, number>

const hasPorts = (proto: number) => proto === Proto.tcp || proto === Proto.udp

function bumpProto(window: Window, proto: number, by: number, tcp: number, udp: number, icmp: number): void {
  if (proto === Proto.tcp) bump(window, tcp, by)
  else if (proto === Proto.udp) bump(window, udp, by)
  else if (proto === Proto.icmp || proto === Proto.icmp6) bump(window, icmp, by)
}
