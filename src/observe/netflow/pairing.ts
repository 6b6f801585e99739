/**
 * Exporters tell each direction of a conversation by itself. Rows of one direction come in, rows of conversations go out:
 * both halves as one row where both arrive in time, else each as a row of the same orientation, so that nobody takes a
 * server that answers for one that calls. A bounded table; what does not fit goes out alone, and is counted.
 */
import { copyFlow, createFlowBatch, type FlowBatch, Mark, Phase, Proto, stateCode } from '../../model/flow.ts'
import type { Beside } from './records.ts'
import { isOpening, isShaken, startsConversation, tcpState } from './tcp-state.ts'

export type PairingFigures = {
  /** Conversations of which both halves came in time. */
  paired: number
  /** Halves that went out alone: their other half did not come, or came later. */
  alone: number
  /** Later pieces of a conversation that was told before. */
  continued: number
  /** Halves that went out alone before their time, because the table was full. */
  crowded: number
}

export type Pairing = {
  readonly figures: PairingFigures
  /** Halves that wait for their other half. */
  readonly waiting: number
  /** Takes all rows of `from`; what is complete, or must go, is appended to `to`: never more rows than were taken. */
  take(from: FlowBatch, beside: Beside, arrivedMs: number, to: FlowBatch): void
  /** Appends halves that have waited since before `untilMs` (arrival); true when none such is left, false when `to` is full. */
  release(untilMs: number, to: FlowBatch): boolean
}

const FREE = 0
const WAITING = 1
const TOLD = 2
const WAYS = 4
/** A piece that begins later than this after the last one is another conversation of the same ports. */
const GAP_MS = 60_000
const SYN_GAP_MS = 1_000

/** Rows of requests by the type of their answer (RFC 792, RFC 4443). */
const ASKED_BY: ReadonlyMap<number, number> = new Map([
  [0, 8],
  [14, 13],
  [16, 15],
  [18, 17],
])

/** `capacity`: halves and told conversations kept, a power of two, at least 4; about 130 bytes each. */
export function createPairing(capacity: number): Pairing {
  if (capacity < WAYS || (capacity & (capacity - 1)) !== 0) throw new RangeError(`no power of two: ${capacity}`)
  return new PairTable(capacity)
}

