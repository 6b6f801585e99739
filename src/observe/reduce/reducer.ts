/**
 * Batches of flow rows come in; per workload and 5 s tick one `Window` goes out, per 5 minutes its conversations. Pure:
 * time is the event time of the rows and what `close` is told. A row that comes after its tick was closed is not dropped:
 * it amends the oldest open tick and is counted. A flow is attributed to both ends.
 */
import { hashWords } from '../../model/address-table.ts'
import { beginsFlow, FAILED_STATES, type FlowBatch, Phase, Proto } from '../../model/flow.ts'
import { createNetworks, isGroupAddress } from '../../model/networks.ts'
import {
  BUCKETS,
  type Conversation,
  createWindow,
  HISTOGRAMS,
  portClass,
  REGISTERS,
  sumAt,
  TICK_MS,
  type Window,
} from '../../model/window.ts'
import { createConversations } from './conversations.ts'
import type { Directory } from './directory.ts'
import { createPeerTally, type PeerTally } from './peer-tally.ts'
import { bucketOf, hashNumber, sketchAdd } from './sketch.ts'

export type ReducerOptions = {
  readonly directory: Directory
  readonly homeNetworks: readonly string[]
  readonly serviceName: (code: number) => string | null
  /** Agents say `every-tick`: silence is a reading, too. Offline, silence is left out. */
  readonly idle: 'every-tick' | 'omit'
  /** Open readings at most; beyond, rows amend the oldest open tick of their workload (counted). */
  readonly maxOpen?: number
}

export type ReducerCounters = { late: number; crowded: number; conversationsRefused: number }

export type Reducer = {
  readonly counters: ReducerCounters
  add(batch: FlowBatch): void
  /** Everything up to `until` (epoch ms) is over: ticks that end by then, conversations whose 5 minutes do. */
  close(until: number): { ticks: Window[]; conversations: Conversation[] }
}

type Reading = { readonly window: Window; readonly peers: PeerTally }
/** One workload's open readings, oldest first; mostly one or two. */
type Open = { ticks: Reading[]; lastInitiated: number }

export function createReducer(options: ReducerOptions): Reducer {
  const { directory } = options
  const home = createNetworks(options.homeNetworks)
  const open = new Map<number, Open>()
  const counters: ReducerCounters = { late: 0, crowded: 0, conversationsRefused: 0 }
  const conversations = createConversations(options.serviceName, counters)
  const maxOpen = options.maxOpen ?? 200_000
  let openTicks = 0
  let closedUntil = Number.NEGATIVE_INFINITY

  const mineOf = (workload: number): Open => {
    let mine = open.get(workload)
    if (mine === undefined) {
      mine = { ticks: [], lastInitiated: Number.NaN }
      open.set(workload, mine)
    }
    return mine
  }
  const readingOf = (workload: number, mine: Open, at: number): Reading => {
    let start = Math.floor(at / TICK_MS) * TICK_MS
    if (start < closedUntil) {
      counters.late++
      start = mine.ticks[0]?.window.start ?? Math.floor(closedUntil / TICK_MS) * TICK_MS
    }
    for (let i = mine.ticks.length - 1; i >= 0; i--) if (mine.ticks[i]!.window.start === start) return mine.ticks[i]!
    if (openTicks >= maxOpen && mine.ticks.length > 0) {
      counters.crowded++
      return mine.ticks[0]!
    }
    const window = createWindow(directory.idOf(workload), start, TICK_MS)
    window.sums[sumAt.ticks] = 1
    window.sums[sumAt.activeTicks] = 1
    const tick = { window, peers: createPeerTally() }
    mine.ticks.push(tick)
    mine.ticks.sort((a, b) => a.window.start - b.window.start)
    openTicks++
    return tick
  }

  return {
    counters,
    add(batch) {
      directory.assign(batch)
      for (let row = 0; row < batch.count; row++) {
        const source = batch.sourceWorkload[row]!
        const target = batch.targetWorkload[row]!
        if (source < 0 && target < 0) continue
        if (source >= 0) {
          const mine = mineOf(source)
          const tick = readingOf(source, mine, batch.end[row]!)
          addInitiated(tick.window, batch, row, home.covers(batch.target, row * 4))
          tick.peers.add(batch.target, row * 4, begins(batch, row), batch.bytesOut[row]!, batch.bytesIn[row]!)
          if (beginsFlow(batch, row)) mine.lastInitiated = addGap(tick.window, mine.lastInitiated, batch.start[row]!)
          conversations.add(batch, row, source, 'initiated')
        }
        if (target >= 0) {
          const tick = readingOf(target, mineOf(target), batch.end[row]!)
          addServed(tick.window, batch, row, home.covers(batch.source, row * 4))
          tick.peers.add(batch.source, row * 4, begins(batch, row), batch.bytesIn[row]!, batch.bytesOut[row]!)
          conversations.add(batch, row, target, 'served')
        }
      }
    },
    close(until) {
      const edge = Math.floor(until / TICK_MS) * TICK_MS
      const ticks: Window[] = []
      for (const [, mine] of open) {
        while (mine.ticks.length > 0 && mine.ticks[0]!.window.start + TICK_MS <= edge) {
          const { window, peers } = mine.ticks.shift()!
          window.peers = peers.heaviest()
          ticks.push(window)
          openTicks--
        }
      }
      if (options.idle === 'every-tick' && Number.isFinite(closedUntil))
        addIdleTicks(ticks, directory, closedUntil, edge)
      if (options.idle === 'omit')
        for (const [workload, mine] of open) if (mine.ticks.length === 0) forgetQuiet(open, workload, mine, edge)
      closedUntil = Math.max(closedUntil, edge)
      return { ticks, conversations: conversations.close(edge, (workload) => directory.idOf(workload)) }
    },
  }
}

