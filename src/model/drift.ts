/** The answer of `GET /workloads/{id}/drift`; null until a window was whole, or where a fleet is so large that there is no room for a series. */
export type DriftAnswer = { readonly drift: Drift | null; readonly series: DriftSeries | null }

/** How far a workload is from all it has been. */
export type Drift = {
  /** epoch ms, end of the window it was judged on */
  readonly at: number
  /** 0–1: belief that it is in a regime it has not lived in for long. 0 while it is new itself. */
  readonly score: number
  /** epoch ms from which the score has been one half and more, null while it is not */
  readonly since: number | null
  /** Windows in a row for which it has been so; a gap begins anew. */
  readonly lasted: number
  /** −log10 of the tail probability of this window's least expected metric, over all its metrics */
  readonly surprise: number
  /** Windows that taught it, regimes that are known, and the one that holds. */
  readonly windows: number
  readonly regimes: number
  readonly regime: number
  /** What was least expected: when the strange regime began, while one holds; else now. Null while nothing is expected yet. */
  readonly cause: DriftCause | null
}

export type DriftCause = {
  /** epoch ms */
  readonly at: number
  readonly metric: string
  readonly unit: string
  readonly seen: number
  readonly low: number
  readonly high: number
  readonly side: 'above' | 'below' | 'within'
}

/** What was seen of each metric beside what was expected of it, window by window. */
export type DriftSeries = {
  readonly everyMs: number
  /** How far back the server keeps it, ms, if it has run for so long. */
  readonly keptMs: number
  /** Windows that teach before anything is strange. */
  readonly warmUp: number
  /** epoch ms, ends of the windows, oldest first; those that were missing are left out. */
  readonly at: readonly number[]
  /** By window: 0–1, and the regime that held. */
  readonly score: readonly number[]
  readonly regime: readonly number[]
  readonly metrics: readonly DriftMetric[]
}

export type DriftMetric = {
  readonly name: string
  readonly unit: string
  /** By window, null where the window does not say, or nothing was expected yet. */
  readonly value: readonly (number | null)[]
  readonly low: readonly (number | null)[]
  readonly high: readonly (number | null)[]
}
