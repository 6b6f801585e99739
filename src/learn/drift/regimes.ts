/**
 * The regimes a series has been in: points of (value, its means over longer and longer times), a bounded set of them. How
 * far a row is from the nearest is how new it is, whatever its shape: spike, shift, drop, or a calm that never was.
 */
import { CLIP, MEMORY_ROWS, REGIMES, WARM_ROWS } from './constants.ts'
import { addSize, createTail, rarity, type Tail } from './tail.ts'

export type Regimes = {
  readonly scales: readonly number[]
  readonly reach: number
  /** known × scales, in the units of the series */
  readonly points: Float64Array
  readonly lastSeen: Int32Array
  readonly means: Float64Array
  readonly tail: Tail
  known: number
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

function nearest({ points, means, known }: Regimes): { index: number; squared: number } {
  const width = means.length
  let squared = Number.POSITIVE_INFINITY
  let index = -1
  for (let j = 0, at = 0; j < known; j++, at += width) {
    let sum = 0
    for (let k = 0; k < width && sum < squared; k++) {
      const off = means[k]! - points[at + k]!
      sum += off * off
    }
    if (sum < squared) {
      squared = sum
      index = j
    }
  }
  return { index, squared }
}

function remember(regimes: Regimes, row: number): void {
  let at = regimes.known
  if (at < REGIMES.known) regimes.known++
  else {
    at = 0
    for (let j = 1; j < REGIMES.known; j++) if (regimes.lastSeen[j]! < regimes.lastSeen[at]!) at = j
  }
  regimes.points.set(regimes.means, at * regimes.means.length)
  regimes.lastSeen[at] = row
}
