/**
 * How rare a size is among all before it, without a law assumed: a decaying histogram of log sizes, and beyond the
 * largest seen a power tail. One number in, −log10 of the share of rows that were at least so large out.
 */
import { BEYOND, TAIL } from './constants.ts'

export type Tail = {
  readonly counts: Float64Array
  rows: number
  /** Largest size seen, slowly forgotten. */
  largest: number
  highestBin: number
}

export const createTail = (): Tail => ({ counts: new Float64Array(TAIL.bins), rows: 0, largest: 0, highestBin: 0 })

const place = (logSize: number): number => (logSize - TAIL.lowest) * TAIL.perFold
const binOf = (at: number): number => (at < 0 ? 0 : at >= TAIL.bins ? TAIL.bins - 1 : Math.floor(at))

/** −log10 of the tail probability of `size` among the rows before; 0 when nothing is known. */
export function rarity(tail: Tail, size: number): number {
  if (!(size > 0)) return 0
  const { counts } = tail
  const logSize = Math.log(size)
  const at = place(logSize)
  const bin = binOf(at)
  let above = 0
  for (let k = tail.highestBin; k > bin; k--) above += counts[k]!
  above += counts[bin]! * Math.min(1, Math.max(0, 1 - (at - bin)))
  const over = tail.largest > 0 ? Math.max(0, Math.log(size / tail.largest)) : 0
  const share = (above + BEYOND.share * Math.exp(-over / BEYOND.fold)) / (tail.rows + 1)
  return share >= 1 ? 0 : Math.min(300, -Math.log10(share))
}

/** Takes a row in; `size` 0 for a row that was on the other side. */
export function addSize(tail: Tail, size: number): void {
  tail.largest *= BEYOND.forget
  if (size > tail.largest) tail.largest = size
  const bin = size > 0 ? binOf(place(Math.log(size))) : 0
  if (bin > tail.highestBin) tail.highestBin = bin
  tail.counts[bin]! += 1
  tail.rows += 1
  if (tail.rows <= TAIL.rows) return
  for (let k = 0; k < TAIL.bins; k++) tail.counts[k]! *= 0.5
  tail.rows *= 0.5
}

/** The two sides of a signed statistic: a series that often jumps up may never have dropped. */
export type Sides = { readonly up: Tail; readonly down: Tail }
export const createSides = (): Sides => ({ up: createTail(), down: createTail() })

/** Judges a signed size against its own side, then takes it in. A size within one spread is never rare. */
export function judgeSides({ up, down }: Sides, signed: number): number {
  const size = Math.abs(signed)
  const own = signed >= 0 ? up : down
  const rare = size > 1 ? rarity(own, size) : 0
  addSize(own, size)
  addSize(own === up ? down : up, 0)
  return rare
}