/** Offline there may be a million addresses; what has been silent for 10 minutes has no gap to measure. */
function forgetQuiet(open: Map<number, Open>, workload: number, mine: Open, edge: number): void {
  if (!(mine.lastInitiated > edge - 600_000)) open.delete(workload)
}

/** Silence, said: one empty reading per present workload and tick without one (at most an hour of them). */
function addIdleTicks(ticks: Window[], directory: Directory, from: number, edge: number): void {
  const said = new Set(ticks.map((window) => `${window.workload}@${window.start}`))
  for (const workload of directory.present()) {
    const id = directory.idOf(workload)
    for (let start = Math.max(from, edge - 3_600_000); start < edge; start += TICK_MS) {
      if (said.has(`${id}@${start}`)) continue
      const window = createWindow(id, start, TICK_MS)
      window.sums[sumAt.ticks] = 1
      ticks.push(window)
    }
  }
}

const begins = (batch: FlowBatch, row: number) => (beginsFlow(batch, row) ? 1 : 0)

const SKETCH = { peersInitiated: 0, peersServed: 1, portsInitiated: 2, peerPortsInitiated: 3, portsServed: 4 } as const
const HISTOGRAM = { bytesOutPerFlow: 0, bytesInPerFlow: 1, durationMs: 2, gapMs: 3 } as const

function bump(window: Window, sum: number, by: number): void {
  window.sums[sum]! += by
}

function bucket(window: Window, histogram: number, x: number): void {
  window.histograms[histogram * BUCKETS + bucketOf(x, HISTOGRAMS[histogram]!.unit)]!++
}

