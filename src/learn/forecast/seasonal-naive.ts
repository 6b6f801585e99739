/** Repeats the last whole season, the longest known one: what every other model has to beat. Without a season, the last value. */
import type { Method } from './method.ts'

export const seasonalNaive: Method = {
  name: 'repeat',
  forecasts: ({ x, seasons }, origins, horizon) =>
    origins.map((at) => repeatSeason(x, seasons.at(-1) ?? 1, at, horizon)),
}

/** The `horizon` values after x[0 … at) if the last `m` came again and again; `at` ≥ m. */
export function repeatSeason(x: Float64Array, m: number, at: number, horizon: number): Float64Array {
  return Float64Array.from({ length: horizon }, (_, h) => x[at - m + (h % m)]!)
}
