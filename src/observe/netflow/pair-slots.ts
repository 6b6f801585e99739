/**
 * The memory of pairing.ts: one slot per conversation, all of a slot side by side (two cache lines), for every row that
 * comes goes to another slot. Sets of four slots share a hash; what is looked at first, the tags, lies together.
 */
import type { FlowBatch } from '../../model/flow.ts'

export const WAYS = 4
export const FREE = 0
export const WAITING = 1
export const TOLD = 2

/** Words of 32 bits in a slot: addresses, then these, then numbers of 64 bits. */
const STRIDE = 24
export const Word = {
  source: 0,
  target: 4,
  /** source port in the upper half */
  ports: 8,
  proto: 9,
  service: 10,
  packetsOut: 11,
  packetsIn: 12,
  /** TCP flags of the source and of the target */
  flags: 13,
  otherFlags: 14,
  state: 15,
} as const
/** In units of 64 bits from the slot's beginning. */
export const Double = { start: 8, end: 9, bytesOut: 10, bytesIn: 11 } as const
/** Slots per number of 64 bits and of 32 bits. */
export const wordAt = (slot: number): number => slot * STRIDE
export const doubleAt = (slot: number): number => slot * (STRIDE / 2)

export type Slots = {
  readonly capacity: number
  /** Hash of the conversation without its last two bits, which are FREE, WAITING or TOLD: one look at a set tells both. */
  readonly tags: Int32Array
  /** epoch ms of arrival */
  readonly since: Float64Array
  readonly words: Uint32Array
  readonly doubles: Float64Array
}

export function createSlots(capacity: number): Slots {
  const memory = new ArrayBuffer(capacity * STRIDE * 4)
  return {
    capacity,
    tags: new Int32Array(capacity),
    since: new Float64Array(capacity),
    words: new Uint32Array(memory),
    doubles: new Float64Array(memory),
  }
}

export const statusOf = (tag: number): number => tag & 3

export function putRow(slots: Slots, slot: number, from: FlowBatch, row: number, flags: number): void {
  const { words, doubles } = slots
  const w = wordAt(slot)
  const r = row * 4
  words[w] = from.source[r]!
  words[w + 1] = from.source[r + 1]!
  words[w + 2] = from.source[r + 2]!
  words[w + 3] = from.source[r + 3]!
  words[w + 4] = from.target[r]!
  words[w + 5] = from.target[r + 1]!
  words[w + 6] = from.target[r + 2]!
  words[w + 7] = from.target[r + 3]!
  words[w + Word.ports] = (from.sourcePort[row]! << 16) | from.targetPort[row]!
  words[w + Word.proto] = from.proto[row]!
  words[w + Word.service] = from.service[row]!
  words[w + Word.packetsOut] = from.packetsOut[row]!
  words[w + Word.packetsIn] = from.packetsIn[row]!
  words[w + Word.flags] = flags
  words[w + Word.otherFlags] = 0
  words[w + Word.state] = 0
  const d = doubleAt(slot)
  doubles[d + Double.start] = from.start[row]!
  doubles[d + Double.end] = from.end[row]!
  doubles[d + Double.bytesOut] = from.bytesOut[row]!
  doubles[d + Double.bytesIn] = from.bytesIn[row]!
}

