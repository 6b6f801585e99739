/**
 * Exponential smoothing with a damped trend, a season per season length and a first-order correction of the last error
 * (Holt-Winters damped: Gardner & McKenzie 1985; several seasons: Taylor 2003, 2010). Parameters by least squares one step
 * ahead, Nelder–Mead on the logistic scale, so that each stays in its range.
 */
import type { Method, Past } from './method.ts'
import { minimise } from './minimise.ts'

type Rates = {
  readonly level: number
  readonly trend: number
  readonly damping: number
  readonly carry: number
  readonly season: readonly number[]
}
type State = { level: number; trend: number; error: number; readonly season: Float64Array[] }

const EVALUATIONS = 140

export const smoothing: Method = {
  name: 'smoothing',
  forecasts(past, origins, horizon) {
    const start = startState(past, origins[0]!)
    const rates = fitRates(past, start, origins[0]!)
    const state = copyState(start)
    return origins.map((at, i) => {
      run(past.x, rates, state, origins[i - 1] ?? 0, at)
      return ahead(state, rates, at, horizon)
    })
  },
}

/** The rates that forecast x[0 … known) best one step ahead. */
export function fitRates(past: Past, start: State, known: number): Rates {
  const cost = (point: Float64Array) => run(past.x, ratesOf(point), copyState(start), 0, known)
  const seasonStart = past.seasons.map(() => -2)
  const steps = [1, 1.5, 1, 1, ...seasonStart.map(() => 1)]
  return ratesOf(minimise(cost, [-1.5, -5, 1.5, 0.5, ...seasonStart], steps, EVALUATIONS))
}

/** What rates fitted before say after the end of a past. */
export function smoothAhead(past: Past, rates: Rates, horizon: number): Float64Array {
  const state = startState(past, past.x.length)
  run(past.x, rates, state, 0, past.x.length)
  return ahead(state, rates, past.x.length, horizon)
}

const logistic = (v: number, top: number) => top / (1 + Math.exp(-v))

function ratesOf(point: Float64Array): Rates {
  return {
    level: logistic(point[0]!, 1),
    trend: logistic(point[1]!, 0.3),
    damping: 0.8 + logistic(point[2]!, 0.19),
    carry: logistic(point[3]!, 0.98),
    season: Array.from(point.subarray(4), (v) => logistic(v, 0.8)),
  }
}

/** Seasons as phase means of what the shorter seasons leave, over what is known. */
export function startState({ x, seasons }: Past, known: number): State {
  const rest = x.slice(0, known)
  const first = seasons.at(-1) ?? Math.min(known, 8)
  const level = rest.subarray(0, first).reduce((a, b) => a + b, 0) / first
  const trendOf = movingMean(rest, seasons.at(-1) ?? 1)
  for (let t = 0; t < known; t++) rest[t]! -= trendOf[t]!
  const season = seasons.map((m) => {
    const [sum, count] = [new Float64Array(m), new Float64Array(m)]
    for (let t = 0; t < known; t++) {
      sum[t % m]! += rest[t]!
      count[t % m]!++
    }
    const means = sum.map((s, i) => s / count[i]!)
    for (let t = 0; t < known; t++) rest[t]! -= means[t % m]!
    return means
  })
  return { level, trend: 0, error: 0, season }
}

/** Mean over the `m` values around each, over what there is at the ends. */
export function movingMean(x: Float64Array, m: number): Float64Array {
  const sums = new Float64Array(x.length + 1)
  for (let t = 0; t < x.length; t++) sums[t + 1] = sums[t]! + x[t]!
  const half = Math.floor(m / 2)
  return x.map((_, t) => {
    const from = Math.max(0, Math.min(t - half, x.length - m))
    const to = Math.min(x.length, from + m)
    return (sums[to]! - sums[from]!) / (to - from)
  })
}

const copyState = (state: State): State => ({ ...state, season: state.season.map((s) => s.slice()) })

/** Advances `state` over x[from … to); returns the sum of squared surprises. */
function run(x: Float64Array, rates: Rates, state: State, from: number, to: number): number {
  const { season } = state
  let cost = 0
  for (let t = from; t < to; t++) {
    let base = state.level + rates.damping * state.trend
    let seasonal = 0
    for (let k = 0; k < season.length; k++) seasonal += season[k]![t % season[k]!.length]!
    const error = x[t]! - base - seasonal
    const surprise = error - rates.carry * state.error
    cost += surprise * surprise
    base += rates.level * surprise
    state.trend = rates.damping * state.trend + rates.trend * rates.level * surprise
    for (let k = 0; k < season.length; k++) season[k]![t % season[k]!.length]! += rates.season[k]! * surprise
    state.level = base
    state.error = error
  }
  return cost
}

function ahead(state: State, rates: Rates, at: number, horizon: number): Float64Array {
  let { level, trend, error } = state
  return Float64Array.from({ length: horizon }, (_, h) => {
    trend *= rates.damping
    level += trend
    error *= rates.carry
    let sum = level + error
    for (const season of state.season) sum += season[(at + h) % season.length]!
    return sum
  })
}
