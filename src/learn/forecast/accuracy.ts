/**
 * How good a forecast was: what came (`actual`) beside what was said, one number out. Definitions as in the M4 competition
 * (Makridakis, Spiliotis, Assimakopoulos 2020): shares of nothing are NaN, lengths must agree, units cancel.
 */

/** Mean of 200·|y − f| / (|y| + |f|): per cent, 0–200; a pair of zeros is no error. */
export function smape(actual: Float64Array, mean: Float64Array): number {
  return averaged(actual, mean, (y, f) => (y === f ? 0 : (200 * Math.abs(y - f)) / (Math.abs(y) + Math.abs(f))))
}

/** Mean absolute error in units of `scale` (`naiveScale` of what was known before). */
export function mase(actual: Float64Array, mean: Float64Array, scale: number): number {
  return averaged(actual, mean, (y, f) => Math.abs(y - f)) / scale
}

/** Mean |x_t − x_(t−m)| of the known past: what repeating the last season costs. Gaps are left out; 0 for a constant series. */
export function naiveScale(past: Float64Array, m: number): number {
  let [sum, count] = [0, 0]
  for (let t = m; t < past.length; t++) {
    const step = Math.abs(past[t]! - past[t - m]!)
    if (Number.isNaN(step)) continue
    sum += step
    count++
  }
  return sum / count
}

/** Mean scaled interval score (Gneiting & Raftery 2007): width plus 2/a times what lies outside, a = 1 − level. */
export function msis(
  actual: Float64Array,
  lower: Float64Array,
  upper: Float64Array,
  scale: number,
  level: number,
): number {
  const perMiss = 2 / (1 - level)
  const score = (y: number, i: number) =>
    upper[i]! - lower[i]! + perMiss * (Math.max(0, lower[i]! - y) + Math.max(0, y - upper[i]!))
  return actual.reduce((sum, y, i) => sum + score(y, i), 0) / actual.length / scale
}

/** Share (0–1) of what came that lies in its interval, ends included. */
export function coverage(actual: Float64Array, lower: Float64Array, upper: Float64Array): number {
  return actual.reduce((n, y, i) => n + (y >= lower[i]! && y <= upper[i]! ? 1 : 0), 0) / actual.length
}

/** Overall weighted average: the mean of both errors' ratios to those of Naive2. */
export function owa(own: { smape: number; mase: number }, naive2: { smape: number; mase: number }): number {
  return (own.smape / naive2.smape + own.mase / naive2.mase) / 2
}

function averaged(actual: Float64Array, mean: Float64Array, error: (y: number, f: number) => number): number {
  if (actual.length !== mean.length)
    throw new RangeError(`${actual.length} actual values cannot be compared with ${mean.length} forecast ones`)
  return actual.reduce((sum, y, i) => sum + error(y, mean[i]!), 0) / actual.length
}
