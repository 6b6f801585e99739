/**
 * The state of one TCP connection as Zeek keeps it (TCPSessionAdapter.cc): a segment comes in, both endpoints' states and
 * sequence numbers are stepped, and when the connection counts as closed is told through `TcpOutcome`. Sizes come from
 * sequence numbers, so a retransmission is not counted twice and what a capture lost is counted nevertheless.
 */
import {
  beginEndpoint,
  createEndpoint,
  type Endpoint,
  Flag,
  isUnanswered,
  relativeSeq,
  sizeOf,
  Tcp,
  takeAck,
  updateLast,
  WRAP,
} from './tcp-endpoint.ts'
import { acknowledge, holdsData, sendData } from './tcp-stream.ts'

export type TcpConnection = {
  /** Initiator and responder; they change places when the beginning turns out to have been the other way round. */
  client: Endpoint
  server: Endpoint
  isPartial: boolean
  isCloseDeferred: boolean
  /** Letters as in Zeek's history: S H F R and A D (once) of the client in capitals, of the server small. */
  history: string
}

export type Segment = {
  flags: number
  seq: number
  ack: number
  /** Bytes of payload as the headers say. */
  length: number
  /** True when all of them were captured. */
  isWhole: boolean
}

/** What the connection's keeper has to do; one object, refilled for each segment. */
export type TcpOutcome = {
  isFlipped: boolean
  isEstablished: boolean
  /** The handshake is over, one way or another. */
  isPastHandshake: boolean
  /** A first SYN: Zeek waits 5 s for an answer. */
  isAttempt: boolean
  /** Closed on this side only: looked at again later. */
  isHalfClosed: boolean
  isClosed: boolean
  /** Relative number of the first payload byte, or −1 when it must not be read. */
  dataFrom: number
}

export function createTcpConnection(): TcpConnection {
  return {
    client: createEndpoint(),
    server: createEndpoint(),
    isPartial: false,
    isCloseDeferred: false,
    history: '',
  }
}

export function createTcpOutcome(): TcpOutcome {
  return {
    isFlipped: false,
    isEstablished: false,
    isPastHandshake: false,
    isAttempt: false,
    isHalfClosed: false,
    isClosed: false,
    dataFrom: -1,
  }
}

const isBegun = (state: number) => state !== Tcp.inactive && state !== Tcp.synSent && state !== Tcp.synAckSent

export function stepTcp(tcp: TcpConnection, fromClient: boolean, segment: Segment, outcome: TcpOutcome): void {
  outcome.isFlipped = false
  outcome.isEstablished = false
  outcome.isPastHandshake = false
  outcome.isAttempt = false
  outcome.isHalfClosed = false
  outcome.isClosed = false
  const end = fromClient ? tcp.client : tcp.server
  const peer = fromClient ? tcp.server : tcp.client
  const { flags, length } = segment
  const isSyn = (flags & Flag.syn) !== 0
  const isRst = (flags & Flag.rst) !== 0
  const isFin = (flags & Flag.fin) !== 0
  notePartial(tcp, fromClient, end, flags)
  const spans = (isRst ? 0 : length) + (isSyn ? 1 : 0) + (isFin ? 1 : 0)
  const past = (segment.seq + spans) >>> 0
  beginEndpoint(end, isSyn, segment.seq, past)
  const relative = relativeSeq(end, segment.seq, end.lastSeq, end.seqWraps)
  noteHistory(tcp, fromClient, flags, length)
  if (isFin) {
    end.fins++
    end.finSeq = relative < 0 ? Number.MAX_VALUE : relative + spans
  }
  let acked = 0
  if ((flags & Flag.ack) !== 0) acked = takeAck(peer, segment.ack, isRst)
  updateLast(end, past, flags)
  const isClosing = stepState(tcp, fromClient, end, peer, segment, outcome)
  if ((flags & Flag.ack) !== 0) takeAcknowledged(tcp, peer, end, acked, outcome)
  end.hasSpoken = true
  outcome.dataFrom = -1
  if (length > 0 && !isRst && relative >= 0) {
    const from = isSyn ? relative + 1 : relative
    outcome.dataFrom = from
    if (segment.isWhole) {
      const told = end.ackWraps * WRAP + end.ackSeq - end.startSeq
      sendData(end.stream, from, from + length, told, isUnanswered(end), sizeOf(end, peer))
    }
  }
  checkEnd(tcp, end, peer, outcome)
  if (isClosing) close(tcp, end, peer, outcome)
}

function notePartial(tcp: TcpConnection, fromClient: boolean, end: Endpoint, flags: number): void {
  if (end.hasSpoken) return
  const isSyn = (flags & Flag.syn) !== 0
  if (fromClient) tcp.isPartial = !isSyn || (flags & Flag.ack) !== 0
  else if (!tcp.isPartial) tcp.isPartial = !isSyn
}

function noteHistory(tcp: TcpConnection, fromClient: boolean, flags: number, length: number): void {
  const control = flags & (Flag.syn | Flag.fin | Flag.rst)
  let letter = ''
  if (control === 0) letter = length > 0 ? 'D' : (flags & Flag.ack) !== 0 ? 'A' : ''
  else if (control === Flag.syn) letter = (flags & Flag.ack) !== 0 ? 'H' : 'S'
  else if (control === Flag.fin) letter = 'F'
  else if (control === Flag.rst) letter = 'R'
  else letter = (control & (Flag.fin | Flag.rst)) === (Flag.fin | Flag.rst) ? 'I' : 'Q'
  if (letter === '') return
  const told = fromClient ? letter : letter.toLowerCase()
  if (!tcp.history.includes(told)) tcp.history += told
}

