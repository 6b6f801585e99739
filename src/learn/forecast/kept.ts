/**
 * What was foretold of one series goes in, the truth comes later, and how far the word was kept comes out. One forecast is
 * kept until its whole horizon has come, so that far steps count as much as near ones and no step counts twice; one that was
 * made under a clock that was set back since is dropped, its steps may be years away. Misses move what is asked of the next
 * intervals (coverage.ts).
 */
import { naiveScale } from './accuracy.ts'
import { keepPromise, type PromiseState, startPromise } from './coverage.ts'
import type { LevelledForecast } from './forecast.ts'
import type { Series } from './series.ts'

export type Kept = {
  /** Shares asked for to get 80 and 95 %. */
  readonly promises: readonly [PromiseState, PromiseState]
  readonly foretold: Foretold | null
  readonly scores: Scores
}
type Foretold = {
  /** epoch ms of the first step */
  readonly start: number
  readonly said: Pick<LevelledForecast, 'mean' | 'intervals'>
  /** What repeating the season cost on the past, NaN when that is nothing. */
  readonly scale: number
  /** Steps judged so far. */
  readonly judged: number
}
export type Scores = {
  readonly steps: number
  readonly held80: number
  readonly held95: number
  readonly errors: { readonly sum: number; readonly steps: number }
  /** epoch ms of the first step judged */
  readonly since: number | null
}

export function startKept(): Kept {
  const scores = { steps: 0, held80: 0, held95: 0, errors: { sum: 0, steps: 0 }, since: null }
  return { promises: [startPromise(0.8), startPromise(0.95)], foretold: null, scores }
}

/** Levels to ask for next; the wider interval never gets the lower one. */
export function levelsOf({ promises: [of80, of95] }: Kept): readonly [number, number] {
  return [Math.min(of80.ask, of95.ask), of95.ask]
}

/** Judges what has come by now; steps that nobody looked at are passed over. */
export function judge(kept: Kept, { start, stepMs, values }: Series): Kept {
  const { foretold } = kept
  if (foretold === null) return kept
  const end = start + values.length * stepMs
  if (end < foretold.start) return { ...kept, foretold: null }
  const due = Math.min(foretold.said.mean.length, Math.floor((end - foretold.start) / stepMs))
  let { promises, scores } = kept
  for (let h = foretold.judged; h < due; h++) {
    const at = foretold.start + h * stepMs
    const truth = values[(at - start) / stepMs] ?? Number.NaN
    if (!Number.isFinite(truth)) continue
    const [in80, in95] = foretold.said.intervals.map(({ lower, upper }) => truth >= lower[h]! && truth <= upper[h]!)
    const word = (isIn: boolean | undefined) => (isIn === true ? 'held' : 'missed')
    promises = [keepPromise(promises[0], word(in80)), keepPromise(promises[1], word(in95))]
    const error = Math.abs(truth - foretold.said.mean[h]!) / foretold.scale
    const { sum, steps } = scores.errors
    scores = {
      steps: scores.steps + 1,
      held80: scores.held80 + (in80 === true ? 1 : 0),
      held95: scores.held95 + (in95 === true ? 1 : 0),
      errors: Number.isFinite(error) ? { sum: sum + error, steps: steps + 1 } : scores.errors,
      since: scores.since ?? at,
    }
  }
  return { promises, scores, foretold: { ...foretold, judged: Math.max(foretold.judged, due) } }
}

/** Keeps this one when none is waiting for its truth. `kept`: as `judge` left it with this series. */
export function keep(kept: Kept, said: LevelledForecast, series: Series, season: number): Kept {
  const { foretold } = kept
  if (foretold !== null && foretold.judged < foretold.said.mean.length) return kept
  const { start, stepMs, values } = series
  const past = naiveScale(values, values.length > season ? season : 1)
  const scale = past > 0 ? past : Number.NaN
  const { mean, intervals } = said
  return { ...kept, foretold: { start: start + values.length * stepMs, said: { mean, intervals }, scale, judged: 0 } }
}
