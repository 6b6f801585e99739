/**
 * Exporters tell each direction of a conversation by itself. Rows of one direction come in, rows of conversations go out:
 * both halves as one row where both arrive in time, else each as a row of the same orientation, so that nobody takes a
 * server that answers for one that calls. A bounded table; what does not fit goes out alone, and is counted.
 */
import { copyFlow, type FlowBatch, Mark, Phase, Proto, stateCode } from '../../model/flow.ts'
import type { Records } from './channel-records.ts'
import {
  createSlots,
  Double,
  doubleAt,
  FREE,
  giveRow,
  hashOf,
  putRow,
  type Slots,
  sideOf,
  statusOf,
  TOLD,
  turnSlot,
  WAITING,
  WAYS,
  Word,
  wordAt,
} from './pair-slots.ts'
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
  /**
   * Where there is a way to take records without their being read: takes those it can, puts the indices of the others into
   * `rest` (as long as the records) and returns how many those are.
   */
  takeRecords?(records: Records, rest: Int32Array): number
  /** Halves that wait for their other half. */
  readonly waiting: number
  /** Takes all rows of `from`; what is complete, or must go, is appended to `to`: never more rows than were taken. */
  take(from: FlowBatch, beside: Beside, arrivedMs: number, to: FlowBatch): void
  /** Appends halves that have waited since before `untilMs` (arrival); true when none such is left, false when `to` is full. */
  release(untilMs: number, to: FlowBatch): boolean
}

/** A piece that begins later than this after the last one is another conversation of the same ports. */
const GAP_MS = 60_000

/** Types of ICMP requests by the type of their answer (RFC 792). */
const ASKED_BY: ReadonlyMap<number, number> = new Map([
  [0, 8],
  [14, 13],
  [16, 15],
  [18, 17],
])
/** RFC 4443 §4 */
const Icmp6 = { echoRequest: 128, echoReply: 129 } as const

/** `capacity`: halves and told conversations kept, a power of two, at least 4; 109 bytes each. */
export function createPairing(capacity: number): Pairing {
  if (capacity < WAYS || (capacity & (capacity - 1)) !== 0) throw new RangeError(`no power of two: ${capacity}`)
  return new PairTable(capacity)
}

class PairTable implements Pairing {
  readonly figures: PairingFigures = { paired: 0, alone: 0, continued: 0, crowded: 0 }
  waiting = 0
  readonly #slots: Slots
  #cursor = 0
  #turn = 0

  constructor(capacity: number) {
    this.#slots = createSlots(capacity)
  }

  take(from: FlowBatch, beside: Beside, arrivedMs: number, to: FlowBatch): void {
    for (let row = 0; row < from.count; row++) {
      // RFC 5103 §6.3: 2 = the exporter knows that its source is the one who answered.
      if (beside.direction[row] === 2) turnRow(from, row)
      const isWhole = from.bytesIn[row]! > 0 || from.packetsIn[row]! > 0
      if (isWhole || from.state[row] === stateCode.REJ) copyFlow(from, row, to)
      else this.#takeHalf(from, row, beside.flags[row]!, arrivedMs, to)
    }
  }

  release(untilMs: number, to: FlowBatch): boolean {
    const { capacity, tags, since } = this.#slots
    for (let left = capacity; left > 0 && this.waiting > 0; left--) {
      const slot = this.#cursor
      if (statusOf(tags[slot]!) === WAITING && since[slot]! < untilMs) {
        if (to.count >= to.capacity) return false
        this.#tellAlone(slot, to)
      }
      this.#cursor = (slot + 1) & (capacity - 1)
    }
    return true
  }

