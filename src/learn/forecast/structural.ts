/**
 * A structural model followed by a Kalman filter: a level that wanders, harmonics of each season that wander more slowly,
 * and a disturbance that dies away (Harvey 1989; trigonometric seasons as in De Livera, Hyndman & Snyder 2011). Its noise
 * ratios are the most likely of a few; transition and observation do not change, so the gain is kept once it has settled.
 */
import type { Method, Past } from './method.ts'

type Noise = { readonly level: number; readonly season: number; readonly disturbance: number; readonly stay: number }
type Filter = {
  readonly noise: Noise
  /** One frequency (radians per step) per pair of states after level and disturbance. */
  readonly turns: readonly number[]
  readonly gain: Float64Array
  /** Level, disturbance, then cosine and sine parts. */
  readonly state: Float64Array
  settledAt: number
}

/** Variances per step for a past of variance 1. */
const NOISES: readonly Noise[] = [0.98, 0.85].flatMap((stay) =>
  [1e-3].flatMap((level) => [1e-6, 5e-5].map((season) => ({ level, season, disturbance: 0.02, stay }))),
)
const OBSERVED = 0.002
const HARMONICS = 6
/** Steps after which the gain has settled for these noises. */
const SETTLED = 180

export const structural: Method = {
  name: 'structural',
  forecasts(past, origins, horizon) {
    const known = origins[0]!
    const turns = turnsOf(past)
    let best: { noise: Noise; cost: number } | null = null
    for (const noise of NOISES) {
      const cost = follow(past.x, startFilter(noise, turns), 0, known)
      if (best === null || cost < best.cost) best = { noise, cost }
    }
    const filter = startFilter(best!.noise, turns)
    const covariance = startCovariance(turns)
    return origins.map((at, i) => {
      follow(past.x, filter, origins[i - 1] ?? 0, at, covariance)
      return ahead(filter, horizon)
    })
  },
}

/** The first harmonics of each season that no shorter season has. */
function turnsOf({ seasons }: Past): number[] {
  const turns: number[] = []
  for (const m of seasons)
    for (let k = 1, taken = 0; taken < HARMONICS && 2 * k <= m; k++) {
      const turn = (2 * Math.PI * k) / m
      if (turns.some((other) => Math.abs(other - turn) < 1e-9)) continue
      turns.push(turn)
      taken++
    }
  return turns
}

function startFilter(noise: Noise, turns: readonly number[]): Filter {
  const size = 2 + 2 * turns.length
  return { noise, turns, gain: new Float64Array(size), state: new Float64Array(size), settledAt: 0 }
}

function startCovariance(turns: readonly number[]): Float64Array {
  const size = 2 + 2 * turns.length
  const p = new Float64Array(size * size)
  for (let i = 0; i < size; i++) p[i * size + i] = i < 2 ? 1 : 0.3
  return p
}

/** Filters x[from … to); returns −2 log likelihood up to a constant, its scale estimated. */
function follow(
  x: Float64Array,
  filter: Filter,
  from: number,
  to: number,
  covariance: Float64Array = startCovariance(filter.turns),
): number {
  const { state, gain } = filter
  const size = state.length
  let [squares, logs, f] = [0, 0, 1]
  for (let t = from; t < to; t++) {
    turnState(filter)
    if (filter.settledAt < SETTLED) {
      predictCovariance(covariance, filter)
      f = updateCovariance(covariance, gain)
      filter.settledAt++
    }
    let error = x[t]! - state[0]! - state[1]!
    for (let i = 2; i < size; i += 2) error -= state[i]!
    for (let i = 0; i < size; i++) state[i]! += gain[i]! * error
    if (t < size) continue
    squares += (error * error) / f
    logs += Math.log(f)
  }
  const count = Math.max(1, to - Math.max(from, size))
  return count * Math.log(Math.max(squares / count, 1e-300)) + logs
}

function turnState({ state, noise, turns }: Filter): void {
  state[1]! *= noise.stay
  for (let k = 0; k < turns.length; k++) {
    const [c, s] = [Math.cos(turns[k]!), Math.sin(turns[k]!)]
    const [a, b] = [state[2 + 2 * k]!, state[3 + 2 * k]!]
    state[2 + 2 * k] = c * a + s * b
    state[3 + 2 * k] = c * b - s * a
  }
}

/** P ← F P Fᵀ + Q: F is a turn of each pair, first over rows, then over columns. */
function predictCovariance(p: Float64Array, { noise, turns }: Filter): void {
  const size = 2 + 2 * turns.length
  for (const [stride, step] of [
    [size, 1],
    [1, size],
  ] as const) {
    for (let j = 0; j < size; j++) p[stride + j * step]! *= noise.stay
    for (let k = 0; k < turns.length; k++) {
      const [c, s] = [Math.cos(turns[k]!), Math.sin(turns[k]!)]
      const at = (2 + 2 * k) * stride
      for (let j = 0; j < size; j++) {
        const [a, b] = [p[at + j * step]!, p[at + stride + j * step]!]
        p[at + j * step] = c * a + s * b
        p[at + stride + j * step] = c * b - s * a
      }
    }
  }
  p[0]! += noise.level
  p[size + 1]! += noise.disturbance
  for (let i = 2; i < size; i++) p[i * size + i]! += noise.season
}

/** P ← P − g f gᵀ for an observation of level + disturbance + every cosine part; returns f, its variance. */
function updateCovariance(p: Float64Array, gain: Float64Array): number {
  const size = gain.length
  const seen = (i: number) => i < 2 || i % 2 === 0
  let f = OBSERVED
  for (let i = 0; i < size; i++) {
    let sum = 0
    for (let j = 0; j < size; j++) if (seen(j)) sum += p[i * size + j]!
    gain[i] = sum
    if (seen(i)) f += sum
  }
  for (let i = 0; i < size; i++) gain[i]! /= f
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) p[i * size + j]! -= gain[i]! * gain[j]! * f
  return f
}

function ahead(filter: Filter, horizon: number): Float64Array {
  const copy: Filter = { ...filter, state: filter.state.slice() }
  return Float64Array.from({ length: horizon }, () => {
    turnState(copy)
    let sum = copy.state[0]! + copy.state[1]!
    for (let i = 2; i < copy.state.length; i += 2) sum += copy.state[i]!
    return sum
  })
}