class PairTable implements Pairing {
  readonly figures: PairingFigures = { paired: 0, alone: 0, continued: 0, crowded: 0 }
  waiting = 0
  readonly #capacity: number
  /** One row per slot, the direction that was seen first in `source`. */
  readonly #rows: FlowBatch
  readonly #status: Uint8Array
  readonly #hash: Uint32Array
  readonly #since: Float64Array
  /** TCP flags of the slot's source and of its target. */
  readonly #flags: Uint8Array
  readonly #otherFlags: Uint8Array
  #cursor = 0

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#rows = createFlowBatch(capacity)
    this.#status = new Uint8Array(capacity)
    this.#hash = new Uint32Array(capacity)
    this.#since = new Float64Array(capacity)
    this.#flags = new Uint8Array(capacity)
    this.#otherFlags = new Uint8Array(capacity)
  }

  take(from: FlowBatch, beside: Beside, arrivedMs: number, to: FlowBatch): void {
    for (let row = 0; row < from.count; row++) {
      // RFC 5103 §6.3: 2 = the exporter knows that its source is the one who answered.
      if (beside.direction[row] === 2) this.#turn(from, row)
      if (from.bytesIn[row]! > 0 || from.packetsIn[row]! > 0 || from.state[row] === stateCode.REJ)
        copyFlow(from, row, to)
      else {
        if (from.proto[row] === Proto.icmp || from.proto[row] === Proto.icmp6) this.#askFirst(from, row)
        this.#takeHalf(from, row, beside.flags[row]!, arrivedMs, to)
      }
    }
  }

  release(untilMs: number, to: FlowBatch): boolean {
    for (let left = this.#capacity; left > 0 && this.waiting > 0; left--) {
      const slot = this.#cursor
      if (this.#status[slot] === WAITING && this.#since[slot]! < untilMs) {
        if (to.count >= to.capacity) return false
        this.#tellAlone(slot, to)
      }
      this.#cursor = (slot + 1) & (this.#capacity - 1)
    }
    return true
  }

  #takeHalf(from: FlowBatch, row: number, flags: number, arrivedMs: number, to: FlowBatch): void {
    const hash = hashOf(from, row)
    const set = hash & (this.#capacity - 1) & ~(WAYS - 1)
    let free = -1
    for (let slot = set; slot < set + WAYS; slot++) {
      if (this.#status[slot] === FREE) {
        free = slot
        continue
      }
      if (this.#hash[slot] !== hash || this.#rows.proto[slot] !== from.proto[row]) continue
      const side = this.#sideOf(slot, from, row)
      if (side === 0) continue
      this.#meet(slot, side, from, row, flags, arrivedMs, to)
      return
    }
    if (free < 0) free = this.#makeRoom(set, to)
    this.#put(free, hash, from, row, flags, arrivedMs)
  }

  /** 1 = the slot's own direction, −1 = the other one, 0 = another conversation. */
  #sideOf(slot: number, from: FlowBatch, row: number): number {
    const rows = this.#rows
    const a = slot * 4
    const b = row * 4
    if (
      rows.sourcePort[slot] === from.sourcePort[row] &&
      rows.targetPort[slot] === from.targetPort[row] &&
      sameWords(rows.source, a, from.source, b) &&
      sameWords(rows.target, a, from.target, b)
    )
      return 1
    return rows.sourcePort[slot] === from.targetPort[row] &&
      rows.targetPort[slot] === from.sourcePort[row] &&
      sameWords(rows.source, a, from.target, b) &&
      sameWords(rows.target, a, from.source, b)
      ? -1
      : 0
  }

  #meet(slot: number, side: number, from: FlowBatch, row: number, flags: number, arrivedMs: number, to: FlowBatch) {
    const rows = this.#rows
    const seen = side > 0 ? this.#flags[slot]! : this.#otherFlags[slot]!
    const isAgain = startsConversation(flags) && startsConversation(seen)
    const gap = isAgain ? SYN_GAP_MS : GAP_MS
    const isNew = from.start[row]! > rows.end[slot]! + gap || (isAgain && from.start[row]! > rows.end[slot]!)
    const status = this.#status[slot]
    if (isNew) {
      if (status === WAITING) this.#tellAlone(slot, to)
      this.#put(slot, this.#hash[slot]!, from, row, flags, arrivedMs)
      return
    }
    if (status === TOLD) {
      this.#continue(slot, side, from, row, flags, to)
      return
    }
    this.#add(slot, side, from, row, flags)
    const isWhole = side < 0 || (rows.packetsOut[slot]! > 0 && rows.packetsIn[slot]! > 0)
    if (isWhole) this.#tellBoth(slot, from.start[row]!, to)
  }

  #add(slot: number, side: number, from: FlowBatch, row: number, flags: number): void {
    const rows = this.#rows
    const bytes = side > 0 ? rows.bytesOut : rows.bytesIn
    const packets = side > 0 ? rows.packetsOut : rows.packetsIn
    bytes[slot] = bytes[slot]! + from.bytesOut[row]!
    packets[slot] = Math.min(0xffffffff, packets[slot]! + from.packetsOut[row]!)
    const back = side > 0 ? rows.bytesIn : rows.bytesOut
    back[slot] = back[slot]! + from.bytesIn[row]!
    if (from.end[row]! > rows.end[slot]!) rows.end[slot] = from.end[row]!
    if (rows.service[slot] === 0) rows.service[slot] = from.service[row]!
    const known = side > 0 ? this.#flags : this.#otherFlags
    known[slot] = known[slot]! | flags
  }

  /** Who began first is the one who calls; on a tie the one with the higher port. */
  #tellBoth(slot: number, otherStart: number, to: FlowBatch): void {
    const rows = this.#rows
    const own = rows.start[slot]!
    const earlier = own !== otherStart ? otherStart < own : rows.sourcePort[slot]! < rows.targetPort[slot]!
    const isIcmp = rows.proto[slot] === Proto.icmp || rows.proto[slot] === Proto.icmp6
    rows.start[slot] = Math.min(own, otherStart)
    if (earlier && !isIcmp) this.#turnSlot(slot)
    this.#judge(slot)
    copyFlow(rows, slot, to)
    this.#status[slot] = TOLD
    this.waiting--
    this.figures.paired++
  }

  #tellAlone(slot: number, to: FlowBatch): void {
    const rows = this.#rows
    if (rows.bytesIn[slot] === 0 && answersBy(rows, slot, this.#flags[slot]!)) this.#turnSlot(slot)
    this.#judge(slot)
    copyFlow(rows, slot, to)
    this.#status[slot] = TOLD
    this.waiting--
    this.figures.alone++
  }

  /** A further piece, or the other half at last: what is new goes out as a step of the conversation that was told. */
  #continue(slot: number, side: number, from: FlowBatch, row: number, flags: number, to: FlowBatch): void {
    const rows = this.#rows
    const told = rows.state[slot]!
    this.#add(slot, side, from, row, flags)
    if (side < 0) this.#turn(from, row)
    this.#judge(slot)
    copyFlow(from, row, to)
    const at = to.count - 1
    to.phase[at] = Phase.progress
    to.state[at] = rows.state[slot] === told ? 0 : rows.state[slot]!
    to.marks[at] = rows.marks[slot]!
    to.start[at] = Math.min(rows.start[slot]!, from.start[row]!)
    this.figures.continued++
  }

  #judge(slot: number): void {
    const rows = this.#rows
    const out = this.#flags[slot]!
    const back = this.#otherFlags[slot]!
    if (rows.proto[slot] === Proto.tcp) {
      rows.state[slot] = tcpState(out, back)
      if (isShaken(out, back)) rows.marks[slot] = Mark.handshake
    } else if (rows.packetsIn[slot]! > 0 || rows.bytesIn[slot]! > 0) rows.marks[slot] = Mark.handshake
  }

  #put(slot: number, hash: number, from: FlowBatch, row: number, flags: number, arrivedMs: number): void {
    const rows = this.#rows
    rows.count = slot
    copyFlow(from, row, rows)
    rows.state[slot] = 0
    rows.marks[slot] = 0
    this.#hash[slot] = hash
    this.#flags[slot] = flags
    this.#otherFlags[slot] = 0
    this.#since[slot] = arrivedMs
    this.#status[slot] = WAITING
    this.waiting++
  }

  #makeRoom(set: number, to: FlowBatch): number {
    let oldest = set
    for (let slot = set; slot < set + WAYS; slot++) {
      const isTold = this.#status[slot] === TOLD
      const wasTold = this.#status[oldest] === TOLD
      if (isTold !== wasTold ? isTold : this.#since[slot]! < this.#since[oldest]!) oldest = slot
    }
    if (this.#status[oldest] === WAITING) {
      this.#tellAlone(oldest, to)
      this.figures.crowded++
    }
    return oldest
  }

  #turnSlot(slot: number): void {
    this.#turn(this.#rows, slot)
    const flags = this.#flags[slot]!
    this.#flags[slot] = this.#otherFlags[slot]!
    this.#otherFlags[slot] = flags
  }

  #turn(rows: FlowBatch, row: number): void {
    for (let i = row * 4; i < row * 4 + 4; i++) {
      const word = rows.source[i]!
      rows.source[i] = rows.target[i]!
      rows.target[i] = word
    }
    swap(rows.sourcePort, rows.targetPort, row)
    swap(rows.bytesOut, rows.bytesIn, row)
    swap(rows.packetsOut, rows.packetsIn, row)
  }

  /** An echo reply is the half of who was asked: it is turned round, to stand under the request's type. */
  #askFirst(from: FlowBatch, row: number): void {
    const type = from.sourcePort[row]!
    const asked = from.proto[row] === Proto.icmp6 ? (type === 129 ? 128 : undefined) : ASKED_BY.get(type)
    if (asked === undefined || from.targetPort[row] !== 0) return
    this.#turn(from, row)
    from.sourcePort[row] = asked
    from.targetPort[row] = 0
  }
}

