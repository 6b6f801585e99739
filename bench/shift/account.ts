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
  /** When each was about to be given to the kernel, and when it had been: a process may wait for its turn in between. */
  readonly sent: readonly number[]
  readonly left: readonly number[]
  readonly got: readonly (readonly [message: number, at: number])[]
}
/** ms after the last shift that the kernel had taken when it was sent, and before the next one; what the sender took for it. */
export type Loss = {
  readonly stream: string
  readonly n: number
  readonly after_ms: number
  readonly before_ms: number
  readonly sending_ms: number
}
export type Account = {
  sent: number
  lost: number
  /** The first of them. */
  readonly losses: Loss[]
  /** Sent after the kernel's word that they are denied, and arrived all the same; the most of one way and one shift. */
  passedDenied: number
  mostPassedDenied: number
  /** Messages tried against a denial: without them the figures above would mean nothing. */
  denied: number
}

/** In flight when the kernel changed: a softirq that waits for its turn on a busy machine. */
const IN_FLIGHT_MS = 5
const MOST_LOSSES = 20
/** Streams of one persona alone are tracked by the kernel once they were let through. */
const WARM_UP = 2

export function account(ways: readonly Way[], shifts: readonly Shift[], endedAt: number): Account {
  const sum: Account = { sent: 0, lost: 0, losses: [], passedDenied: 0, mostPassedDenied: 0, denied: 0 }
  for (const way of ways) {
    const at = new Map(way.got)
    const { permittedBy, protocol } = way.stream
    if (permittedBy === 'both' || permittedBy === 'nobody' || protocol === 'tcp') {
      for (let n = 0; n < way.sent.length; n++) countOne(way, at, n, shifts, sum)
    }
    if (permittedBy === 'both' || permittedBy === 'nobody') continue
    for (const [i, { variant, to }] of shifts.entries()) {
      if (i < WARM_UP) continue
      const until = shifts[i + 1]?.from ?? endedAt
      if (permits(variant, permittedBy)) {
        // What TCP lost meanwhile it sends again: it is counted at the end.
        if (protocol === 'udp') lostBetween(way, at, to, until - IN_FLIGHT_MS, shifts, sum)
      } else deniedBetween(way, at, to, until, sum)
    }
  }
  return sum
}

function lostBetween(
  way: Way,
  at: ReadonlyMap<number, number>,
  from: number,
  until: number,
  shifts: readonly Shift[],
  sum: Account,
): void {
  for (let n = firstSince(way.sent, from); n < way.left.length && way.left[n]! < until; n++)
    countOne(way, at, n, shifts, sum)
}

function countOne(
  { stream, sent, left }: Way,
  at: ReadonlyMap<number, number>,
  n: number,
  shifts: readonly Shift[],
  sum: Account,
): void {
  sum.sent++
  if (at.has(n)) return
  sum.lost++
  if (sum.losses.length >= MOST_LOSSES) return
  const when = sent[n]!
  const last = shifts.findLast(({ to }) => to <= when)
  const next = shifts.find(({ from }) => from > when)
  sum.losses.push({
    stream: stream.name,
    n,
    after_ms: rounded(when - (last?.to ?? when)),
    before_ms: rounded((next?.from ?? when) - when),
    sending_ms: rounded(left[n]! - when),
  })
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10

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
