/**
 * How much a series of connections looks like a program calling home: RITA's score, ¼ timing + ¼ size + ¼ duration +
 * ¼ histogram (activecm/rita, default_config: at least 4 connections, 24 bars, 12 consecutive bars are ideal). RITA looks
 * at 24 hours; the same 24 bars laid over 2 minutes find a fast beacon by the same measure.
 */

export const BARS = 24
/** RITA: duration is not judged before a quarter of the bars is filled. */
const LEAST_BARS = 6
const IDEAL_RUN = 12
/** RITA: fewer filled bars are always "two-modal", so the fit says nothing. */
const LEAST_BARS_BIMODAL = 11
/** RITA: bars within 5 % of the highest belong to one mode. */
const MODE_WIDTH = 0.05

export type BeaconParts = {
  readonly score: number
  readonly timing: number
  /** NaN when sizes are not known; the score is then the mean of the other three. */
  readonly size: number
  readonly duration: number
  readonly histogram: number
  /** Median time between two connections. */
  readonly intervalMs: number
}

/**
 * `times` ascending, epoch ms; `sizes` in any order, bytes per connection; `bars` connections per 1/24 of the span
 * before `now`. null with fewer than 4 connections at distinct seconds (half-seconds for a short span).
 */
export function beaconScore(
  times: readonly number[],
  sizes: readonly number[],
  bars: ArrayLike<number>,
  now: number,
  spanMs: number,
): BeaconParts | null {
  // What is a simultaneous connection depends on the scale: RITA counts whole seconds over a day.
  const resolution = Math.min(1_000, spanMs / 1_000)
  const gaps: number[] = []
  for (let i = 1; i < times.length; i++) {
    const gap = times[i]! - times[i - 1]!
    if (gap >= resolution) gaps.push(gap)
  }
  if (gaps.length < 3) return null
  gaps.sort((a, b) => a - b)
  const unit = resolution
  const timing = regularity(
    gaps.map((gap) => gap / unit),
    1,
  )
  const size =
    sizes.length < 3
      ? Number.NaN
      : regularity(
          [...sizes].sort((a, b) => a - b),
          0,
        )
  const shape = shapeOf(bars)
  const first = Math.max(times[0]!, now - spanMs)
  const duration =
    shape.filled < LEAST_BARS
      ? 0
      : Math.min(1, Math.max((times[times.length - 1]! - first) / spanMs, shape.run / IDEAL_RUN))
  const histogram = Math.max(shape.flatness, shape.bimodal)
  const parts = Number.isNaN(size) ? [timing, duration, histogram] : [timing, size, duration, histogram]
  return {
    score: parts.reduce((sum, part) => sum + part, 0) / parts.length,
    timing,
    size,
    duration,
    histogram,
    intervalMs: quantile(gaps, 0.5),
  }
}

/** Mean of 1 − |Bowley skew| (Bowley 1901) and of how small the median absolute deviation is beside the median. `sorted` ascending. */
function regularity(sorted: readonly number[], whenTiny: number): number {
  const q1 = quantile(sorted, 0.25)
  const q2 = quantile(sorted, 0.5)
  const q3 = quantile(sorted, 0.75)
  // RITA: a spread below 10 units, or a median on a quartile, is no skew.
  const skew = q3 - q1 < 10 || q2 === q1 || q2 === q3 ? 0 : (q1 + q3 - 2 * q2) / (q3 - q1)
  const deviations = sorted.map((x) => Math.abs(x - q2)).sort((a, b) => a - b)
  const spread = q2 < 1 ? whenTiny : Math.max(0, (q2 - quantile(deviations, 0.5)) / q2)
  return (1 - Math.abs(skew) + spread) / 2
}

/** Quartiles as the median of the halves (the middle left out), as RITA's library does. */
function quantile(sorted: readonly number[], q: number): number {
  const half = Math.floor(sorted.length / 2)
  if (q < 0.5) return middle(sorted, 0, half)
  if (q > 0.5) return middle(sorted, sorted.length - half, sorted.length)
  return middle(sorted, 0, sorted.length)
}

function middle(sorted: readonly number[], from: number, to: number): number {
  const n = to - from
  const at = from + (n >> 1)
  return n % 2 === 1 ? sorted[at]! : (sorted[at - 1]! + sorted[at]!) / 2
}

function shapeOf(bars: ArrayLike<number>): { filled: number; run: number; flatness: number; bimodal: number } {
  let filled = 0
  let total = 0
  let highest = 0
  let run = 0
  let current = 0
  // Twice around: a run may cross the edge of the span.
  for (let i = 0; i < bars.length * 2; i++) {
    const bar = bars[i % bars.length]!
    current = bar > 0 ? current + 1 : 0
    run = Math.max(run, Math.min(current, bars.length))
    if (i >= bars.length) continue
    filled += bar > 0 ? 1 : 0
    total += bar
    highest = Math.max(highest, bar)
  }
  if (filled === 0) return { filled, run, flatness: 0, bimodal: 0 }
  const mean = total / bars.length
  let variance = 0
  for (let i = 0; i < bars.length; i++) variance += (bars[i]! - mean) ** 2 / bars.length
  const flatness = Math.max(0, 1 - Math.sqrt(variance) / mean)
  return { filled, run, flatness, bimodal: filled < LEAST_BARS_BIMODAL ? 0 : bimodalFit(bars, filled, highest) }
}

/** Share of the filled bars (but one, an outlier is forgiven) that have one of the two most common heights. */
function bimodalFit(bars: ArrayLike<number>, filled: number, highest: number): number {
  const width = Math.ceil(highest * MODE_WIDTH)
  const modes = new Map<number, number>()
  for (let i = 0; i < bars.length; i++)
    if (bars[i]! > 0) modes.set(Math.floor(bars[i]! / width), (modes.get(Math.floor(bars[i]! / width)) ?? 0) + 1)
  const [most = 0, second = 0] = [...modes.values()].sort((a, b) => b - a)
  return Math.min(1, (most + second) / Math.max(1, filled - 1))
}
