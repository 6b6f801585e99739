/**
 * Event time of a recorded stream: the newest flow start seen, except that one row from the far future (a broken or hostile
 * line) does not count: a jump of over an hour is believed when eight rows in a row say so.
 */
import type { FlowBatch } from '../../model/flow.ts'

const JUMP_MS = 3_600_000
const WITNESSES = 8

export type EventClock = {
  /** epoch ms; −∞ before the first row. */
  readonly now: number
  /** Calls `step(part, now)` for stretches of the batch that end when the clock has moved on by at least `spanMs`. */
  walk(batch: FlowBatch, spanMs: number, step: (part: FlowBatch, now: number) => void): void
}

export function createEventClock(): EventClock {
  let now = Number.NEGATIVE_INFINITY
  let jumps = 0
  let jumpTo = Number.POSITIVE_INFINITY
  let steppedAt = Number.NEGATIVE_INFINITY

  const advance = (start: number) => {
    if (start <= now + JUMP_MS) {
      jumps = 0
      jumpTo = Number.POSITIVE_INFINITY
      if (start > now) now = start
      return
    }
    jumpTo = Math.min(jumpTo, start)
    if (++jumps < WITNESSES && now !== Number.NEGATIVE_INFINITY) return
    now = jumpTo
    jumps = 0
    jumpTo = Number.POSITIVE_INFINITY
  }
  return {
    get now() {
      return now
    },
    walk(batch, spanMs, step) {
      let from = 0
      for (let row = 0; row < batch.count; row++) {
        advance(batch.start[row]!)
        if (now < steppedAt + spanMs) continue
        steppedAt = now
        step(slice(batch, from, row + 1), now)
        from = row + 1
      }
      if (from < batch.count) step(slice(batch, from, batch.count), now)
    },
  }
}

/** A view of rows `from` up to `to`; shares the columns. */
function slice(batch: FlowBatch, from: number, to: number): FlowBatch {
  if (from === 0 && to === batch.count) return batch
  return {
    count: to - from,
    hints: from === 0 ? batch.hints : [],
    capacity: to - from,
    start: batch.start.subarray(from, to),
    end: batch.end.subarray(from, to),
    source: batch.source.subarray(from * 4, to * 4),
    target: batch.target.subarray(from * 4, to * 4),
    sourcePort: batch.sourcePort.subarray(from, to),
    targetPort: batch.targetPort.subarray(from, to),
    proto: batch.proto.subarray(from, to),
    bytesOut: batch.bytesOut.subarray(from, to),
    bytesIn: batch.bytesIn.subarray(from, to),
    packetsOut: batch.packetsOut.subarray(from, to),
    packetsIn: batch.packetsIn.subarray(from, to),
    phase: batch.phase.subarray(from, to),
    state: batch.state.subarray(from, to),
    marks: batch.marks.subarray(from, to),
    sourceWorkload: batch.sourceWorkload.subarray(from, to),
    targetWorkload: batch.targetWorkload.subarray(from, to),
    service: batch.service.subarray(from, to),
  }
}