/** Appends the slot's conversation, source and target as they are. */
export function giveRow(slots: Slots, slot: number, to: FlowBatch, marks: number): void {
  const { words, doubles } = slots
  const at = to.count++
  const w = wordAt(slot)
  const r = at * 4
  to.source[r] = words[w]!
  to.source[r + 1] = words[w + 1]!
  to.source[r + 2] = words[w + 2]!
  to.source[r + 3] = words[w + 3]!
  to.target[r] = words[w + 4]!
  to.target[r + 1] = words[w + 5]!
  to.target[r + 2] = words[w + 6]!
  to.target[r + 3] = words[w + 7]!
  to.sourcePort[at] = words[w + Word.ports]! >>> 16
  to.targetPort[at] = words[w + Word.ports]! & 0xffff
  to.proto[at] = words[w + Word.proto]!
  to.service[at] = words[w + Word.service]!
  to.packetsOut[at] = words[w + Word.packetsOut]!
  to.packetsIn[at] = words[w + Word.packetsIn]!
  to.state[at] = words[w + Word.state]!
  const d = doubleAt(slot)
  to.start[at] = doubles[d + Double.start]!
  to.end[at] = doubles[d + Double.end]!
  to.bytesOut[at] = doubles[d + Double.bytesOut]!
  to.bytesIn[at] = doubles[d + Double.bytesIn]!
  to.phase[at] = 0
  to.marks[at] = marks
  to.sourceWorkload[at] = -1
  to.targetWorkload[at] = -1
  to.flows[at] = 1
}

/** 1 = the row is of the slot's own direction, −1 = of the other one, 0 = of another conversation. */
export function sideOf(slots: Slots, slot: number, from: FlowBatch, row: number): number {
  const { words } = slots
  const w = wordAt(slot)
  const r = row * 4
  const ports = words[w + Word.ports]!
  const source = from.sourcePort[row]!
  const target = from.targetPort[row]!
  if (words[w + Word.proto] !== from.proto[row]) return 0
  if (
    ports === ((source << 16) | target) >>> 0 &&
    isSame(words, w, from.source, r) &&
    isSame(words, w + Word.target, from.target, r)
  )
    return 1
  return ports === ((target << 16) | source) >>> 0 &&
    isSame(words, w, from.target, r) &&
    isSame(words, w + Word.target, from.source, r)
    ? -1
    : 0
}

function isSame(a: Uint32Array, i: number, b: Uint32Array, j: number): boolean {
  return a[i + 3] === b[j + 3] && a[i + 2] === b[j + 2] && a[i + 1] === b[j + 1] && a[i] === b[j]
}

/** Source becomes target and the other way round. */
export function turnSlot(slots: Slots, slot: number): void {
  const { words, doubles } = slots
  const w = wordAt(slot)
  for (let i = 0; i < 4; i++) swap(words, w + i, w + Word.target + i)
  const ports = words[w + Word.ports]!
  words[w + Word.ports] = (ports << 16) | (ports >>> 16)
  swap(words, w + Word.packetsOut, w + Word.packetsIn)
  swap(words, w + Word.flags, w + Word.otherFlags)
  const d = doubleAt(slot)
  const bytes = doubles[d + Double.bytesOut]!
  doubles[d + Double.bytesOut] = doubles[d + Double.bytesIn]!
  doubles[d + Double.bytesIn] = bytes
}

function swap(words: Uint32Array, a: number, b: number): void {
  const kept = words[a]!
  words[a] = words[b]!
  words[b] = kept
}

/** The same for both directions of a conversation; `ports` of ICMP are no part of it. Its last two bits are 0. */
export function hashOf(rows: FlowBatch, row: number, isIcmp: boolean): number {
  const a = hashEnd(rows.source, row * 4, isIcmp ? 0 : rows.sourcePort[row]!)
  const b = hashEnd(rows.target, row * 4, isIcmp ? 0 : rows.targetPort[row]!)
  const h = Math.imul((a + b) ^ rows.proto[row]!, 0x9e3779b1)
  return (h ^ (h >>> 15)) & ~3
}

function hashEnd(words: Uint32Array, at: number, port: number): number {
  let h = Math.imul(words[at]! ^ Math.imul(words[at + 1]!, 0x85ebca6b), 0xc2b2ae35)
  h = Math.imul(h ^ words[at + 2]! ^ (h >>> 13), 0x27d4eb2f)
  h = Math.imul(h ^ words[at + 3]!, 0x165667b1)
  h ^= h >>> 15
  return Math.imul(h ^ port, 0x9e3779b1)
}
