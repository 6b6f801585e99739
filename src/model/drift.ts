/** How far a workload is from all it has been: the answer of `GET /workloads/{id}/drift`. */
export type Drift = {
  /** epoch ms, end of the window it was judged on */
  readonly at: number
  /** 0–1: belief that it is in a regime it has not lived in for long. 0 while it is new itself. */
  readonly score: number
  /** epoch ms from which the score has been one half and more, null while it is not */
  readonly since: number | null
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
