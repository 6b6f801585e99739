/**
 * A series of equal steps comes in (bytes per 5 min, flows per hour, share of an application), what it will be comes out:
 * a mean and an interval per step ahead, and in words which models said so. Models are tried at past origins (trials.ts);
 * they are combined by how wrong they were there, and the ensemble's own errors there give the interval (conformal.ts).
 * A workload too young for that leans on its persona's usual season (cold-start.ts). Same input, same output.
 */
import { because } from './because.ts'
import { type Cleaned, clean } from './clean.ts'
import { coldStart, normalQuantile, type Prior } from './cold-start.ts'
import { combined } from './combine.ts'
import { conformalWidths } from './conformal.ts'
import { usableSeasons } from './seasons.ts'
import { tryAll } from './trials.ts'

export type ForecastOptions = {
  /** Season lengths in steps, e.g. [24, 168] for hours, [288, 2016] for 5 min; [] for none. Unusable ones are left out. */
  readonly season: readonly number[]
  /** Steps ahead, 1–10,000. */
  readonly horizon: number
  /** Share of values that must lie in their interval, 0 < level < 1, e.g. 0.95. */
  readonly level: number
  /** For a series shorter than two seasons; required when nothing is known yet. */
  readonly prior?: Prior
  /** Of the values, for the words. */
  readonly unit?: string
}

/** All in the units of the series, `horizon` values each; lower ≤ mean ≤ upper; none below 0 if the past never was. */
export type Forecast = {
  readonly mean: Float64Array
  readonly lower: Float64Array
  readonly upper: Float64Array
  /** Each model's weight in words, the heaviest first; then what was missing or assumed. */
  readonly why: readonly string[]
  /** Each model's own forecast beside its weight (0–1, sum 1); empty when there was too little to try models on. */
  readonly models: readonly ModelForecast[]
}
/** The same with several intervals of one forecast, in the order of the levels asked for. */
export type LevelledForecast = Omit<Forecast, 'lower' | 'upper'> & {
  readonly intervals: readonly Pick<Forecast, 'lower' | 'upper'>[]
  /** 0 to 1: how much of it is the prior's. */
  readonly trust: number
}
export type ModelForecast = { readonly name: string; readonly weight: number; readonly mean: Float64Array }

/** Older steps say little and cost time: 4 of the longest season are kept, at least 1,000 steps. */
const SEASONS_KEPT = 4
const LEAST_KEPT = 1_000

/** Values that are not finite numbers are gaps. Throws RangeError for impossible options, or without any value or prior. */
export function forecast(series: Float64Array, options: ForecastOptions): Forecast {
  const { intervals, mean, why, models } = forecastLevels(series, options, [options.level])
  return { mean, ...intervals[0]!, why, models }
}

/** One ensemble, as many intervals of it as there are levels: models are tried once. */
export function forecastLevels(
  series: Float64Array,
  options: Omit<ForecastOptions, 'level'>,
  levels: readonly number[],
): LevelledForecast {
  for (const level of levels) check({ ...options, level })
  const longest = options.season.reduce((a, b) => Math.max(a, b), 1)
  const from = Math.max(0, series.length - Math.max(SEASONS_KEPT * longest, LEAST_KEPT, 8 * options.horizon))
  const cleaned = clean(series.subarray(from), shortest(options.season))
  if (cleaned === null && options.prior === undefined)
    throw new RangeError(`none of ${series.length} values is known: a forecast needs one, or a prior`)
  const own = cleaned === null ? null : ownForecast(cleaned, options)
  const draft = options.prior === undefined ? own! : leanOn(own, series, options.prior, options)
  return finish(draft, levels)
}

type Wanted = Omit<ForecastOptions, 'level'>
type Draft = Omit<LevelledForecast, 'intervals'> & {
  readonly half: (level: number) => Float64Array
  readonly floor: number
}