function swap(a: Uint16Array | Uint32Array | Float64Array, b: Uint16Array | Uint32Array | Float64Array, row: number) {
  const kept = a[row]!
  a[row] = b[row]!
  b[row] = kept
}

/** A half alone is turned only where its ports leave no doubt that a service answers. */
function answersBy(rows: FlowBatch, row: number, flags: number): boolean {
  const proto = rows.proto[row]
  if ((proto !== Proto.tcp && proto !== Proto.udp) || isOpening(flags)) return false
  const from = rows.sourcePort[row]!
  const to = rows.targetPort[row]!
  return (from < 1_024 && to >= 1_024) || (from < 10_000 && to >= 32_768)
}

function sameWords(a: Uint32Array, i: number, b: Uint32Array, j: number): boolean {
  return a[i + 3] === b[j + 3] && a[i + 2] === b[j + 2] && a[i + 1] === b[j + 1] && a[i] === b[j]
}

/** The same for both directions; never mind the order of addresses. */
function hashOf(rows: FlowBatch, row: number): number {
  const icmp = rows.proto[row] === Proto.icmp || rows.proto[row] === Proto.icmp6
  const a = hashEnd(rows.source, row * 4, icmp ? 0 : rows.sourcePort[row]!)
  const b = hashEnd(rows.target, row * 4, icmp ? 0 : rows.targetPort[row]!)
  let h = Math.imul((a + b) ^ rows.proto[row]!, 0x9e3779b1)
  h ^= h >>> 15
  return h >>> 0
}

function hashEnd(words: Uint32Array, at: number, port: number): number {
  let h = Math.imul(words[at]! ^ Math.imul(words[at + 1]!, 0x85ebca6b), 0xc2b2ae35)
  h = Math.imul(h ^ words[at + 2]! ^ (h >>> 13), 0x27d4eb2f)
  h = Math.imul(h ^ words[at + 3]!, 0x165667b1)
  h ^= h >>> 15
  return Math.imul(h ^ port, 0x9e3779b1)
}
