/**
 * A raw series comes in, a past without gaps in units of its own spread goes out: the models need both, and forecasts then
 * scale and shift with the series. Gaps are what is not a finite number; they are filled from the same phase a season
 * before or after, else by a line between their neighbours.
 */
export type Cleaned = {
  /** (value − centre) / spread, from the first known value on */
  readonly x: Float64Array
  readonly centre: number
  readonly spread: number
  /** Steps before the first known value, left out of x. */
  readonly skipped: number
  readonly known: number
  readonly gaps: number
  /** No known value is below zero: neither is any forecast. */
  readonly floor: number
}

/** Null when nothing is known. */
export function clean(series: Float64Array, season: number): Cleaned | null {
  const first = series.findIndex(Number.isFinite)
  if (first < 0) return null
  const values = series.subarray(first)
  const known = values.filter(Number.isFinite)
  const centre = known.reduce((sum, v) => sum + v / known.length, 0)
  const largest = known.reduce((most, v) => Math.max(most, Math.abs(v - centre)), 0)
  // Against overflow: squares are of shares of the largest.
  const squares = known.reduce((sum, v) => sum + ((v - centre) / (largest || 1)) ** 2, 0)
  const spread = isNoise(largest, centre) ? 0 : largest * Math.sqrt(squares / known.length)
  const filled = fillGaps(values, season)
  return {
    x: filled.map((v) => (spread === 0 ? 0 : (v - centre) / spread)),
    centre,
    spread,
    skipped: first,
    known: known.length,
    gaps: values.length - known.length,
    floor: known.every((v) => v >= 0) ? 0 : Number.NEGATIVE_INFINITY,
  }
}

/** What adding up equal numbers leaves behind. */
const isNoise = (deviation: number, centre: number) => deviation <= 1e-12 * Math.abs(centre)

function fillGaps(values: Float64Array, season: number): Float64Array {
  const filled = values.slice()
  const atOf = (t: number) => (t >= 0 && t < values.length ? values[t]! : Number.NaN)
  for (let t = 0; t < values.length; t++) {
    if (Number.isFinite(values[t])) continue
    const near = [-1, 1, -2, 2].map((k) => atOf(t + k * season)).filter(Number.isFinite)
    filled[t] = season > 1 && near.length > 0 ? (near[0]! + (near[1] ?? near[0]!)) / 2 : Number.NaN
  }
  for (let t = 0; t < filled.length; t++) {
    if (Number.isFinite(filled[t])) continue
    let end = t
    while (end < filled.length && !Number.isFinite(filled[end])) end++
    const [before, after] = [filled[t - 1]!, end < filled.length ? filled[end]! : filled[t - 1]!]
    for (let k = t; k < end; k++) filled[k] = before + ((after - before) * (k - t + 1)) / (end - t + 1)
  }
  return filled
}
