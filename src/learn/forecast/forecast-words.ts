/** What is told of a forecast beside its numbers. */
import type { ForecastCoverage, ForecastReport, ForecastStep } from '../../model/forecast.ts'
import type { Scores } from './kept.ts'

const STEP_WORDS: Readonly<Record<ForecastStep, string>> = { '5min': 'of 5 minutes', hour: 'of an hour' }

export const forecastWords = { coverage, notEnough }

function coverage({ steps, held80, held95, errors, since }: Scores): ForecastCoverage {
  const share = (held: number) => (steps === 0 ? null : held / steps)
  const mase = errors.steps === 0 ? null : errors.sum / errors.steps
  const off = mase === null ? '' : `; off by ${mase.toFixed(2)} of what repeating the last season cost`
  const sentence =
    steps === 0
      ? 'no step foretold here has come yet; what was foretold is kept while the server runs'
      : `of ${steps} ${steps === 1 ? 'step' : 'steps'} foretold, ${percent(held95 / steps)} fell inside the 95 % interval, ` +
        `${percent(held80 / steps)} inside the 80 % one${off}`
  return { steps, of80: share(held80), of95: share(held95), mase, since, sentence }
}

const percent = (share: number) => `${Number((100 * share).toFixed(1))} %`

function notEnough(
  seen: number,
  wanted: number,
  step: ForecastStep,
  leans: 'on-its-persona' | 'on-nobody',
): Pick<ForecastReport, 'expected' | 'because' | 'coldStart' | 'enough'> {
  const why = `not enough seen yet: ${seen} of ${wanted} steps ${STEP_WORDS[step]}${leans === 'on-its-persona' ? ', and nobody of its persona is known well enough to lean on' : ''}`
  return { expected: [], because: [], coldStart: 0, enough: { seen, wanted, why } }
}
