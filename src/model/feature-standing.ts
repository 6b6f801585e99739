/** One window of a workload beside what windows of a persona are like: the answer of `GET /workloads/{id}/features`. */
export type FeatureUnit = 'share' | 'count' | 'bytes' | 'bytes per minute' | 'flows per minute' | 'bits' | 'ms'

export type FeatureStanding = {
  readonly name: string
  readonly unit: FeatureUnit
  /** In words, to stand before the value. */
  readonly means: string
  /** null: the window does not tell of it, which is not zero. */
  readonly value: number | null
  /** Four of five windows that the persona was learnt from were within; null where too few told of it. */
  readonly low: number | null
  readonly high: number | null
  readonly outside: boolean
  /** What it added to the share of that persona in this window's verdict, −1 to 1; null where the model cannot say. */
  readonly moved: number | null
}

export type WorkloadFeatures = {
  /** Whose ranges these are: the persona believed in, else the one assigned, else the likeliest; null when there is none. */
  readonly persona: string | null
  readonly basis: 'believed' | 'assigned' | 'likeliest' | null
  /** Belief in that persona, null before there is one. */
  readonly p: number | null
  /** epoch ms, end of the window; null until one was whole. */
  readonly at: number | null
  readonly model: string
  /** Those outside first. */
  readonly features: readonly FeatureStanding[]
}
