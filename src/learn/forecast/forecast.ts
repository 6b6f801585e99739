/**
 * A series of equal steps comes in (bytes per 5 min, flows per hour, share of an application), what it will be comes out:
 * a mean and an interval per step ahead, and in words which models said so. Several models are tried at past origins; they
 * are combined by how wrong they were there, and the ensemble's own errors there give the interval (conformal.ts).
 */
import { clean } from './clean.ts'
import { combined, weigh } from './combine.ts'
import { conformalWidths } from './conformal.ts'
import { decomposed } from './decomposed.ts'
import { lags } from './lags.ts'
import type { Method, Past } from './method.ts'
import { seasonalNaive } from './seasonal-naive.ts'
import { smoothing } from './smoothing.ts'
import { theta } from './theta.ts'

export type ForecastOptions = {
  /** Season lengths in steps: [24, 168] for hours, [288, 2016] for 5 min; [] or [1] for none. */
  readonly season: readonly number[]
  /** Steps ahead. */
  readonly horizon: number
  /** Share (0–1) of intervals that must hold, e.g. 0.95. */
  readonly level: number
}

export type Forecast = {
  readonly mean: Float64Array
  readonly lower: Float64Array
  readonly upper: Float64Array
  readonly why: readonly ModelShare[]
}
export type ModelShare = { readonly model: string; readonly weight: number; readonly path: Float64Array }

export const METHODS: readonly Method[] = [seasonalNaive, lags, smoothing, theta, decomposed]
const ORIGINS = 14
const ORIGIN_STEP = 11

export function forecast(series: Float64Array, options: ForecastOptions): Forecast {
  const { horizon, level } = options
  const cleaned = clean(series, options.season[0] ?? 1)!
  const { x, centre, spread, floor } = cleaned
  const origins: number[] = []
  for (let k = ORIGINS - 1; k >= 0; k--) origins.push(x.length - horizon - k * ORIGIN_STEP)
  const past: Past = { x, seasons: options.season }
  const trials = METHODS.map((m) => ({ name: m.name, paths: m.forecasts(past, origins, horizon)! }))
  const came = origins.map((at) => x.subarray(at, at + horizon))
  const { weights } = weigh(trials, came)
  const errors = came.map((truth, o) => {
    const said = combined(
      trials.map((t) => t.paths[o]!),
      weights,
    )
    return truth.map((v, h) => v - said[h]!)
  })
  const half = conformalWidths(errors, horizon, level)
  const finals = METHODS.map((m) => m.forecasts(past, [x.length], horizon)![0]!)
  const middle = combined(finals, weights)
  const back = (v: number) => Math.max(floor, centre + spread * v)
  return {
    mean: middle.map(back),
    lower: middle.map((v, h) => back(v - half[h]!)),
    upper: middle.map((v, h) => back(v + half[h]!)),
    why: METHODS.map((m, i) => ({ model: m.name, weight: weights[i]!, path: finals[i]!.map(back) })),
  }
}
