/**
 * What every model of the ensemble is: a past without gaps comes in, one forecast per origin goes out. Parameters are
 * fitted on what lies before the first origin only, so that errors measured at the origins are errors on unseen values.
 */
export type Past = {
  /** No gaps, mean absolute value near 1. */
  readonly x: Float64Array
  /** Season lengths in steps, ascending, each seen once and a quarter before the first origin. */
  readonly seasons: readonly number[]
}

export type Method = {
  readonly name: MethodName
  /** Null when it can say nothing about this past; forecast i may look at x[0 … origins[i]) only. */
  forecasts(past: Past, origins: readonly number[], horizon: number): Float64Array[] | null
}

export type MethodName = 'repeat' | 'theta' | 'smoothing' | 'decomposed' | 'lags' | 'changes' | 'structural'