function addInitiated(window: Window, batch: FlowBatch, row: number, peerIsHome: boolean): void {
  const out = batch.bytesOut[row]!
  const into = batch.bytesIn[row]!
  bump(window, sumAt.bytesOutInitiated, out)
  bump(window, sumAt.bytesInInitiated, into)
  bump(window, sumAt.packetsOut, batch.packetsOut[row]!)
  bump(window, sumAt.packetsIn, batch.packetsIn[row]!)
  if (!peerIsHome) {
    bump(window, sumAt.externalBytesOut, out)
    bump(window, sumAt.externalBytesIn, into)
  }
  if (beginsFlow(batch, row)) {
    const port = batch.targetPort[row]!
    bump(window, sumAt.flowsInitiated, 1)
    if (!peerIsHome) bump(window, sumAt.externalInitiated, 1)
    bumpProto(window, batch.proto[row]!, sumAt.tcpInitiated, sumAt.udpInitiated, sumAt.icmpInitiated)
    if (hasPorts(batch.proto[row]!)) {
      bump(window, INITIATED_CLASS[portClass(port)], 1)
      sketchAdd(window.registers, SKETCH.portsInitiated * REGISTERS, hashNumber(port))
    }
    const peer = hashWords(batch.target, row * 4)
    sketchAdd(window.registers, SKETCH.peersInitiated * REGISTERS, peer)
    sketchAdd(window.registers, SKETCH.peerPortsInitiated * REGISTERS, hashNumber(peer ^ hashNumber(port)))
  }
  if (hasFailed(batch, row)) bump(window, sumAt.failedInitiated, 1)
  addFinished(window, batch, row, out, into)
}

function addServed(window: Window, batch: FlowBatch, row: number, peerIsHome: boolean): void {
  const out = batch.bytesIn[row]!
  const into = batch.bytesOut[row]!
  bump(window, sumAt.bytesOutServed, out)
  bump(window, sumAt.bytesInServed, into)
  bump(window, sumAt.packetsOut, batch.packetsIn[row]!)
  bump(window, sumAt.packetsIn, batch.packetsOut[row]!)
  if (!peerIsHome) {
    bump(window, sumAt.externalBytesOut, out)
    bump(window, sumAt.externalBytesIn, into)
  }
  if (beginsFlow(batch, row)) {
    const port = batch.targetPort[row]!
    bump(window, sumAt.flowsServed, 1)
    if (!peerIsHome) bump(window, sumAt.externalServed, 1)
    bumpProto(window, batch.proto[row]!, sumAt.tcpServed, sumAt.udpServed, sumAt.icmpServed)
    if (hasPorts(batch.proto[row]!)) {
      bump(window, SERVED_CLASS[portClass(port)], 1)
      sketchAdd(window.registers, SKETCH.portsServed * REGISTERS, hashNumber(port))
    }
    sketchAdd(window.registers, SKETCH.peersServed * REGISTERS, hashWords(batch.source, row * 4))
  }
  if (hasFailed(batch, row)) bump(window, sumAt.failedServed, 1)
  addFinished(window, batch, row, out, into)
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

function bumpProto(window: Window, proto: number, tcp: number, udp: number, icmp: number): void {
  if (proto === Proto.tcp) bump(window, tcp, 1)
  else if (proto === Proto.udp) bump(window, udp, 1)
  else if (proto === Proto.icmp || proto === Proto.icmp6) bump(window, icmp, 1)
}

/** Multicast is never answered, which is no failure. */
function hasFailed(batch: FlowBatch, row: number): boolean {
  return FAILED_STATES.has(batch.state[row]!) && !isGroupAddress(batch.target, row * 4)
}

/** Size and duration of a finished flow. A `closed` row carries the bytes since its last `progress`: its size is a lower bound. */
function addFinished(window: Window, batch: FlowBatch, row: number, out: number, into: number): void {
  const phase = batch.phase[row]!
  if (phase !== Phase.whole && phase !== Phase.closed) return
  const lasted = Math.max(0, batch.end[row]! - batch.start[row]!)
  bump(window, sumAt.finished, 1)
  bump(window, sumAt.durationMs, lasted)
  bucket(window, HISTOGRAM.bytesOutPerFlow, out)
  bucket(window, HISTOGRAM.bytesInPerFlow, into)
  bucket(window, HISTOGRAM.durationMs, lasted)
}

function addGap(window: Window, last: number, start: number): number {
  if (start >= last) bucket(window, HISTOGRAM.gapMs, start - last)
  return start >= last || Number.isNaN(last) ? start : last
}
