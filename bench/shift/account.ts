/**
 * What the two ends of a stream remember, and when the kernel took which rules, come in; what was lost, what got through
 * that should not have, and when the packets obeyed go out. A message that was sent while the kernel changed may go either
 * way and is counted as neither, except on streams that both personas permit: there every message must arrive.
 */
import { permits, type StreamPlan } from './flows.ts'

export type Shift = {
  readonly variant: 0 | 1
  /** Between these the kernel took the rules: `to` is its word that it has them. */
  readonly from: number
  readonly to: number
  /** When the state was received. */
  readonly began: number
}
/** One way of a stream. */
export type Way = {
  readonly stream: StreamPlan
  readonly sent: readonly number[]
  readonly got: readonly (readonly [message: number, at: number])[]
}
export type Account = {
  sent: number
  lost: number
  /** Sent after the kernel's word that they are denied, and arrived all the same; the most of one way and one shift. */
  passedDenied: number
  mostPassedDenied: number
  /** Messages tried against a denial: without them the figures above would mean nothing. */
  denied: number
}

/** In flight when the kernel changed: a softirq that waits for its turn on a busy machine. */
const IN_FLIGHT_MS = 5
/** Streams of one persona alone are tracked by the kernel once they were let through. */
const WARM_UP = 2

export function account(ways: readonly Way[], shifts: readonly Shift[], endedAt: number): Account {
  const sum: Account = { sent: 0, lost: 0, passedDenied: 0, mostPassedDenied: 0, denied: 0 }
  for (const way of ways) {
    const at = new Map(way.got)
    const { permittedBy, protocol } = way.stream
    if (permittedBy === 'both' || permittedBy === 'nobody' || protocol === 'tcp') {
      sum.sent += way.sent.length
      sum.lost += way.sent.length - at.size
    }
    if (permittedBy === 'both' || permittedBy === 'nobody') continue
    for (const [i, { variant, to }] of shifts.entries()) {
      if (i < WARM_UP) continue
      const until = shifts[i + 1]?.from ?? endedAt
      if (permits(variant, permittedBy)) {
        // What TCP lost meanwhile it sends again: it is counted at the end.
        if (protocol === 'udp') lostBetween(way, at, to, until - IN_FLIGHT_MS, sum)
      } else deniedBetween(way, at, to, until, sum)
    }
  }
  return sum
}

function lostBetween({ sent }: Way, at: ReadonlyMap<number, number>, from: number, until: number, sum: Account): void {
  for (let n = firstSince(sent, from); n < sent.length && sent[n]! < until; n++) {
    sum.sent++
    if (!at.has(n)) sum.lost++
  }
}

function deniedBetween({ sent }: Way, at: ReadonlyMap<number, number>, from: number, until: number, sum: Account) {
  let through = 0
  for (let n = firstSince(sent, from); n < sent.length && sent[n]! < until; n++) {
    sum.denied++
    if ((at.get(n) ?? Number.POSITIVE_INFINITY) < until) through++
  }
  sum.passedDenied += through
  sum.mostPassedDenied = Math.max(sum.mostPassedDenied, through)
}

/**
 * Of each shift after the warm-up, ms from the state received until packets obeyed it on every way of the datagrams that it changed:
 * the first that was let through, the first that was not. Streams send every few milliseconds, so this is no less than it was.
 */
export function obeyedAfter(ways: readonly Way[], shifts: readonly Shift[]): number[] {
  const changing = ways.filter(
    ({ stream }) => stream.protocol === 'udp' && ['first', 'second'].includes(stream.permittedBy),
  )
  const arrived = new Map(changing.map((way) => [way, new Map(way.got)]))
  return shifts.slice(WARM_UP).map(({ variant, from, began }) => {
    const last = changing.map((way) => {
      const isPermitted = permits(variant, way.stream.permittedBy)
      const got = arrived.get(way)!
      let n = firstSince(way.sent, from)
      while (n < way.sent.length && got.has(n) !== isPermitted) n++
      return way.sent[n] ?? Number.POSITIVE_INFINITY
    })
    return Math.max(...last) - began
  })
}

/** Position of the first that is not before `time`; they are in order. */
function firstSince(times: readonly number[], time: number): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (times[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}
