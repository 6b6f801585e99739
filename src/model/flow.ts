import type { Hint } from './hint.ts'

/**
 * Flows travel as columns, never as one object per flow. Times are epoch milliseconds (event time).
 * A row is a whole conversation, or a step of one that is still going on: byte and packet columns of
 * `opened`, `progress` and `closed` rows are *deltas since the row before* of the same flow, so sums are always right.
 */
export const Phase = { whole: 0, opened: 1, progress: 2, closed: 3 } as const

/** Outcome, as Zeek's conn_state (docs.zeek.org base/protocols/conn/main.zeek). `none` = not known yet. */
export const FLOW_STATES = [
  'none',
  'S0',
  'S1',
  'SF',
  'REJ',
  'S2',
  'S3',
  'RSTO',
  'RSTR',
  'RSTOS0',
  'RSTRH',
  'SH',
  'SHR',
  'OTH',
] as const
export type FlowState = (typeof FLOW_STATES)[number]
export const stateCode = Object.fromEntries(FLOW_STATES.map((name, i) => [name, i])) as Record<FlowState, number>

/** An attempt that found nobody, or was turned away. */
export const FAILED_STATES: ReadonlySet<number> = new Set(
  (['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR'] as const).map((name) => stateCode[name]),
)

/** Column `marks`, a bit field. */
export const Mark = {
  /** Both sides spoke (TCP handshake done, UDP answered): the source address is not forged. */
  handshake: 1,
  /** Seen on our own anti-spoofed interface: the source address is not forged even without an answer. */
  antispoofed: 2,
} as const

export const Proto = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132 } as const

export type FlowBatch = {
  count: number
  /** In the order of `at`; emptied by whoever refills the batch. A batch may hold hints and no row. */
  readonly hints: Hint[]
  readonly capacity: number
  /** epoch ms of the first packet */
  readonly start: Float64Array
  /** epoch ms of this row's news: end of the flow for `whole` and `closed`, now for `progress`. */
  readonly end: Float64Array
  /** 4 words a row, see address.ts; `source` is the initiator. */
  readonly source: Uint32Array
  readonly target: Uint32Array
  /** ICMP: type in `sourcePort`, code in `targetPort`, as Zeek writes it. */
  readonly sourcePort: Uint16Array
  readonly targetPort: Uint16Array
  readonly proto: Uint8Array
  /** Bytes at the IP layer when the source knows them, else payload; out = initiator to responder. */
  readonly bytesOut: Float64Array
  readonly bytesIn: Float64Array
  readonly packetsOut: Uint32Array
  readonly packetsIn: Uint32Array
  readonly phase: Uint8Array
  readonly state: Uint8Array
  readonly marks: Uint8Array
  /** Interned workload of each end, −1 for none (not one of ours). */
  readonly sourceWorkload: Int32Array
  readonly targetWorkload: Int32Array
  /** Interned application protocol as the source names it (`http`, `ssl`, `dns`…), 0 = none. */
  readonly service: Uint16Array
  /**
   * Conversations that the row stands for, 1 but where a source sums up a busy channel: then bytes and packets are those of
   * all of them, `end` is that of the last and `start` so long before it as they lasted on average.
   */
  readonly flows: Uint32Array
}

export function createFlowBatch(capacity: number): FlowBatch {
  return {
    count: 0,
    hints: [],
    capacity,
    start: new Float64Array(capacity),
    end: new Float64Array(capacity),
    source: new Uint32Array(capacity * 4),
    target: new Uint32Array(capacity * 4),
    sourcePort: new Uint16Array(capacity),
    targetPort: new Uint16Array(capacity),
    proto: new Uint8Array(capacity),
    bytesOut: new Float64Array(capacity),
    bytesIn: new Float64Array(capacity),
    packetsOut: new Uint32Array(capacity),
    packetsIn: new Uint32Array(capacity),
    phase: new Uint8Array(capacity),
    state: new Uint8Array(capacity),
    marks: new Uint8Array(capacity),
    sourceWorkload: new Int32Array(capacity).fill(-1),
    targetWorkload: new Int32Array(capacity).fill(-1),
    service: new Uint16Array(capacity),
    flows: new Uint32Array(capacity).fill(1),
  }
}

/** True when the row begins a conversation, so that counting these rows counts conversations once. */
export function beginsFlow(batch: FlowBatch, row: number): boolean {
  return batch.phase[row]! <= Phase.opened
}

/** What a source counts about itself; shown by `doctor`, the console and `observe`. Every bound has a counter. */
export type SourceCounters = {
  read: number
  rows: number
  /** Refused input, with up to 20 examples `{file, line, offset, why}`. */
  refused: number
  refusals: { file: string; line?: number; offset?: number; why: string }[]
  /** Lost before us (ENOBUFS and the like), as far as it can be known. */
  lost: number
}

/** Appends one row; the caller has seen to the room. Column by column in full: a loop over names costs ten times as much. */
export function copyFlow(from: FlowBatch, row: number, to: FlowBatch): void {
  const at = to.count++
  const a = at * 4
  const b = row * 4
  to.source[a] = from.source[b]!
  to.source[a + 1] = from.source[b + 1]!
  to.source[a + 2] = from.source[b + 2]!
  to.source[a + 3] = from.source[b + 3]!
  to.target[a] = from.target[b]!
  to.target[a + 1] = from.target[b + 1]!
  to.target[a + 2] = from.target[b + 2]!
  to.target[a + 3] = from.target[b + 3]!
  to.start[at] = from.start[row]!
  to.end[at] = from.end[row]!
  to.sourcePort[at] = from.sourcePort[row]!
  to.targetPort[at] = from.targetPort[row]!
  to.proto[at] = from.proto[row]!
  to.bytesOut[at] = from.bytesOut[row]!
  to.bytesIn[at] = from.bytesIn[row]!
  to.packetsOut[at] = from.packetsOut[row]!
  to.packetsIn[at] = from.packetsIn[row]!
  to.phase[at] = from.phase[row]!
  to.state[at] = from.state[row]!
  to.marks[at] = from.marks[row]!
  to.sourceWorkload[at] = from.sourceWorkload[row]!
  to.targetWorkload[at] = from.targetWorkload[row]!
  to.service[at] = from.service[row]!
  to.flows[at] = from.flows[row]!
}
