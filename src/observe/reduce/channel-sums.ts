/**
 * What the rows of a channel add up to while they go to the same readings: a conversation that repeats itself within a
 * tick costs a few additions a row, and its windows, peers and sketches once.
 */
import { grown } from '../../model/channels.ts'
import { FAILED_STATES, FLOW_STATES, type FlowBatch, Phase } from '../../model/flow.ts'
import { BUCKETS, HISTOGRAMS, TICK_MS } from '../../model/window.ts'
import { bucketOf } from './sketch.ts'

/** Numbers per channel, two cache lines. */
export const SUMS_STRIDE = 16
export const Sum = {
  /** epoch ms: where the tick begins that the rows belong to; NaN = each row is looked at by itself. */
  tick: 0,
  rows: 1,
  flows: 2,
  failed: 3,
  bytesOut: 4,
  bytesIn: 5,
  packetsOut: 6,
  packetsIn: 7,
  finished: 8,
  durationMs: 9,
  last: 10,
  service: 11,
} as const
export const HISTOGRAMS_STRIDE = HISTOGRAMS.length * BUCKETS
const UNITS = HISTOGRAMS.map(({ unit }) => unit)
const [OUT_UNIT = 1, IN_UNIT = 1, DURATION_UNIT = 1, GAP_UNIT = 1] = UNITS
/** Conversations between two writes: buckets are of 16 bits. */
export const MAX_ROWS = 65_535

const HAS_FAILED = Uint8Array.from({ length: 256 }, (_, state) =>
  Number(state < FLOW_STATES.length && FAILED_STATES.has(state)),
)

export type ChannelSums = {
  sums: Float64Array
  histograms: Uint16Array
  /** Initiator and responder, −1 = not one of ours. */
  source: Int32Array
  target: Int32Array
  /** When both were last asked for. */
  epoch: Uint32Array
  /** epoch ms by workload: the last flow that it initiated */
  lastInitiated: Float64Array
}

export function createChannelSums(): ChannelSums {
  return {
    sums: new Float64Array(0),
    histograms: new Uint16Array(0),
    source: new Int32Array(0),
    target: new Int32Array(0),
    epoch: new Uint32Array(0),
    lastInitiated: new Float64Array(0),
  }
}

export function makeRoom(of: ChannelSums, channels: number): void {
  if (of.epoch.length >= channels) return
  of.sums = grown(of.sums, channels * SUMS_STRIDE)
  of.histograms = grown(of.histograms, channels * HISTOGRAMS_STRIDE)
  of.source = grown(of.source, channels)
  of.target = grown(of.target, channels)
  of.epoch = grown(of.epoch, channels)
}

/** What is to be done where a row cannot just be added. */
export type Turn = {
  readonly epoch: number
  /** Ticks before are closed, epoch ms; a later row of theirs goes to the oldest that is open. */
  readonly closedUntil: number
  /** Finds out who has the addresses of a channel. */
  resolve(channel: number, row: number): void
  /** Gives a channel the readings of this row's tick. */
  enter(channel: number, row: number): void
  late(rows: number): void
  /** An application protocol was told, the first of these rows. */
  name(channel: number, service: number): void
}

export function addRows(of: ChannelSums, numbers: Int32Array, batch: FlowBatch, turn: Turn): void {
  const { sums, source, target, epoch } = of
  const { sourceWorkload, targetWorkload, end: ends } = batch
  const { closedUntil } = turn
  const now = turn.epoch
  for (let row = 0; row < batch.count; row++) {
    const channel = numbers[row]!
    if (epoch[channel] !== now) turn.resolve(channel, row)
    const from = source[channel]!
    const to = target[channel]!
    sourceWorkload[row] = from
    targetWorkload[row] = to
    if (from < 0 && to < 0) continue
    const at = channel * SUMS_STRIDE
    const tick = sums[at]!
    const end = ends[row]!
    if (!(end >= tick && end < tick + TICK_MS)) {
      // The open tick that the channel is in is the oldest there can be.
      if (end < closedUntil && tick === closedUntil) turn.late(from >= 0 && to >= 0 ? 2 : 1)
      else turn.enter(channel, row)
    }
    if (sums[at + Sum.rows]! + batch.flows[row]! > MAX_ROWS) turn.enter(channel, row)
    addRow(of, channel, at, batch, row, from)
    const service = batch.service[row]!
    if (service !== 0 && sums[at + Sum.service] === 0) {
      sums[at + Sum.service] = service
      turn.name(channel, service)
    }
  }
}

function addRow(of: ChannelSums, channel: number, at: number, batch: FlowBatch, row: number, from: number): void {
  const { sums, histograms } = of
  const phase = batch.phase[row]!
  const out = batch.bytesOut[row]!
  const into = batch.bytesIn[row]!
  const start = batch.start[row]!
  const end = batch.end[row]!
  const n = batch.flows[row]!
  sums[at + Sum.rows]! += n
  sums[at + Sum.bytesOut]! += out
  sums[at + Sum.bytesIn]! += into
  sums[at + Sum.packetsOut]! += batch.packetsOut[row]!
  sums[at + Sum.packetsIn]! += batch.packetsIn[row]!
  sums[at + Sum.failed]! += n * HAS_FAILED[batch.state[row]!]!
  if (end > sums[at + Sum.last]!) sums[at + Sum.last] = end
  const buckets = channel * HISTOGRAMS_STRIDE
  if (phase === Phase.whole || phase === Phase.closed) {
    // A `closed` row carries the bytes since its last `progress`: its size is a lower bound.
    const lasted = Math.max(0, end - start)
    sums[at + Sum.finished]! += n
    sums[at + Sum.durationMs]! += lasted * n
    histograms[buckets + bucketOf(out / n, OUT_UNIT)]! += n
    histograms[buckets + BUCKETS + bucketOf(into / n, IN_UNIT)]! += n
    histograms[buckets + 2 * BUCKETS + bucketOf(lasted, DURATION_UNIT)]! += n
  }
  if (phase > Phase.opened) return
  sums[at + Sum.flows]! += n
  if (from < 0) return
  const last = of.lastInitiated[from]!
  if (start >= last) histograms[buckets + 3 * BUCKETS + bucketOf((start - last) / n, GAP_UNIT)]! += n
  if (start >= last || Number.isNaN(last)) of.lastInitiated[from] = start
}
