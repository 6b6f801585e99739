/**
 * The memory of summing.ts: one slot per channel (client, server, service, protocol), one cache line each, because every
 * record goes to another slot. Sets of four slots share a hash; of IPv6 addresses the upper words stand apart.
 */
import { type FlowBatch, Mark, Phase, Proto, stateCode } from '../../model/flow.ts'

export const WAYS = 4

/** Words of 32 bits in a slot. */
const STRIDE = 16
export const Word = {
  client: 0,
  server: 1,
  /** Service port in the upper half, then protocol, then 1 for IPv6; 0 = the slot is free. */
  service: 2,
  /** The client's port of the row before. */
  lastPort: 3,
  flows: 8,
  failed: 9,
  /** Records of what the server sent. */
  answers: 10,
  packetsOut: 11,
  packetsIn: 12,
  durationMs: 13,
  /** The lower 32 bits of epoch ms, 0 = nothing was added up. */
  lastEnd: 14,
  /** Seconds of arrival: when counting began, of a busy channel when it was last seen; below them a byte, `BUSY` or a count. */
  state: 15,
} as const
const FIRST_SUM = Word.flows
const LAST_SUM = Word.lastEnd
/** In units of 64 bits from the slot's beginning. */
export const Double = { bytesOut: 2, bytesIn: 3 } as const
/** In place of how often the client's port changed. */
export const BUSY = 255
const V6 = 1

export const wordAt = (slot: number): number => slot * STRIDE
export const doubleAt = (slot: number): number => slot * (STRIDE / 2)

export type BusyChannels = {
  readonly capacity: number
  readonly words: Uint32Array
  readonly doubles: Float64Array
  /** Applications as exporters name them, 0 = they do not. */
  readonly applications: Uint16Array
  /** The other three words of client and server. */
  readonly upper: Uint32Array
}

/** `capacity`: a power of two, at least 4; 90 bytes each. */
export function createBusyChannels(capacity: number): BusyChannels {
  if (capacity < WAYS || (capacity & (capacity - 1)) !== 0) throw new RangeError(`no power of two: ${capacity}`)
  const memory = new ArrayBuffer(capacity * STRIDE * 4)
  return {
    capacity,
    words: new Uint32Array(memory),
    doubles: new Float64Array(memory),
    applications: new Uint16Array(capacity),
    upper: new Uint32Array(capacity * 6),
  }
}

const MAPPED = 0xffff
const isV4At = (words: Uint32Array, r: number) => words[r + 2] === MAPPED && words[r] === 0 && words[r + 1] === 0

/** `client`, `server`: addresses at `r`. Never 0. */
export function serviceOf(client: Uint32Array, server: Uint32Array, r: number, port: number, proto: number): number {
  return ((port << 16) | (proto << 8) | (isV4At(client, r) && isV4At(server, r) ? 0 : V6)) >>> 0
}

/** As `serviceOf` says it of IPv4. */
export const service4 = (port: number, proto: number): number => ((port << 16) | (proto << 8)) >>> 0

export function hashOf(client: Uint32Array, server: Uint32Array, r: number, service: number): number {
  let h = joined(client[r + 3]!, server[r + 3]!, service)
  if ((service & V6) !== 0)
    for (let i = 0; i < 3; i++) {
      h = Math.imul((h ^ (h >>> 15)) + client[r + i]!, 0x85ebca6b)
      h = Math.imul((h ^ (h >>> 13)) + server[r + i]!, 0xc2b2ae35)
    }
  return mixed(h)
}

/** `hashOf` of two IPv4 addresses. */
export function hash4(client: number, server: number, service: number): number {
  return mixed(joined(client, server, service))
}

function joined(client: number, server: number, service: number): number {
  let h = Math.imul(client ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + server, 0xc2b2ae35)
  return Math.imul((h ^ (h >>> 13)) + service, 0x27d4eb2f)
}

function mixed(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return h ^ (h >>> 13)
}

