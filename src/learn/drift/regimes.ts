/**
 * The regimes a series has been in: points of (value, its means over longer and longer times), a bounded set of them. How
 * far a row is from the nearest is how new it is, whatever its shape: spike, shift, drop, or a calm that never was.
 */
import { CLIP, MEMORY_ROWS, REGIMES, WARM_ROWS } from './constants.ts'
import { addSize, createTail, rarity, type Tail } from './tail.ts'

export type Regimes = {
  readonly scales: readonly number[]
  readonly reach: number
  /** scales × known, in the units of the series: the first coordinates lie side by side, for the search */
  readonly points: Float64Array
  readonly lastSeen: Int32Array
  readonly means: Float64Array
  readonly tail: Tail
  known: number
  /** Nearest to the last row. */
  last: number
}

export function createRegimes({ scales, reach }: { scales: readonly number[]; reach: number }): Regimes {
  return {
    scales,
    reach,
    points: new Float64Array(REGIMES.known * scales.length),
    lastSeen: new Int32Array(REGIMES.known),
    means: new Float64Array(scales.length),
    tail: createTail(),
    known: 0,
    last: 0,
  }
}

/** The spread of a series about its mean: the unit of distance. */
export type Spread = { mean: number; size: number }

export function updateSpread(spread: Spread, x: number, row: number): void {
  const gain = Math.max(1 / MEMORY_ROWS.regime, 1 / (row + 1))
  if (row === 0) spread.mean = x
  const off = x - spread.mean
  spread.mean += gain * off
  const size = Math.abs(off)
  // Until there is a spread, the first deviation is it.
  const counted = row > 50 ? Math.min(size, CLIP.regime * spread.size) : size
  spread.size += gain * (counted - spread.size)
  if (spread.size <= 0) spread.size = size
}

/** −log10 of how often a row was as far from all known; takes the row in. `steps`: rows that passed since the last one. */
export function judgeRegimes(regimes: Regimes, x: number, spread: number, row: number, steps: number): number {
  const { means, scales } = regimes
  for (let k = 0; k < scales.length; k++) {
    const keep = 1 - 1 / scales[k]!
    const gain = row === 0 ? 1 : 1 - (steps === 1 ? keep : keep ** steps)
    means[k]! += gain * (x - means[k]!)
  }
  const { index, squared } = nearest(regimes)
  const distance = index < 0 || spread <= 0 ? 0 : Math.sqrt(squared) / spread
  let rare = 0
  if (row > WARM_ROWS) {
    if (distance > REGIMES.least) rare = rarity(regimes.tail, distance)
    addSize(regimes.tail, distance)
  }
  if (index < 0 || distance > regimes.reach) remember(regimes, row)
  else regimes.lastSeen[index] = row
  return rare
}

/** The search starts at the point that was nearest last: most others then fail at their first two coordinates. */
function nearest(regimes: Regimes): { index: number; squared: number } {
  const { points, means, known, last } = regimes
  if (known === 0) return { index: -1, squared: 0 }
  const first = means[0]!
  const second = means[1]!
  let index = last
  let squared = squaredTo(points, last, means)
  for (let j = 0; j < known; j++) {
    const off = first - points[j]!
    const near = off * off
    if (near >= squared) continue
    const other = second - points[REGIMES.known + j]!
    if (near + other * other >= squared) continue
    const sum = squaredTo(points, j, means)
    if (sum >= squared) continue
    squared = sum
    index = j
  }
  regimes.last = index
  return { index, squared }
}

function squaredTo(points: Float64Array, point: number, means: Float64Array): number {
  let sum = 0
  for (let k = 0, at = point; k < means.length; k++, at += REGIMES.known) {
    const off = means[k]! - points[at]!
    sum += off * off
  }
  return sum
}

function remember(regimes: Regimes, row: number): void {
  let at = regimes.known
  if (at < REGIMES.known) regimes.known++
  else {
    at = 0
    for (let j = 1; j < REGIMES.known; j++) if (regimes.lastSeen[j]! < regimes.lastSeen[at]!) at = j
  }
  for (let k = 0; k < regimes.means.length; k++) regimes.points[k * REGIMES.known + at] = regimes.means[k]!
  regimes.lastSeen[at] = row
  regimes.last = at
}
