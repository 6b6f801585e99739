/**
 * Errors at past origins go in, a half-width per step ahead goes out: split conformal prediction (Papadopoulos et al. 2002;
 * Lei et al. 2018) on scores |error| / scale, where scale grows with the step ahead. Scores of all steps are pooled, so
 * that a 95 % quantile has enough of them; the promise holds as far as errors to come resemble those behind.
 */
export type Widths = { readonly half: Float64Array; readonly scores: number }

/** Errors of the steps within this many of h count for h. */
const NEIGHBOURS = 4

export function conformalWidths(errors: readonly Float64Array[], horizon: number, level: number): Float64Array {
  const scale = scales(errors, horizon)
  const scores: number[] = []
  for (const path of errors)
    for (let h = 0; h < path.length; h++) if (scale[h]! > 0) scores.push(Math.abs(path[h]!) / scale[h]!)
  const width = quantile(scores, level, errors.length)
  return scale.map((s) => s * width)
}

function scales(errors: readonly Float64Array[], horizon: number): Float64Array {
  return Float64Array.from({ length: horizon }, (_, h) => {
    let [sum, count] = [0, 0]
    for (const path of errors)
      for (let k = Math.max(0, h - NEIGHBOURS); k <= Math.min(path.length - 1, h + NEIGHBOURS); k++) {
        sum += Math.abs(path[k]!)
        count++
      }
    return count > 0 ? sum / count : 0
  })
}

/** The conformal quantile, one rank up per independent path rather than per score: steps of one path err together. */
function quantile(scores: readonly number[], level: number, paths: number): number {
  if (scores.length === 0) return 0
  const sorted = Float64Array.from(scores).sort()
  const rank = Math.min(1, level * (1 + 1 / paths)) * (sorted.length - 1)
  const below = Math.floor(rank)
  const above = Math.min(sorted.length - 1, below + 1)
  return sorted[below]! + (rank - below) * (sorted[above]! - sorted[below]!)
}