function ownForecast(cleaned: Cleaned, options: Wanted): Draft {
  const { x, centre, spread, floor } = cleaned
  const { horizon } = options
  const gaps = cleaned.gaps > 0 ? [`${cleaned.gaps} gaps were filled from the season before or after`] : []
  const back = (v: number) => Math.max(floor, centre + spread * v)
  if (spread === 0) {
    const mean = new Float64Array(horizon).fill(centre)
    const why = [`all ${cleaned.known} known values are equal`, ...gaps]
    return { mean, half: () => new Float64Array(horizon), floor, why, models: [], trust: 0 }
  }
  const tried = tryAll(x, options.season, horizon)
  if (tried === null) return withUnseenSeason({ ...lastValue(cleaned, options), floor }, cleaned, options)
  const { trials, weights, plan } = tried
  const finals = trials.map(({ final }) => final)
  const season = shortest(options.season)
  const errors = { errors: tried.errors, origins: plan.origins, end: x.length, season: season <= x.length ? season : 1 }
  const draft: Draft = {
    mean: combined(finals, weights).map((v) => centre + spread * v),
    half: (level) => conformalWidths(errors, horizon, level).map((v) => spread * v),
    floor,
    why: [...because(trials, weights, { spread, origins: plan.origins.length, unit: options.unit ?? '' }), ...gaps],
    trust: 0,
    models: trials.map(({ name, seasons, final }, i) => ({
      name: [name, ...seasons].join(' '),
      weight: weights[i]!,
      mean: final.map(back),
    })),
  }
  return withUnseenSeason(draft, cleaned, options)
}

/** A season that is asked for but has not come round once may bring anything the series is known to do. */
function withUnseenSeason(draft: Draft, { x, spread }: Cleaned, { season }: Wanted): Draft {
  const first = shortest(season)
  if (first === 1 || usableSeasons([first], x.length).length > 0) return draft
  return {
    ...draft,
    half: (level) => draft.half(level).map((v) => Math.hypot(v, normalQuantile(level) * spread)),
    why: [...draft.why, `its season of ${first} steps has not come round once yet`],
  }
}

/** Too short to try anything: the last value, as uncertain as a random walk of the steps seen. */
function lastValue({ x, centre, spread, known }: Cleaned, { horizon }: Wanted): Omit<Draft, 'floor'> {
  let squares = 1
  for (let t = 1; t < x.length; t++) squares += (x[t]! - x[t - 1]!) ** 2
  const step = spread * Math.sqrt(squares / x.length)
  return {
    mean: new Float64Array(horizon).fill(centre + spread * x.at(-1)!),
    half: (level) => Float64Array.from({ length: horizon }, (_, h) => normalQuantile(level) * step * Math.sqrt(h + 1)),
    why: [`only ${known} values are known: the last one is repeated`],
    models: [],
    trust: 0,
  }
}

function leanOn(own: Draft | null, series: Float64Array, prior: Prior, { horizon }: Wanted): Draft {
  const usual = coldStart(series, prior, horizon)
  const floor = own?.floor ?? (prior.shape.every((v) => v >= 0) ? 0 : Number.NEGATIVE_INFINITY)
  const trust = own === null ? 1 : usual.trust
  const mix = (a: Float64Array, b: Float64Array | undefined) => a.map((v, h) => trust * v + (1 - trust) * (b?.[h] ?? 0))
  if (trust === 0) return own!
  return {
    mean: mix(usual.mean, own?.mean),
    half: (level) => mix(usual.half(level), own?.half(level)),
    trust,
    floor,
    why: [`${Math.round(trust * 100)} % from the usual season of its persona, scaled to it`, ...(own?.why ?? [])],
    models: own?.models ?? [],
  }
}

function finish({ mean, half, floor, ...rest }: Draft, levels: readonly number[]): LevelledForecast {
  const above = (v: number) => Math.max(floor, v)
  const intervals = levels.map((level) => {
    const width = half(level)
    return { lower: mean.map((v, h) => above(v - width[h]!)), upper: mean.map((v, h) => above(v + width[h]!)) }
  })
  return { ...rest, mean: mean.map(above), intervals }
}

const shortest = (seasons: readonly number[]) => {
  const real = seasons.filter((m) => m > 1)
  return real.length === 0 ? 1 : Math.min(...real)
}

function check({ season, horizon, level, prior }: ForecastOptions): void {
  const wrong = season.find((m) => !(Number.isInteger(m) && m >= 1))
  if (wrong !== undefined) throw new RangeError(`season ${wrong} is not a whole number of steps`)
  if (!(Number.isInteger(horizon) && horizon >= 1 && horizon <= 10_000))
    throw new RangeError(`horizon ${horizon} is not a whole number of steps from 1 to 10,000`)
  if (!(level > 0 && level < 1)) throw new RangeError(`level ${level} is not between 0 and 1; 0.95 is 95 %`)
  if (prior !== undefined && !(prior.shape.length > 0 && prior.spread >= 0 && prior.shape.every(Number.isFinite)))
    throw new RangeError('a prior needs a shape of finite values and a spread of at least 0')
}
