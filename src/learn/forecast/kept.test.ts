import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forecastWords } from './forecast-words.ts'
import { judge, keep, levelsOf, startKept } from './kept.ts'
import type { Series } from './series.ts'

const STEP = 300_000
const series = (values: readonly (number | null)[]): Series => ({
  start: 1_000 * STEP,
  stepMs: STEP,
  values: Float64Array.from(values, (v) => v ?? Number.NaN),
})
const path = (value: number) => new Float64Array(4).fill(value)
/** Foretells 10 for four steps: 9 to 11, and 5 to 15. */
const said = {
  mean: path(10),
  intervals: [
    { lower: path(9), upper: path(11) },
    { lower: path(5), upper: path(15) },
  ],
  ...{ why: [], models: [], trust: 0 },
}
const past = [8, 10, 8, 10]

test('what comes is judged once, a gap is passed over, and one forecast is kept until all of it has come', () => {
  let kept = keep(startKept(), said, series(past), 2)
  assert.equal(judge(kept, series(past)).scores.steps, 0)
  kept = judge(kept, series([...past, 10, null]))
  assert.deepEqual([kept.scores.steps, kept.scores.held80, kept.scores.since], [1, 1, 1_004 * STEP])
  // Asked again meanwhile: the one that waits is not replaced by one that knows more.
  kept = keep(kept, { ...said, mean: path(99) }, series([...past, 10, null]), 2)
  kept = judge(kept, series([...past, 10, null, 14, 30, 7, 7]))
  kept = judge(kept, series([...past, 10, null, 14, 30, 7, 7]))
  const { steps, held80, held95, errors } = kept.scores
  assert.deepEqual([steps, held80, held95], [3, 1, 2])
  // Repeating a season of two steps cost nothing before: there is no scale.
  assert.equal(errors.steps, 0)
  const scaled = judge(keep(startKept(), said, series([8, 10, 12, 10]), 2), series([8, 10, 12, 10, 10, 14]))
  assert.deepEqual(scaled.scores.errors, { sum: 2, steps: 2 })
  assert.match(
    forecastWords.coverage(scaled.scores).sentence,
    /^of 2 steps foretold, 100 % fell inside the 95 % interval, 50 % inside the 80 % one; off by 1\.00 of what/,
  )
})

test('misses widen what is asked for next, and a series that lost its past to retention judges nothing wrongly', () => {
  assert.deepEqual(levelsOf(startKept()), [0.8, 0.95])
  const kept = keep(startKept(), said, series(past), 2)
  const [of80, of95] = levelsOf(judge(kept, series([...past, 30, 30, 30, 30])))
  assert.ok(of80 > 0.85 && of95 >= of80 && of95 > 0.98, `${of80} ${of95}`)
  const later = { ...series([10, 10]), start: 1_007 * STEP }
  assert.equal(judge(kept, later).scores.steps, 1)
})

test('what was foretold while the clock was a year ahead does not keep what is foretold after it came back', () => {
  const year = 105_120 * STEP
  const ahead = { ...series(past), start: 1_000 * STEP + year }
  let kept = judge(keep(startKept(), said, ahead, 2), series(past))
  assert.equal(kept.foretold, null)
  kept = keep(kept, said, series(past), 2)
  assert.equal(judge(kept, series([...past, 10, 10, 10, 10])).scores.steps, 4)
})
