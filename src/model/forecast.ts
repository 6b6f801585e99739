/** What is expected of a workload, or of all of a persona: the answer of `GET /workloads/{id}/forecast`. Times are epoch ms. */

export const FORECAST_STEPS = ['5min', 'hour'] as const
export type ForecastStep = (typeof FORECAST_STEPS)[number]
export const STEP_MS_OF: Readonly<Record<ForecastStep, number>> = { '5min': 300_000, hour: 3_600_000 }
/** Steps looked ahead: half a day, and two days. A shorter horizon is cut out of this one. */
export const MOST_AHEAD: Readonly<Record<ForecastStep, number>> = { '5min': 144, hour: 48 }

/** `service:NAME` is what went both ways by one service, known by the hour. */
export type ForecastOf = 'bytesOut' | 'bytesIn' | `service:${string}`

export type ForecastReport = {
  readonly of: { readonly kind: 'Workload' | 'Persona'; readonly name: string }
  readonly what: ForecastOf
  readonly step: ForecastStep
  readonly unit: 'bytes per second'
  /** Workloads that are added up. */
  readonly members: number
  /** Newest last; mean over the step; null where nobody looked. */
  readonly seen: readonly (readonly [at: number, value: number | null])[]
  readonly expected: readonly ExpectedStep[]
  /** In words: which methods say so, the heaviest first, then what was missing or assumed. */
  readonly because: readonly string[]
  readonly coverage: ForecastCoverage
  /** 0 to 1: how much of it is the persona's usual season, not its own past. */
  readonly coldStart: number
  readonly enough: true | NotEnough
  /** Services that a forecast can be asked of, those with the most bytes first. */
  readonly services: readonly string[]
}

/** Beginning of the step; what is expected, and where it will lie 8 and 19 times in 10 and 20. */
export type ExpectedStep = {
  readonly at: number
  readonly value: number
  readonly low80: number
  readonly high80: number
  readonly low95: number
  readonly high95: number
}

export type NotEnough = {
  /** Steps known, and steps needed. */
  readonly seen: number
  readonly wanted: number
  readonly why: string
}

/** What came of what was foretold since the server started; shares are null while no step of it has come. */
export type ForecastCoverage = {
  readonly steps: number
  readonly of80: number | null
  readonly of95: number | null
  /** Mean absolute error, in units of what repeating the last season cost. */
  readonly mase: number | null
  readonly since: number | null
  readonly sentence: string
}