function setState(end: Endpoint, peer: Endpoint, state: number, outcome: TcpOutcome): void {
  if (state === end.state) return
  if (isBegun(state) && !isBegun(end.state) && !isBegun(peer.state)) outcome.isPastHandshake = true
  end.before = end.state
  end.state = state
}

/** True when this segment closes its side. */
function stepState(
  tcp: TcpConnection,
  fromClient: boolean,
  end: Endpoint,
  peer: Endpoint,
  segment: Segment,
  outcome: TcpOutcome,
): boolean {
  const { flags } = segment
  const isFin = (flags & Flag.fin) !== 0
  const isRst = (flags & Flag.rst) !== 0
  switch (end.state) {
    case Tcp.inactive:
      return stepInactive(tcp, fromClient, end, peer, segment, outcome)
    case Tcp.synSent:
    case Tcp.synAckSent:
      if (isFin) setState(end, peer, Tcp.closed, outcome)
      if (isRst) setState(end, peer, Tcp.reset, outcome)
      return isFin || isRst
    case Tcp.partial:
    case Tcp.established:
      if ((flags & (Flag.syn | Flag.ack)) === Flag.syn && end.state === Tcp.partial && peer.state === Tcp.inactive)
        setState(end, peer, Tcp.synSent, outcome)
      if (isFin && !isRst) {
        setState(end, peer, Tcp.closed, outcome)
        // The peer's FIN and then RST was a normal end after all.
        if (peer.state === Tcp.reset && peer.before === Tcp.closed) setState(peer, end, Tcp.closed, outcome)
      }
      if (isRst) setState(end, peer, Tcp.reset, outcome)
      return isFin || isRst
    case Tcp.closed:
      if (isRst && peer.state !== Tcp.closed) {
        setState(end, peer, Tcp.reset, outcome)
        return !end.hasClosed
      }
      return false
    default:
      return false
  }
}

function stepInactive(
  tcp: TcpConnection,
  fromClient: boolean,
  end: Endpoint,
  peer: Endpoint,
  segment: Segment,
  outcome: TcpOutcome,
): boolean {
  const { flags } = segment
  const hasAck = (flags & Flag.ack) !== 0
  if ((flags & Flag.syn) !== 0) {
    if (fromClient) {
      setState(end, peer, hasAck ? Tcp.synAckSent : Tcp.synSent, outcome)
      outcome.isAttempt = true
    } else {
      if (!hasAck && peer.state === Tcp.synAckSent && segment.seq === end.startSeq) {
        // SYN and SYN-ACK were captured the wrong way round.
        outcome.isFlipped = true
        flip(tcp)
        setState(peer, end, Tcp.established, outcome)
        end.hasSpoken = true
      }
      if (peer.state === Tcp.synSent) setState(peer, end, Tcp.established, outcome)
      setState(end, peer, Tcp.established, outcome)
      if (peer.state !== Tcp.partial) outcome.isEstablished = true
    }
  }
  const isFin = (flags & Flag.fin) !== 0
  const isRst = (flags & Flag.rst) !== 0
  if (isFin) setState(end, peer, Tcp.closed, outcome)
  if (isRst) setState(end, peer, Tcp.reset, outcome)
  if (end.state === Tcp.inactive) {
    // Some answer a SYN with a bare acknowledgement first.
    if (!fromClient && segment.length === 0 && tcp.client.state === Tcp.synSent) return isFin || isRst
    if (hasAck && peer.state === Tcp.established) {
      setState(end, peer, Tcp.established, outcome)
      tcp.isPartial = false
      end.hasSpoken = true
    } else setState(end, peer, Tcp.partial, outcome)
  }
  return isFin || isRst
}

export function flip(tcp: TcpConnection): void {
  const { client } = tcp
  tcp.client = tcp.server
  tcp.server = client
  tcp.isPartial = false
  tcp.history += '^'
}

function takeAcknowledged(tcp: TcpConnection, end: Endpoint, peer: Endpoint, to: number, outcome: TcpOutcome): void {
  const reached = end.fins > 0 && to >= end.finSeq ? end.finSeq - 1 : to
  if (reached <= end.stream.trimmed) return
  acknowledge(end.stream, reached, tcp.isPartial)
  checkEnd(tcp, end, peer, outcome)
}

function isWaitingForData(end: Endpoint, peer: Endpoint): boolean {
  if (end.stream.isSkipped) return false
  const delivered = end.startSeq + end.stream.delivered
  const last = end.seqWraps * WRAP + end.lastSeq
  if (last < delivered) return false
  if (delivered !== last - 1 && delivered !== last) return true
  return end.state !== Tcp.reset && holdsData(peer.stream)
}

function checkEnd(tcp: TcpConnection, end: Endpoint, peer: Endpoint, outcome: TcpOutcome): void {
  if (end.stream.hasEnded) return
  if (end.fins === 0 && end.state !== Tcp.closed && end.state !== Tcp.reset) return
  if (isWaitingForData(end, peer)) return
  end.stream.hasEnded = true
  if (!tcp.isCloseDeferred) return
  close(tcp, end, peer, outcome)
  tcp.isCloseDeferred = false
}

function close(tcp: TcpConnection, end: Endpoint, peer: Endpoint, outcome: TcpOutcome): void {
  if (isWaitingForData(end, peer)) {
    tcp.isCloseDeferred = true
    return
  }
  tcp.isCloseDeferred = false
  if (end.hasClosed) return
  end.hasClosed = true
  if (end.state === Tcp.reset || peer.hasClosed || peer.state === Tcp.inactive) outcome.isClosed = true
  else outcome.isHalfClosed = true
}
