/**
 * A past goes in; every model of the ensemble forecasts it from several origins near its end (rolling origin: Tashman
 * 2000) and once from the end itself. What they said, how wrong they were, and the errors of their combination come out.
 */
import { combined, weightsOf } from './combine.ts'
import { decomposed } from './decomposed.ts'
import { changes, lags } from './lags.ts'
import type { Method, MethodName, Past } from './method.ts'
import { seasonalNaive } from './seasonal-naive.ts'
import { usableSeasons } from './seasons.ts'
import { smoothing } from './smoothing.ts'
import { structural } from './structural.ts'
import { theta } from './theta.ts'

const METHODS: readonly Method[] = [seasonalNaive, lags, changes, smoothing, theta, decomposed, structural]
/** These are tried with every season asked for only; the others also with the shorter ones alone. */
const WHOLE: ReadonlySet<MethodName> = new Set(['repeat', 'structural'])
const MOST_ORIGINS = 14
/** Share of the past that trials may take away from fitting. */
const TRIED_SHARE = 0.4
/** Fewer steps than this say nothing about which model is right. */
const LEAST_PAST = 12

export type Plan = {
  readonly origins: readonly number[]
  /** Steps between origins; no divisor in common with the first season, so that trials start at every hour of the day. */
  readonly step: number
  /** Steps looked ahead in a trial; fewer than asked for when the past is short. */
  readonly horizon: number
}

export type Trial = {
  readonly name: MethodName
  readonly seasons: readonly number[]
  /** What it says from the end of the past. */
  readonly final: Float64Array
  /** Mean absolute error over all trials. */
  readonly error: number
}

export type Tried = {
  readonly plan: Plan
  readonly trials: readonly Trial[]
  readonly weights: readonly number[]
  /** Truth minus ensemble, a row per origin. The weights of a row come from origins whose steps it does not share. */
  readonly errors: readonly Float64Array[]
}

export function planTrials(length: number, horizon: number, season: number): Plan | null {
  if (length < LEAST_PAST) return null
  const ahead = Math.min(horizon, Math.max(1, Math.floor(length / 6)))
  let step = Math.max(1, Math.floor(ahead / 4))
  while (step > 1 && divisor(step, season) > 1) step--
  const count = Math.max(3, Math.min(MOST_ORIGINS, 1 + Math.floor((TRIED_SHARE * length - ahead) / step)))
  const origins = Array.from({ length: count }, (_, k) => length - ahead - (count - 1 - k) * step)
  return { origins, step, horizon: ahead }
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))

/** Null when no model can be tried. */
export function tryAll(x: Float64Array, asked: readonly number[], horizon: number): Tried | null {
  const seasons = usableSeasons(asked, x.length)
  const plan = planTrials(x.length, horizon, seasons[0] ?? 1)
  if (plan === null) return null
  const came = plan.origins.map((at) => x.subarray(at, at + plan.horizon))
  const within = bounds(x)
  const told = entriesOf(x, usableSeasons(asked, plan.origins[0]!)).flatMap(({ method, past }) => {
    const paths = method.forecasts(past, plan.origins, plan.horizon)?.map(within)
    const final = method.forecasts(past, [x.length], horizon)?.map(within)[0]
    if (paths === undefined || final === undefined) return []
    const missed = paths.map((path, o) => path.reduce((sum, v, h) => sum + Math.abs(v - came[o]![h]!), 0))
    return [{ name: method.name, seasons: past.seasons, paths, missed, final }]
  })
  if (told.length === 0) return null
  const steps = plan.origins.length * plan.horizon
  const trials = told.map((t) => ({ name: t.name, seasons: t.seasons, final: t.final, error: sumOf(t.missed) / steps }))
  const errors = came.map((truth, o) => {
    const apart = (k: number) => Math.abs(plan.origins[k]! - plan.origins[o]!) >= plan.horizon
    const judged = told.map((t) => sumOf(t.missed.filter((_, k) => apart(k))))
    const weights = weightsOf(plan.origins.some((_, k) => apart(k)) ? judged : trials.map((t) => t.error))
    const said = combined(
      told.map((t) => t.paths[o]!),
      weights,
    )
    return truth.map((v, h) => v - said[h]!)
  })
  return { plan, trials, weights: weightsOf(trials.map((t) => t.error)), errors }
}

const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

function entriesOf(x: Float64Array, seasons: readonly number[]): { method: Method; past: Past }[] {
  return METHODS.flatMap((method) => {
    const shorter = WHOLE.has(method.name) ? [] : seasons.slice(0, -1).map((_, i) => seasons.slice(0, i + 1))
    // One model believes in no season at all: not every series asked about has one.
    const prefixes = method.name === 'smoothing' && seasons.length > 0 ? [[], ...shorter] : shorter
    return [...prefixes, seasons].map((each) => ({ method, past: { x, seasons: each } }))
  })
}

/** A model that was stable so far may not be from here on: no path leaves the past's range by more than its size. */
function bounds(x: Float64Array): (path: Float64Array) => Float64Array {
  let [least, most] = [x[0]!, x[0]!]
  for (const v of x) {
    if (v < least) least = v
    if (v > most) most = v
  }
  const size = most - least
  const last = x.at(-1)!
  return (path) => path.map((v) => (Number.isNaN(v) ? last : Math.min(most + size, Math.max(least - size, v))))
}
