/**
 * Seasons by decomposition (`decompose`), the rest by a damped trend with first-order correction: what moves slowly and
 * what repeats are forecast each by what suits it.
 */
import { decompose, patternsAhead } from './decompose.ts'
import type { Method, Past } from './method.ts'
import { fitRates, smoothAhead, startState } from './smoothing.ts'

export const decomposed: Method = {
  name: 'decomposed',
  forecasts({ x, seasons }, origins, horizon) {
    const known: Past = { x: decompose(x.subarray(0, origins[0]), seasons).adjusted, seasons: [] }
    const rates = fitRates(known, startState(known, known.x.length), known.x.length)
    return origins.map((at) => {
      const split = decompose(x.subarray(0, at), seasons)
      const rest = smoothAhead({ x: split.adjusted, seasons: [] }, rates, horizon)
      return patternsAhead(split.patterns, at, horizon).map((v, h) => v + rest[h]!)
    })
  },
}
