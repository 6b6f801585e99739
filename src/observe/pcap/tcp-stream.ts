/**
 * What of one direction's byte stream has been delivered in order, and what waits: Zeek's TCP_Reassembler without the
 * bytes, because when a connection counts as closed (and so how long it lasted) depends on it. Sequence numbers are
 * relative: 1 is the first byte of data.
 */
export type Stream = {
  /** All below was acknowledged. */
  trimmed: number
  /** Next byte to deliver. */
  delivered: number
  /** End of the last byte delivered that may still wait for its acknowledgement. */
  heldTo: number
  /** Parts behind a hole, `[from, to, from, to…]` in order; null = none. */
  ahead: number[] | null
  hasEnded: boolean
  /** Too much for its bounds, or never acknowledged: nothing is waited for any more. */
  isSkipped: boolean
}

/** Zeek's tcp_max_initial_window and tcp_max_above_hole_without_any_acks. */
const MAX_UNACKNOWLEDGED = 16_384
/** Zeek's tcp_excessive_data_without_further_acks. */
const MAX_HELD = 10 << 20
const MAX_PARTS = 128

export function createStream(): Stream {
  return { trimmed: 1, delivered: 1, heldTo: 1, ahead: null, hasEnded: false, isSkipped: false }
}

export function holdsData(stream: Stream): boolean {
  return stream.ahead !== null || stream.heldTo > stream.trimmed
}

/**
 * Bytes `[from, to)` were sent. `acknowledged`: how far the peer says it has come; `isUnanswered`: it has not said
 * anything about data at all; `sent`: how much was sent in all.
 */
export function sendData(
  stream: Stream,
  from: number,
  to: number,
  acknowledged: number,
  isUnanswered: boolean,
  sent: number,
): void {
  if (stream.isSkipped || to <= acknowledged || to <= stream.trimmed) return
  const start = Math.max(from, acknowledged, stream.trimmed)
  if (start <= stream.delivered) {
    if (to > stream.delivered) deliver(stream, to)
    if (isUnanswered && sent > MAX_UNACKNOWLEDGED) acknowledge(stream, stream.delivered, false)
  } else insertAhead(stream, start, to)
  const last = stream.ahead === null ? stream.delivered : stream.ahead.at(-1)!
  const isTooMuch =
    (isUnanswered && last - stream.delivered > MAX_UNACKNOWLEDGED) ||
    last - stream.trimmed > MAX_HELD ||
    (stream.ahead !== null && stream.ahead.length > MAX_PARTS * 2)
  if (!isTooMuch) return
  stream.isSkipped = true
  stream.ahead = null
  stream.heldTo = stream.trimmed
}

function deliver(stream: Stream, to: number): void {
  stream.delivered = to
  const { ahead } = stream
  if (ahead !== null) {
    let used = 0
    while (used < ahead.length && ahead[used]! <= stream.delivered) {
      stream.delivered = Math.max(stream.delivered, ahead[used + 1]!)
      used += 2
    }
    stream.ahead = used === ahead.length ? null : used === 0 ? ahead : ahead.slice(used)
  }
  stream.heldTo = stream.delivered
}

function insertAhead(stream: Stream, from: number, to: number): void {
  const ahead = stream.ahead ?? []
  stream.ahead = ahead
  let first = ahead.length
  while (first > 0 && ahead[first - 1]! >= from) first -= 2
  let last = first
  let start = from
  let end = to
  while (last < ahead.length && ahead[last]! <= to) {
    start = Math.min(start, ahead[last]!)
    end = Math.max(end, ahead[last + 1]!)
    last += 2
  }
  ahead.splice(first, last - first, start, end)
}

/** The peer has everything below `to`: what never came is a gap in the capture and is stepped over. */
export function acknowledge(stream: Stream, to: number, isPartial: boolean): void {
  if (to <= stream.trimmed) return
  // A connection met in the middle: the octet or two before its first data never were data.
  if (to > stream.delivered && !(to <= 2 && isPartial)) {
    const wasHeldTo = stream.heldTo
    deliver(stream, to)
    if (stream.delivered === to) stream.heldTo = Math.max(wasHeldTo, stream.trimmed)
  }
  stream.trimmed = to
}
