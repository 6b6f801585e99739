/**
 * M4's reference: the last value, after a classical multiplicative decomposition if the season is significant at 90 %
 * (Makridakis et al. 2020; the authors' R code).
 */
import { repeatSeason } from '../../src/learn/forecast/seasonal-naive.ts'

export function naive2(x: Float64Array, m: number, horizon: number): Float64Array {
  const indices = isSeasonal(x, m) ? seasonalIndices(x, m) : new Float64Array(m).fill(1)
  const last = x.at(-1)! / indices[(x.length - 1) % m]!
  return Float64Array.from({ length: horizon }, (_, h) => last * indices[(x.length + h) % m]!)
}

export function seasonalNaiveOf(x: Float64Array, m: number, horizon: number): Float64Array {
  return repeatSeason(x, Math.min(m, x.length), x.length, horizon)
}

function isSeasonal(x: Float64Array, m: number): boolean {
  if (x.length < 3 * m || x.some((v) => v <= 0)) return false
  const mean = x.reduce((a, b) => a + b, 0) / x.length
  const at = (lag: number) => {
    let sum = 0
    for (let t = lag; t < x.length; t++) sum += (x[t]! - mean) * (x[t - lag]! - mean)
    return sum
  }
  const variance = at(0)
  let squares = 1
  for (let lag = 1; lag < m; lag++) squares += 2 * (at(lag) / variance) ** 2
  return Math.abs(at(m) / variance) > 1.645 * Math.sqrt(squares / x.length)
}

/** Index per phase of t mod m, mean 1. */
function seasonalIndices(x: Float64Array, m: number): Float64Array {
  const half = Math.floor(m / 2)
  const [sum, count] = [new Float64Array(m), new Float64Array(m)]
  for (let t = half; t + half < x.length; t++) {
    let window = 0
    for (let k = -half; k <= half; k++) window += x[t + k]! * (m % 2 === 0 && Math.abs(k) === half ? 0.5 : 1)
    sum[t % m]! += x[t]! / (window / m)
    count[t % m]!++
  }
  const raw = sum.map((s, i) => s / count[i]!)
  const mean = raw.reduce((a, b) => a + b, 0) / m
  return raw.map((r) => r / mean)
}
