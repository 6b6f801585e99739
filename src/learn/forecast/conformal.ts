/**
 * Errors at past origins go in, a half-width per step ahead goes out: split conformal prediction (Papadopoulos et al. 2002;
 * Lei et al. 2018) on scores |error| / scale, where scale depends on the step ahead and on the phase of the season (nights
 * are calmer). Scores of all steps are pooled, so that a 95 % quantile has enough of them. The promise holds as far as
 * errors to come resemble those behind; `coverage.ts` corrects it where they do not.
 */
export type PastErrors = {
  /** A row per origin, a value per step ahead. */
  readonly errors: readonly Float64Array[]
  /** Index of the first step of each row; phases are counted from the same zero as `end`. */
  readonly origins: readonly number[]
  /** Index of the first step to be forecast. */
  readonly end: number
  /** Length of the first season, 1 without. */
  readonly season: number
}

/** Errors of the steps within this share of the horizon count for a step. */
const NEIGHBOURS = 1 / 6
/** How far phases differ in scale: estimated from few errors, hence pulled towards no difference. */
const PHASE_POWER = 0.7
const LEAST_PHASE = 0.02
/** Errors of one path are alike for about so many steps: a pool of n scores has n / 4 that are independent. */
const ALIKE_STEPS = 4
/** With fewer stretches of a whole horizon than this behind it, a scale is itself uncertain: wider, as Student's t is. */
const SURE_STRETCHES = 4
const CAUTION = 1.5

/** `level`: share (0–1) of values that must lie within mean ± half. All zero when the models were never wrong. */
export function conformalWidths(past: PastErrors, horizon: number, level: number): Float64Array {
  const phase = phaseScales(past)
  const phaseOf = (t: number) => phase[t % past.season]!
  const steps = past.errors[0]!.length
  const calm = past.errors.map((row, o) => row.map((e, h) => Math.abs(e) / phaseOf(past.origins[o]! + h)))
  const scale = stepScales(calm, steps)
  const scores = calm.flatMap((row) => Array.from(row, (e, h) => (scale[h]! > 0 ? e / scale[h]! : 0)))
  const seen = past.origins.at(-1)! + steps - past.origins[0]!
  const caution = 1 + CAUTION * Math.max(0, steps / seen - 1 / SURE_STRETCHES)
  const width = caution * quantile(scores, level * (1 + ALIKE_STEPS / seen))
  return Float64Array.from({ length: horizon }, (_, h) => {
    // Beyond what was tried, errors grow as those of a random walk.
    const beyond = h < steps ? scale[h]! : scale[steps - 1]! * Math.sqrt((h + 1) / steps)
    return width * beyond * phaseOf(past.end + h)
  })
}

/** Mean |error| per phase over its neighbourhood, relative to that of all, softened. */
function phaseScales({ errors, origins, season }: PastErrors): Float64Array {
  if (season < 4) return new Float64Array(season).fill(1)
  const [sum, count] = [new Float64Array(season), new Float64Array(season)]
  const reach = Math.round(season / 12)
  let [all, total] = [0, 0]
  errors.forEach((row, o) => {
    row.forEach((e, h) => {
      for (let k = -reach; k <= reach; k++) {
        const at = (origins[o]! + h + k + season) % season
        sum[at]! += Math.abs(e)
        count[at]!++
      }
      all += Math.abs(e)
      total++
    })
  })
  if (all === 0) return sum.fill(1)
  // A phase no trial has seen is as calm as all are on average.
  return sum.map((s, i) =>
    count[i]! === 0 ? 1 : Math.max(LEAST_PHASE, (s / count[i]! / (all / total)) ** PHASE_POWER),
  )
}

function stepScales(rows: readonly Float64Array[], steps: number): Float64Array {
  const reach = Math.round(steps * NEIGHBOURS)
  return Float64Array.from({ length: steps }, (_, h) => {
    let [sum, count] = [0, 0]
    for (const row of rows)
      for (let k = Math.max(0, h - reach); k <= Math.min(steps - 1, h + reach); k++) {
        sum += row[k]!
        count++
      }
    return sum / count
  })
}

function quantile(scores: readonly number[], share: number): number {
  const sorted = Float64Array.from(scores).sort()
  const rank = Math.min(1, share) * (sorted.length - 1)
  const below = Math.floor(rank)
  const above = Math.min(sorted.length - 1, below + 1)
  return sorted[below]! + (rank - below) * (sorted[above]! - sorted[below]!)
}
