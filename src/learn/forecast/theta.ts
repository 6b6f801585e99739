/**
 * The Theta method (Assimakopoulos & Nikolopoulos 2000) on the past without its seasons: simple exponential smoothing
 * plus half the slope of a straight line (Hyndman & Billah 2003 show the two are one); the seasons are put back after.
 */
import { decompose, patternsAhead } from './decompose.ts'
import type { Method } from './method.ts'

const RATES = [0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.98]

export const theta: Method = {
  name: 'theta',
  forecasts({ x, seasons }, origins, horizon) {
    return origins.map((at) => {
      const { patterns, adjusted } = decompose(x.subarray(0, at), seasons)
      const { level, rate } = bestSmoothing(adjusted)
      const drift = slope(adjusted) / 2
      const age = (1 - (1 - rate) ** at) / rate
      return patternsAhead(patterns, at, horizon).map((v, h) => v + level + drift * (h + age))
    })
  },
}

function bestSmoothing(x: Float64Array): { level: number; rate: number } {
  let best = { level: x[0]!, rate: 1, cost: Number.POSITIVE_INFINITY }
  for (const rate of RATES) {
    let [level, cost] = [x[0]!, 0]
    for (const v of x) {
      cost += (v - level) ** 2
      level += rate * (v - level)
    }
    if (cost < best.cost) best = { level, rate, cost }
  }
  return best
}

function slope(x: Float64Array): number {
  const middle = (x.length - 1) / 2
  let [cross, square] = [0, 0]
  for (let t = 0; t < x.length; t++) {
    cross += (t - middle) * x[t]!
    square += (t - middle) ** 2
  }
  return square > 0 ? cross / square : 0
}
