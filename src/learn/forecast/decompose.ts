/**
 * Splits a past into trend, one pattern per season length and the rest, shortest season first and twice over, as MSTL does
 * (Bandara, Hyndman & Bergmeir 2021); patterns are means per phase whose weight halves every few cycles, in place of loess.
 */
import { movingMean } from './smoothing.ts'

export type Decomposition = {
  /** A value per phase of t mod m, one array per season, as they stand at the end. */
  readonly patterns: readonly Float64Array[]
  /** What is left of x without its seasons. */
  readonly adjusted: Float64Array
}

/** Weight of a cycle against the next one. */
const FADE = 0.85

export function decompose(x: Float64Array, seasons: readonly number[]): Decomposition {
  const patterns = seasons.map((m) => new Float64Array(m))
  const trend = movingMean(x, seasons.at(-1) ?? 1)
  for (let round = 0; round < 2; round++) {
    seasons.forEach((m, k) => {
      const rest = x.map((v, t) => v - trend[t]! - without(patterns, k, t))
      patterns[k]!.set(phaseMeans(rest, m))
    })
    const smooth = movingMean(
      x.map((v, t) => v - without(patterns, -1, t)),
      seasons[0] ?? 1,
    )
    trend.set(smooth)
  }
  return { patterns, adjusted: x.map((v, t) => v - without(patterns, -1, t)) }
}

function without(patterns: readonly Float64Array[], except: number, t: number): number {
  let sum = 0
  for (let k = 0; k < patterns.length; k++) if (k !== except) sum += patterns[k]![t % patterns[k]!.length]!
  return sum
}

function phaseMeans(x: Float64Array, m: number): Float64Array {
  const [sum, weight] = [new Float64Array(m), new Float64Array(m)]
  const fade = FADE ** (1 / m)
  for (let t = x.length - 1, w = 1; t >= 0; t--, w *= fade) {
    sum[t % m]! += w * x[t]!
    weight[t % m]! += w
  }
  const means = sum.map((s, i) => (weight[i]! > 0 ? s / weight[i]! : 0))
  const centre = means.reduce((a, b) => a + b, 0) / m
  return means.map((v) => v - centre)
}

/** The patterns' sum for the `horizon` steps after `at`. */
export function patternsAhead(patterns: readonly Float64Array[], at: number, horizon: number): Float64Array {
  return Float64Array.from({ length: horizon }, (_, h) => without(patterns, -1, at + h))
}