  #takeHalf(from: FlowBatch, row: number, flags: number, arrivedMs: number, to: FlowBatch): void {
    const { capacity, tags } = this.#slots
    const isIcmp = from.proto[row] === Proto.icmp || from.proto[row] === Proto.icmp6
    if (isIcmp) askFirst(from, row)
    const hash = hashOf(from, row, isIcmp)
    const set = hash & (capacity - 1) & ~(WAYS - 1)
    let free = -1
    for (let slot = set; slot < set + WAYS; slot++) {
      const tag = tags[slot]!
      if (tag === FREE) free = slot
      else if ((tag & ~3) === hash) {
        const side = sideOf(this.#slots, slot, from, row)
        if (side === 0) continue
        this.#meet(slot, side, from, row, flags, arrivedMs, to)
        return
      }
    }
    if (free < 0) free = this.#makeRoom(set, to)
    tags[free] = hash | WAITING
    this.#put(free, from, row, flags, arrivedMs)
  }

  #put(slot: number, from: FlowBatch, row: number, flags: number, arrivedMs: number): void {
    putRow(this.#slots, slot, from, row, flags)
    this.#slots.since[slot] = arrivedMs
    this.waiting++
  }

  #meet(slot: number, side: number, from: FlowBatch, row: number, flags: number, arrivedMs: number, to: FlowBatch) {
    const { words, doubles, tags } = this.#slots
    const w = wordAt(slot)
    const seen = words[w + (side > 0 ? Word.flags : Word.otherFlags)]!
    const isAgain = startsConversation(flags) && startsConversation(seen)
    const gapMs = isAgain ? 0 : GAP_MS
    if (from.start[row]! > doubles[doubleAt(slot) + Double.end]! + gapMs) {
      if (statusOf(tags[slot]!) === WAITING) this.#tellAlone(slot, to)
      tags[slot] = (tags[slot]! & ~3) | WAITING
      this.#put(slot, from, row, flags, arrivedMs)
      return
    }
    if (statusOf(tags[slot]!) === TOLD) {
      this.#continue(slot, side, from, row, flags, to)
      return
    }
    this.#add(slot, side, from, row, flags)
    const isWhole = side < 0 || (words[w + Word.packetsOut]! > 0 && words[w + Word.packetsIn]! > 0)
    if (isWhole) this.#tellBoth(slot, from.start[row]!, to)
  }

  #add(slot: number, side: number, from: FlowBatch, row: number, flags: number): void {
    const { words, doubles } = this.#slots
    const w = wordAt(slot)
    const d = doubleAt(slot)
    const [out, back] = side > 0 ? ([0, 1] as const) : ([1, 0] as const)
    doubles[d + Double.bytesOut + out]! += from.bytesOut[row]!
    doubles[d + Double.bytesOut + back]! += from.bytesIn[row]!
    words[w + Word.packetsOut + out] = Math.min(0xffffffff, words[w + Word.packetsOut + out]! + from.packetsOut[row]!)
    words[w + Word.packetsOut + back] = Math.min(0xffffffff, words[w + Word.packetsOut + back]! + from.packetsIn[row]!)
    words[w + Word.flags + out]! |= flags
    if (from.end[row]! > doubles[d + Double.end]!) doubles[d + Double.end] = from.end[row]!
    if (words[w + Word.service] === 0) words[w + Word.service] = from.service[row]!
  }

  /** Who began first is the one who calls; on a tie the one with the higher port. */
  #tellBoth(slot: number, otherStart: number, to: FlowBatch): void {
    const { words, doubles, tags } = this.#slots
    const w = wordAt(slot)
    const d = doubleAt(slot)
    const own = doubles[d + Double.start]!
    const ports = words[w + Word.ports]!
    const isAnswer = own === otherStart ? ports >>> 16 < (ports & 0xffff) : otherStart < own
    const proto = words[w + Word.proto]!
    if (otherStart < own) doubles[d + Double.start] = otherStart
    if (isAnswer && proto !== Proto.icmp && proto !== Proto.icmp6) turnSlot(this.#slots, slot)
    giveRow(this.#slots, slot, to, this.#judge(slot))
    tags[slot] = (tags[slot]! & ~3) | TOLD
    this.waiting--
    this.figures.paired++
  }

  #tellAlone(slot: number, to: FlowBatch): void {
    if (answers(this.#slots, slot)) turnSlot(this.#slots, slot)
    giveRow(this.#slots, slot, to, this.#judge(slot))
    this.#slots.tags[slot] = (this.#slots.tags[slot]! & ~3) | TOLD
    this.waiting--
    this.figures.alone++
  }

  /** A further piece, or the other half at last: what is new goes out as a step of the conversation that was told. */
  #continue(slot: number, side: number, from: FlowBatch, row: number, flags: number, to: FlowBatch): void {
    const { words, doubles } = this.#slots
    const state = wordAt(slot) + Word.state
    const told = words[state]!
    this.#add(slot, side, from, row, flags)
    const marks = this.#judge(slot)
    if (side < 0) turnRow(from, row)
    copyFlow(from, row, to)
    const at = to.count - 1
    to.phase[at] = Phase.progress
    to.state[at] = words[state] === told ? stateCode.none : words[state]!
    to.marks[at] = marks
    to.start[at] = Math.min(doubles[doubleAt(slot) + Double.start]!, from.start[row]!)
    this.figures.continued++
  }

  /** Sets the slot's state by what is known of both sides; returns its marks. */
  #judge(slot: number): number {
    const { words } = this.#slots
    const w = wordAt(slot)
    if (words[w + Word.proto] !== Proto.tcp)
      return words[w + Word.packetsIn]! > 0 && words[w + Word.packetsOut]! > 0 ? Mark.handshake : 0
    const own = words[w + Word.flags]!
    const other = words[w + Word.otherFlags]!
    words[w + Word.state] = tcpState(own, other)
    return isShaken(own, other) ? Mark.handshake : 0
  }

  /** The slot of the set that can best be done without: one that was told, in turn, else the oldest. */
  #makeRoom(set: number, to: FlowBatch): number {
    const { tags, since } = this.#slots
    const turn = this.#turn++
    for (let i = 0; i < WAYS; i++) {
      const slot = set + ((turn + i) & (WAYS - 1))
      if (statusOf(tags[slot]!) === TOLD) return slot
    }
    let oldest = set
    for (let slot = set + 1; slot < set + WAYS; slot++) if (since[slot]! < since[oldest]!) oldest = slot
    this.#tellAlone(oldest, to)
    this.figures.crowded++
    return oldest
  }
}

