/**
 * Seasons by decomposition (`decompose`), the rest by a damped trend with first-order correction: what moves slowly and
 * what repeats are forecast each by what suits it.
 */
import { decompose, patternsAhead } from './decompose.ts'
import type { Method } from './method.ts'
import { smoothing } from './smoothing.ts'

export const decomposed: Method = {
  name: 'decomposed',
  forecasts({ x, seasons }, origins, horizon) {
    const { adjusted } = decompose(x.subarray(0, origins[0]!), seasons)
    void adjusted
    return origins.map((at) => {
      const split = decompose(x.subarray(0, at), seasons)
      const rest = smoothing.forecasts({ x: split.adjusted, seasons: [] }, [at], horizon)![0]!
      return patternsAhead(split.patterns, at, horizon).map((v, h) => v + rest[h]!)
    })
  },
}
