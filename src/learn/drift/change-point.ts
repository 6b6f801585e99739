/**
 * Where a new level began: the likelihood ratio of two levels against one, and against a straight line, over the running
 * segment (Hinkley 1970; Basseville and Nikiforov 1993, §2.4). Splits are sought in the last rows only, so memory is fixed.
 */
import { CHANGE } from './constants.ts'

/** A power of two, for the ring. */
const WINDOW = CHANGE.window

export type Segment = {
  /** First value: sums are of differences to it, so that a large offset costs no digits. */
  origin: number
  rows: number
  sum: number
  squares: number
  /** Σ row·value, for the line */
  ramp: number
  /** The last values, at row modulo WINDOW. */
  readonly recent: Float64Array
}

export const createSegment = (): Segment => ({
  origin: 0,
  rows: 0,
  sum: 0,
  squares: 0,
  ramp: 0,
  recent: new Float64Array(WINDOW),
})

/** Takes a row in. How many rows ago a new level began, when this row has proved it; else −1. */
export function changedAt(segment: Segment, value: number): number {
  push(segment, value)
  if (segment.rows < 3 * CHANGE.least) return -1
  const { rows, sum, squares } = segment
  // A long segment is tried at every fourth row only: the split is found as exactly, three rows later at most.
  if (rows > 4 * WINDOW && rows % 4 !== 0) return -1
  const one = squares - (sum * sum) / rows
  if (!(one > 0)) return -1
  const ago = bestSplit(segment)
  // What rounding leaves is no fit: below this share of the whole a fit counts as this good.
  const floor = one * 1e-9
  const bestTwo = Math.max(floor, two(segment, ago.rows, ago.sum))
  const gainOverOne = rows * Math.log(one / bestTwo)
  const gainOverLine = rows * Math.log(Math.max(floor, line(segment, one)) / bestTwo)
  if (gainOverOne < CHANGE.overOne * Math.log(rows) || gainOverLine < CHANGE.overLine * Math.log(rows)) return -1
  restart(segment, ago.rows)
  return ago.rows - 1
}

function push(segment: Segment, value: number): void {
  if (segment.rows === 0) segment.origin = value
  const x = value - segment.origin
  segment.recent[segment.rows % WINDOW] = value
  segment.sum += x
  segment.squares += x * x
  segment.ramp += segment.rows * x
  segment.rows++
}

/** The split among the last rows that leaves least: its rows after, and their sum. */
function bestSplit(segment: Segment): { rows: number; sum: number } {
  const { rows, origin, recent } = segment
  const most = Math.min(WINDOW, rows - CHANGE.least)
  let after = 0
  let best = -1
  const found: { rows: number; sum: number } = { rows: CHANGE.least, sum: 0 }
  for (let k = 1; k <= most; k++) {
    after += recent[(rows - k) & (WINDOW - 1)]! - origin
    if (k < CHANGE.least) continue
    const before = segment.sum - after
    const fit = (after * after) / k + (before * before) / (rows - k)
    if (fit <= best) continue
    best = fit
    found.rows = k
    found.sum = after
  }
  return found
}

const two = ({ rows, sum, squares }: Segment, after: number, afterSum: number): number =>
  squares - (afterSum * afterSum) / after - (sum - afterSum) ** 2 / (rows - after)

/** What the best straight line leaves. */
function line({ rows, sum, ramp }: Segment, one: number): number {
  const middle = (rows - 1) / 2
  const across = ramp - middle * sum
  const spread = (rows * (rows * rows - 1)) / 12
  return one - (across * across) / spread
}

/** The new segment is the last rows. */
function restart(segment: Segment, kept: number): void {
  const values = Array.from({ length: kept }, (_, k) => segment.recent[(segment.rows - kept + k) % WINDOW]!)
  segment.rows = 0
  segment.sum = segment.squares = segment.ramp = 0
  for (const value of values) push(segment, value)
}