/** A half alone is turned only where its ports leave no doubt that a service answers. */
function answers(slots: Slots, slot: number): boolean {
  const w = wordAt(slot)
  const proto = slots.words[w + Word.proto]
  if ((proto !== Proto.tcp && proto !== Proto.udp) || isOpening(slots.words[w + Word.flags]!)) return false
  const from = slots.words[w + Word.ports]! >>> 16
  const to = slots.words[w + Word.ports]! & 0xffff
  return (from < 1_024 && to >= 1_024) || (from < 10_000 && to >= 32_768)
}

/** An echo reply is the half of who was asked: it is turned round, to stand under the request's type. */
function askFirst(from: FlowBatch, row: number): void {
  const type = from.sourcePort[row]!
  const isV6 = from.proto[row] === Proto.icmp6
  const asked = isV6 ? (type === Icmp6.echoReply ? Icmp6.echoRequest : undefined) : ASKED_BY.get(type)
  if (asked === undefined || from.targetPort[row] !== 0) return
  turnRow(from, row)
  from.sourcePort[row] = asked
  from.targetPort[row] = 0
}

function turnRow(rows: FlowBatch, row: number): void {
  for (let i = row * 4; i < row * 4 + 4; i++) {
    const word = rows.source[i]!
    rows.source[i] = rows.target[i]!
    rows.target[i] = word
  }
  const port = rows.sourcePort[row]!
  rows.sourcePort[row] = rows.targetPort[row]!
  rows.targetPort[row] = port
  const bytes = rows.bytesOut[row]!
  rows.bytesOut[row] = rows.bytesIn[row]!
  rows.bytesIn[row] = bytes
  const packets = rows.packetsOut[row]!
  rows.packetsOut[row] = rows.packetsIn[row]!
  rows.packetsIn[row] = packets
}
