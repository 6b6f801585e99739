/**
 * How wrong each model was at past origins goes in, a weight per model goes out. Good recent models weigh more, by a power
 * of their error, and those near the best are pulled towards equal weights, because errors over a few origins are
 * themselves uncertain (Timmermann 2006; equal weights are hard to beat: Stock & Watson 2004).
 */

/** Power and share tuned on M4 hourly's own past, not per series; the figures are flat around them. */
const POWER = 6
const EQUAL_SHARE = 0.3
const NEAR_BEST = 1.5

/** Weights ≥ 0 that add up to 1, in the order of `errors` (≥ 0, one per model). */
export function weightsOf(errors: readonly number[]): number[] {
  const best = Math.max(Math.min(...errors), 1e-9)
  const ratios = errors.map((error) => Math.max(error, 1e-9) / best)
  const near = ratios.filter((ratio) => ratio <= NEAR_BEST).length
  const sum = ratios.reduce((a, ratio) => a + ratio ** -POWER, 0)
  return ratios.map(
    (ratio) => (ratio <= NEAR_BEST ? EQUAL_SHARE / near : 0) + ((1 - EQUAL_SHARE) * ratio ** -POWER) / sum,
  )
}

/** The weighted sum of paths, step by step. */
export function combined(paths: readonly Float64Array[], weights: readonly number[]): Float64Array {
  return paths[0]!.map((_, h) => paths.reduce((sum, path, i) => sum + weights[i]! * path[h]!, 0))
}
