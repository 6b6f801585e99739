/**
 * A persona's usual season goes in with the little that is known of one workload; what that workload will probably do
 * comes out. The shape is scaled to what was seen, and trusted less with every step seen, not at all after two seasons.
 */
export type Prior = {
  /** One season of usual values, in the units of the series; shape[i] is for the steps t with t mod length = i, t from 0. */
  readonly shape: Float64Array
  /** Standard deviation of a member of the persona around the shape scaled to it, as a share of the value (0.3 = 30 %). */
  readonly spread: number
}

export type ColdStart = {
  readonly mean: Float64Array
  readonly half: (level: number) => Float64Array
  readonly trust: number
}

/** Pseudo-observations: the shape's own level counts as so many steps, its spread as so many errors. */
const LEVEL_STEPS = 4
const SPREAD_STEPS = 24

export function coldStart(series: Float64Array, prior: Prior, horizon: number): ColdStart {
  const { shape, spread } = prior
  const m = shape.length
  const usual = shape.reduce((sum, v) => sum + Math.abs(v), 0) / m
  let [seen, expected, known] = [LEVEL_STEPS * usual, LEVEL_STEPS * usual, 0]
  series.forEach((v, t) => {
    if (!Number.isFinite(v)) return
    seen += Math.abs(v)
    expected += Math.abs(shape[t % m]!)
    known++
  })
  const factor = expected > 0 ? seen / expected : 1
  let squares = SPREAD_STEPS * spread ** 2
  series.forEach((v, t) => {
    if (Number.isFinite(v)) squares += ((v - factor * shape[t % m]!) / (factor * usual || 1)) ** 2
  })
  const share = Math.sqrt(squares / (SPREAD_STEPS + known))
  const mean = Float64Array.from({ length: horizon }, (_, h) => factor * shape[(series.length + h) % m]!)
  return {
    mean,
    half: (level) => mean.map((v) => normalQuantile(level) * share * Math.max(Math.abs(v), 0.25 * factor * usual)),
    trust: Math.max(0, 1 - known / (2 * m)),
  }
}

/** z such that a standard normal lies within ±z with this probability; inverse erf after Winitzki (2008), to 0.2 %. */
export function normalQuantile(level: number): number {
  const log = Math.log(1 - level * level)
  const half = 2 / (Math.PI * 0.147) + log / 2
  return Math.SQRT2 * Math.sqrt(Math.sqrt(half * half - log / 0.147) - half)
}
