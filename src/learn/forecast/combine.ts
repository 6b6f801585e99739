/**
 * What each model said at past origins and what then came go in; a weight per model goes out. Good recent models weigh
 * more, by a power of their error, and all are pulled towards equal weights, because errors over a few origins are
 * themselves uncertain (Timmermann 2006; equal weights are hard to beat: Stock & Watson 2004).
 */
export type Trial = { readonly name: string; readonly paths: readonly Float64Array[] }

const POWER = 4
const EQUAL_SHARE = 0.1

/** Weights that add up to 1, in the order of `trials`. */
export function weigh(
  trials: readonly Trial[],
  came: readonly Float64Array[],
): { weights: number[]; errors: number[] } {
  const errors = trials.map(({ paths }) => meanError(paths, came))
  const best = Math.max(Math.min(...errors), 1e-12)
  const raw = errors.map((error) => (Math.max(error, 1e-12) / best) ** -POWER)
  const sum = raw.reduce((a, b) => a + b, 0)
  return { weights: raw.map((w) => EQUAL_SHARE / raw.length + ((1 - EQUAL_SHARE) * w) / sum), errors }
}

export function combined(paths: readonly Float64Array[], weights: readonly number[]): Float64Array {
  return paths[0]!.map((_, h) => paths.reduce((sum, path, i) => sum + weights[i]! * path[h]!, 0))
}

function meanError(paths: readonly Float64Array[], came: readonly Float64Array[]): number {
  let [sum, count] = [0, 0]
  paths.forEach((path, o) => {
    for (let h = 0; h < came[o]!.length; h++) sum += Math.abs(path[h]! - came[o]![h]!)
    count += came[o]!.length
  })
  return sum / count
}
