/** A window comes in, the numbers that are watched of it go out: on a log scale, NaN where the window cannot know. */
import { REGISTERS, SKETCHES, type SumName, sumAt, TICK_MS, type Window } from '../../model/window.ts'
import { estimate } from '../features.ts'

export type Metric = {
  readonly name: string
  readonly unit: 'bytes' | 'flows' | 'peers' | 'ms'
  /** Amounts well below this are alike. */
  readonly grain: number
  readonly of: (window: Window) => number
}

const sum = (window: Window, ...names: readonly SumName[]): number => {
  let total = 0
  for (const name of names) total += window.sums[sumAt[name]]!
  return total
}

/** A window of which ticks are missing is told as a whole one. */
const perWindow = (window: Window, ...names: readonly SumName[]): number =>
  (sum(window, ...names) * window.spanMs) / (window.sums[sumAt.ticks]! * TICK_MS)

export const METRICS: readonly Metric[] = [
  { name: 'bytes out', unit: 'bytes', grain: 256, of: (w) => perWindow(w, 'bytesOutInitiated', 'bytesOutServed') },
  { name: 'bytes in', unit: 'bytes', grain: 256, of: (w) => perWindow(w, 'bytesInInitiated', 'bytesInServed') },
  { name: 'bytes to outside', unit: 'bytes', grain: 256, of: (w) => perWindow(w, 'externalBytesOut') },
  { name: 'flows opened', unit: 'flows', grain: 1, of: (w) => perWindow(w, 'flowsInitiated') },
  { name: 'flows answered', unit: 'flows', grain: 1, of: (w) => perWindow(w, 'flowsServed') },
  { name: 'failed flows', unit: 'flows', grain: 1, of: (w) => perWindow(w, 'failedInitiated', 'failedServed') },
  {
    name: 'peers',
    unit: 'peers',
    grain: 1,
    of: (w) => estimate(w.registers, SKETCHES.indexOf('peersInitiated') * REGISTERS),
  },
  {
    name: 'round trip',
    unit: 'ms',
    grain: 1,
    of: (w) => {
      const samples = sum(w, 'rttSamples')
      return samples > 0 ? sum(w, 'rttMs') / samples : Number.NaN
    },
  },
]

/** Writes the readings of a window; a window that nobody looked at has none. */
export function readMetrics(window: Window, out: Float64Array, from: number): void {
  const isSeen = window.sums[sumAt.ticks]! > 0
  for (const [m, { grain, of }] of METRICS.entries())
    out[from + m] = isSeen ? Math.log1p(of(window) / grain) : Number.NaN
}

/** The amount behind a reading. */
export const amountOf = (metric: Metric, reading: number): number => metric.grain * Math.expm1(Math.max(0, reading))