export function isChannel(
  { words, upper }: BusyChannels,
  slot: number,
  client: Uint32Array,
  server: Uint32Array,
  r: number,
  service: number,
): boolean {
  const w = wordAt(slot)
  if (words[w + Word.service] !== service || words[w] !== client[r + 3] || words[w + Word.server] !== server[r + 3])
    return false
  if ((service & V6) === 0) return true
  for (let i = 0; i < 3; i++)
    if (upper[slot * 6 + i] !== client[r + i] || upper[slot * 6 + 3 + i] !== server[r + i]) return false
  return true
}

export function putChannel(
  { words, upper, applications }: BusyChannels,
  slot: number,
  client: Uint32Array,
  server: Uint32Array,
  r: number,
  service: number,
): void {
  const w = wordAt(slot)
  words.fill(0, w, w + STRIDE)
  words[w] = client[r + 3]!
  words[w + Word.server] = server[r + 3]!
  words[w + Word.service] = service
  applications[slot] = 0
  for (let i = 0; i < 3; i++) {
    upper[slot * 6 + i] = client[r + i]!
    upper[slot * 6 + 3 + i] = server[r + i]!
  }
}

/**
 * Appends what the slot has added up, two rows at most: attempts that failed, and the rest, which has the bytes. What has no
 * flow of its own is a step of conversations that were told before. `end`: epoch ms of the last.
 */
export function giveSums(channels: BusyChannels, slot: number, end: number, to: FlowBatch): void {
  const { words, doubles } = channels
  const w = wordAt(slot)
  const isTcp = ((words[w + Word.service]! >>> 8) & 255) === Proto.tcp
  const flows = words[w + Word.flows]!
  const failed = words[w + Word.failed]!
  const first = to.count
  if (flows > failed || flows === 0) {
    const at = giveEnds(channels, slot, to, end)
    to.start[at] = end - (flows === 0 ? 0 : words[w + Word.durationMs]! / flows)
    to.phase[at] = flows === 0 ? Phase.progress : Phase.whole
    to.flows[at] = Math.max(1, flows - failed)
    to.state[at] = isTcp && flows > 0 ? stateCode.SF : stateCode.none
    to.marks[at] = words[w + Word.answers]! > 0 ? Mark.handshake : 0
  }
  if (failed > 0) {
    const at = giveEnds(channels, slot, to, end)
    to.flows[at] = failed
    to.state[at] = stateCode.S0
  }
  const d = doubleAt(slot)
  to.bytesOut[first] = doubles[d + Double.bytesOut]!
  to.bytesIn[first] = doubles[d + Double.bytesIn]!
  to.packetsOut[first] = words[w + Word.packetsOut]!
  to.packetsIn[first] = words[w + Word.packetsIn]!
  doubles[d + Double.bytesOut] = 0
  doubles[d + Double.bytesIn] = 0
  words.fill(0, w + FIRST_SUM, w + LAST_SUM + 1)
}

/** A row with the ends of the channel and nothing else. */
function giveEnds({ words, upper, applications }: BusyChannels, slot: number, to: FlowBatch, end: number): number {
  const at = to.count++
  const w = wordAt(slot)
  const r = at * 4
  for (let i = 0; i < 3; i++) {
    to.source[r + i] = upper[slot * 6 + i]!
    to.target[r + i] = upper[slot * 6 + 3 + i]!
  }
  to.source[r + 3] = words[w]!
  to.target[r + 3] = words[w + Word.server]!
  to.sourcePort[at] = words[w + Word.lastPort]!
  to.targetPort[at] = words[w + Word.service]! >>> 16
  to.proto[at] = words[w + Word.service]! >>> 8
  to.service[at] = applications[slot]!
  to.start[at] = end
  to.end[at] = end
  to.phase[at] = Phase.whole
  to.state[at] = stateCode.none
  to.marks[at] = 0
  to.bytesOut[at] = 0
  to.bytesIn[at] = 0
  to.packetsOut[at] = 0
  to.packetsIn[at] = 0
  to.sourceWorkload[at] = -1
  to.targetWorkload[at] = -1
  return at
}
