/** The weights of an ensemble in words, as a person reads them. */
import type { MethodName } from './method.ts'
import type { Trial } from './trials.ts'

const WORDS: Readonly<Record<MethodName, string>> = {
  repeat: 'what came a season ago comes again',
  lags: 'autoregression on the last steps and on those a season ago',
  changes: 'autoregression on the changes since a season ago',
  smoothing: 'damped exponential smoothing with seasons',
  theta: 'half the trend of a line on the series without its seasons',
  decomposed: 'decomposition into seasons and a damped trend',
  structural: 'a level and seasons followed by a Kalman filter',
}
/** Models of less weight are not named. */
const NAMED_FROM = 0.05

/** Turns errors back into the units of the series. */
type Scale = { readonly spread: number; readonly origins: number; readonly unit: string }

/** The heaviest first. */
export function because(
  trials: readonly Trial[],
  weights: readonly number[],
  { spread, origins, unit }: Scale,
): string[] {
  return trials
    .map((trial, i) => ({ trial, weight: weights[i]! }))
    .sort((a, b) => b.weight - a.weight)
    .filter(({ weight }, i) => i === 0 || weight >= NAMED_FROM)
    .map(
      ({ trial, weight }) =>
        `${Math.round(weight * 100)} %: ${WORDS[trial.name]}${seasonsIn(trial.seasons)}; ` +
        `off by ${Number((trial.error * spread).toPrecision(3))}${unit === '' ? '' : ` ${unit}`} on average in ${origins} trials`,
    )
}

function seasonsIn(seasons: readonly number[]): string {
  return seasons.length === 0 ? '' : `, season ${seasons.join(' and ')} steps`
}
