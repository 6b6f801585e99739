/**
 * Event time of a recorded stream: the newest flow start or hint seen, except that one row from the far future (a broken or
 * hostile line) does not count: a jump of over an hour is believed when eight in a row say so.
 */
import type { FlowBatch } from '../../model/flow.ts'

const JUMP_MS = 3_600_000
const WITNESSES = 8

export type EventClock = {
  /** epoch ms; −∞ before the first row or hint. */
  readonly now: number
  /**
   * Calls `step(part, now)` for stretches of the batch that end when the clock has moved on by at least `spanMs`: rows in
   * their order, and with them the hints that are not later.
   */
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
      const from: Place = { row: 0, hint: 0 }
      const to: Place = { row: 0, hint: 0 }
      while (to.row < batch.count || to.hint < batch.hints.length) {
        advance(passNext(batch, to))
        if (now < steppedAt + spanMs) continue
        steppedAt = now
        step(slice(batch, from, to), now)
        Object.assign(from, to)
      }
      if (from.row < to.row || from.hint < to.hint) step(slice(batch, from, to), now)
    },
  }
}

/** A place between the rows and the hints of a batch. */
type Place = { row: number; hint: number }

/** Passes over the earlier of the next row and the next hint; its time, epoch ms. */
function passNext(batch: FlowBatch, place: Place): number {
  const row = place.row < batch.count ? batch.start[place.row]! : Number.POSITIVE_INFINITY
  const hint = batch.hints[place.hint]?.at ?? Number.POSITIVE_INFINITY
  if (hint <= row && place.hint < batch.hints.length) {
    place.hint++
    return hint
  }
  place.row++
  return row
}

/** A view of what lies between two places; shares the columns. */
function slice(batch: FlowBatch, begin: Place, end: Place): FlowBatch {
  const { row: from } = begin
  const { row: to } = end
  const hasAllHints = begin.hint === 0 && end.hint === batch.hints.length
  if (from === 0 && to === batch.count && hasAllHints) return batch
  return {
    count: to - from,
    hints: hasAllHints ? batch.hints : batch.hints.slice(begin.hint, end.hint),
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
    flows: batch.flows.subarray(from, to),
  }
}
