/**
 * One side of a TCP connection: what state it is in and which sequence numbers it has come to, as Zeek keeps them
 * (TCP_Endpoint.cc, and the static functions of TCPSessionAdapter.cc). 32-bit numbers count on beyond their wraps.
 */
import { createStream, type Stream } from './tcp-stream.ts'

export const Tcp = { inactive: 0, synSent: 1, synAckSent: 2, partial: 3, established: 4, closed: 5, reset: 6 } as const
export const Flag = { fin: 1, syn: 2, rst: 4, push: 8, ack: 16 } as const

export type Endpoint = {
  state: number
  before: number
  startSeq: number
  lastSeq: number
  ackSeq: number
  seqWraps: number
  ackWraps: number
  fins: number
  finSeq: number
  hasClosed: boolean
  hasSpoken: boolean
  readonly stream: Stream
}

export const WRAP = 4_294_967_296
const MAX_JUMP = 1_048_576

export function createEndpoint(): Endpoint {
  return {
    state: Tcp.inactive,
    before: Tcp.inactive,
    startSeq: 0,
    lastSeq: 0,
    ackSeq: 0,
    seqWraps: 0,
    ackWraps: 0,
    fins: 0,
    finSeq: 0,
    hasClosed: false,
    hasSpoken: false,
    stream: createStream(),
  }
}

/** Payload bytes this side sent, by its own and by acknowledged sequence numbers. */
export function sizeOf(end: Endpoint, peer: Endpoint): number {
  // A half-open connection discovered and aborted: its numbers mean nothing.
  if (end.before === Tcp.synSent && end.state === Tcp.reset && peer.state === Tcp.inactive && !isUnanswered(end))
    return 0
  const last = end.seqWraps * WRAP + end.lastSeq
  const acked = end.ackWraps * WRAP + end.ackSeq
  let size = Math.max(last, acked) - end.startSeq
  if (size !== 0) size--
  if (end.fins > 0 && size !== 0) size--
  return size
}

export function isUnanswered(end: Endpoint): boolean {
  const acked = end.ackWraps * WRAP + end.ackSeq - end.startSeq
  return acked === 0 || acked === 1
}

const difference = (a: number, b: number) => (a - b) | 0

export function beginEndpoint(end: Endpoint, isSyn: boolean, seq: number, past: number): void {
  if (end.state === Tcp.inactive) {
    // Without a SYN, numbers are set as if there had been one just before.
    const first = isSyn ? seq : (seq - 1) >>> 0
    end.startSeq = first
    end.ackSeq = first
    end.lastSeq = isSyn ? past : seq
    return
  }
  if (!isSyn || end.state === Tcp.closed) return
  const isBefore = end.state === Tcp.synSent || end.state === Tcp.synAckSent
  const restarts = isBefore ? seq !== end.startSeq >>> 0 : end.state !== Tcp.reset || end.before === Tcp.inactive
  if (!restarts) return
  end.startSeq = seq
  end.ackSeq = seq
  end.lastSeq = past
}

/** Negative when it lies before anything known. */
export function relativeSeq(end: Endpoint, seq: number, last: number, wraps: number): number {
  const delta = difference(seq, last)
  let turns = wraps
  if (delta < 0 && turns > 0 && seq > last) turns--
  else if (delta > 0 && seq < last) turns++
  return turns === 0 ? difference(seq, end.startSeq) : turns * WRAP + seq - end.startSeq
}

export function takeAck(peer: Endpoint, ack: number, isRst: boolean): number {
  if (peer.state === Tcp.inactive) {
    const first = (ack - 1) >>> 0
    peer.startSeq = first
    peer.ackSeq = first
    peer.lastSeq = first
    return 1
  }
  const relative = relativeSeq(peer, ack, peer.ackSeq, peer.ackWraps)
  if (relative < 0) return 0
  if (!isRst) {
    const delta = difference(ack, peer.ackSeq)
    // An acknowledgement of 0 far away is a broken one rather than a long connection.
    if (delta > 0 && !(ack === 0 && delta > MAX_JUMP)) {
      if (ack < peer.ackSeq) peer.ackWraps++
      peer.ackSeq = ack
    }
  }
  return relative
}

export function updateLast(end: Endpoint, past: number, flags: number): void {
  const delta = difference(past, end.lastSeq)
  const isControl = (flags & (Flag.syn | Flag.rst)) !== 0
  if (isControl && (delta > MAX_JUMP || delta < -MAX_JUMP)) return
  // Over 2 GB of which only SYN and FIN were seen: the FIN is believed although it looks like going back.
  const isOnlyFin = (flags & Flag.fin) !== 0 && end.lastSeq === (end.startSeq + 1) >>> 0
  if (!isOnlyFin && (end.state === Tcp.reset || delta <= 0)) return
  if (past < end.lastSeq) end.seqWraps++
  end.lastSeq = past
}
