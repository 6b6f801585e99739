/**
 * The last hour of each workload that is watched: readings beside what was expected of them, the regime, the drift. They come
 * in with every tick and go out when somebody asks. In blocks of workloads, by window and then by workload, so that a tick
 * writes side by side. 54 bytes a window, 6.5 kB a workload; 10,240 have a track (a test counts 66 MB), and those that came later have none.
 */
import { WINDOW_MS } from '../../model/window.ts'
import type { Batch, Expected } from './kalman-bank.ts'
import type { Regimes } from './regime-bank.ts'

/** An hour. */
export const TRACK_WINDOWS = 120
const BLOCK = 64
const MOST_BLOCKS = 160
/** Readings are logs below 32: in steps of half a thousandth. */
const STEPS = 2_000
const MOST = 65_534
const NOT_KNOWN = 65_535
/** Value, what was expected, how far off is usual. */
const PARTS = 3

type Block = {
  /** Number of the window that a place holds: what is older than the place is not there. */
  readonly window: Uint32Array
  readonly score: Uint8Array
  readonly regime: Uint8Array
  readonly readings: Uint16Array
}

export type Track = { readonly width: number; readonly blocks: Block[] }

export const createTrack = (width: number): Track => ({ width, blocks: [] })

const createBlock = (width: number): Block => ({
  window: new Uint32Array(BLOCK * TRACK_WINDOWS),
  score: new Uint8Array(BLOCK * TRACK_WINDOWS),
  regime: new Uint8Array(BLOCK * TRACK_WINDOWS),
  readings: new Uint16Array(BLOCK * TRACK_WINDOWS * width * PARTS),
})

const windowAt = (at: number): number => Math.round(at / WINDOW_MS)
const placeOf = (window: number, row: number): number => (window % TRACK_WINDOWS) * BLOCK + (row % BLOCK)
/** A number of steps and a half to round it: an array of 16 bits cuts the rest off. NaN is neither above nor below. */
const short = (steps: number): number => (steps >= 0 ? Math.min(steps, MOST) : steps < 0 ? 0 : NOT_KNOWN)

/** What a tick made of its batch; `at`: epoch ms of each. `lived`: steps by row, and what is expected of it is worth keeping beyond `warm` of them. */
export function keepTrack(
  { width, blocks }: Track,
  { count, rows, readings: told }: Batch,
  at: Float64Array,
  { value, spread }: Expected,
  { holds, fresh }: Regimes,
  lived: Float64Array,
  warm: number,
): void {
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const b = Math.floor(row / BLOCK)
    if (b >= MOST_BLOCKS) continue
    while (blocks.length <= b) blocks.push(createBlock(width))
    const { window, score, regime, readings } = blocks[b]!
    const number = windowAt(at[i]!)
    const place = placeOf(number, row)
    window[place] = number
    score[place] = Math.round(255 * fresh[i]!)
    regime[place] = holds[i]!
    // What is expected of one that is not warm is no number, and told as one that is not known.
    const scale = lived[row]! > warm ? STEPS : Number.NaN
    for (let m = 0, from = i * width, to = place * width * PARTS; m < width; m++, from++, to += PARTS) {
      readings[to] = short(told[from]! * STEPS + 0.5)
      readings[to + 1] = short(value[from]! * scale + 0.5)
      readings[to + 2] = short(spread[from]! * scale + 0.5)
    }
  }
}

/** A window's number is never 0: a place that holds none of the hour is passed over. */
export function forgetTrack({ blocks }: Track, row: number): void {
  const block = blocks[Math.floor(row / BLOCK)]
  for (let window = 0; block !== undefined && window < TRACK_WINDOWS; window++) block.window[placeOf(window, row)] = 0
}

/** One window of a track; readings on the scale they came in, NaN where there was none. */
export type Kept = {
  /** epoch ms, its end */
  readonly at: number
  readonly score: number
  readonly regime: number
  /** By metric: value, what was expected, how far off is usual. */
  readonly readings: readonly (readonly [number, number, number])[]
}

/** The hour up to the window that ends at `last`, oldest first; null where there was no room for a track. */
export function trackOf({ width, blocks }: Track, row: number, last: number): Kept[] | null {
  const block = blocks[Math.floor(row / BLOCK)]
  if (block === undefined) return null
  const kept: Kept[] = []
  const newest = windowAt(last)
  for (let number = newest - TRACK_WINDOWS + 1; number <= newest; number++) {
    const place = placeOf(number, row)
    if (block.window[place] !== number) continue
    const long = (to: number) => (block.readings[to] === NOT_KNOWN ? Number.NaN : block.readings[to]! / STEPS)
    kept.push({
      at: number * WINDOW_MS,
      score: block.score[place]! / 255,
      regime: block.regime[place]!,
      readings: Array.from({ length: width }, (_, m) => {
        const to = (place * width + m) * PARTS
        return [long(to), long(to + 1), long(to + 2)] as const
      }),
    })
  }
  return kept
}
