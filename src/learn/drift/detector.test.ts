import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createDriftDetector, judgeRow, type Verdict } from './detector.ts'

const STEP = 300

/** A day's wave with noise from a fixed sequence, so that every run sees the same rows. */
function wave(rows: number, seed = 1): number[] {
  let state = seed
  const noise = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32 - 0.5
  }
  return Array.from(
    { length: rows },
    (_, k) => 100 + 20 * Math.sin((2 * Math.PI * k) / 288) + 6 * noise() + 6 * noise(),
  )
}

function judge(values: readonly number[], times = values.map((_, k) => k * STEP)): Verdict[] {
  const detector = createDriftDetector()
  return values.map((value, k) => judgeRow(detector, times[k]!, value))
}
test('a row without a time says nothing of the day, and spoils nothing of it', () => {
  const values = wave(2_000)
  const times = values.map((_, k) => (k === 1_000 ? Number.NaN : k * STEP))
  const [seen, whole] = [judge(values, times).at(-1)!, judge(values).at(-1)!]
  assert.ok(seen.high - seen.low < 1.05 * (whole.high - whole.low), 'expected by the time of day, as before')
  const detector = createDriftDetector()
  for (const [k, value] of values.entries()) judgeRow(detector, times[k]!, value)
  assert.ok(detector.baseline.slots.every(Number.isFinite))
})

const alarms = (verdicts: readonly Verdict[]): number[] => verdicts.flatMap(({ alarm }, row) => (alarm ? [row] : []))

test('a spike, a new level and a stop are alarms at their first rows, one each, with their cause', () => {
  const spike = wave(2_000)
  spike[1_500] = 400
  const seen = judge(spike)
  assert.ok(seen[1_500]!.alarm)
  assert.equal(seen[1_500]!.cause, 'spike')
  assert.equal(seen[1_500]!.side, 'above')
  assert.ok(seen[1_500]!.high < 250, `expected band reached ${seen[1_500]!.high}`)
  assert.deepEqual(alarms(seen.slice(1_501, 1_560)), [])

  const shift = judge(wave(2_000).map((value, k) => (k >= 1_500 ? value + 120 : value)))
  assert.ok(alarms(shift).some((row) => row >= 1_500 && row < 1_503))
  assert.ok(shift.some(({ changedAt }, row) => row > 1_500 && Math.abs(row - changedAt - 1_500) <= 3))

  const stop = judge(wave(2_000).map((value, k) => (k >= 1_500 && k < 1_520 ? 0 : value)))
  assert.ok(stop[1_500]!.alarm)
  assert.equal(stop[1_500]!.cause, 'dropout')
  assert.equal(stop[1_500]!.side, 'below')
})

test('an ordinary series is left in peace: at most a handful of alarms a thousand rows, whatever its noise', () => {
  for (const seed of [1, 2, 3]) assert.ok(alarms(judge(wave(4_000, seed))).length <= 12)
})

test('a known spike at the time it always comes stops being news', () => {
  const values = wave(288 * 12).map((value, k) => (k % 288 === 40 ? value + 300 : value))
  const found = alarms(judge(values))
  assert.ok(found.some((row) => row < 288 * 3))
  // Six more days, six more spikes: one may still be told while its place is learned.
  assert.ok(found.filter((row) => row > 288 * 6 && row % 288 === 40).length <= 1)
})

test('a constant series never alarms, and its first change does', () => {
  const flat = new Array<number>(1_000).fill(7)
  assert.ok(judge(flat).every(({ score }) => score < 0.5))
  flat[900] = 8
  assert.ok(judge(flat)[900]!.alarm)
})

test('scores do not depend on the unit: scaled by a power of two, to the last bit; shifted and turned over, closely', () => {
  fc.assert(
    fc.property(fc.integer({ min: -20, max: 20 }), fc.integer({ min: 1, max: 1_000 }), (power, seed) => {
      const values = wave(400, seed)
      values[300] = 500
      const scores = judge(values).map(({ score }) => score)
      assert.deepEqual(
        judge(values.map((value) => value * 2 ** power)).map(({ score }) => score),
        scores,
      )
      const moved = judge(values.map((value) => 1_000 - value)).map(({ score }) => score)
      for (const [row, score] of scores.entries()) assert.ok(Math.abs(score - moved[row]!) < 0.02, `row ${row}`)
    }),
    { numRuns: 20 },
  )
})

test('the same rows give the same scores, and a score does not know what comes after', () => {
  const values = wave(1_500, 5)
  const whole = judge(values)
  assert.deepEqual(judge(values), whole)
  assert.deepEqual(judge(values.slice(0, 700)), whole.slice(0, 700))
})

test('any values and times at all: a score in [0, 1], a band in order, never a throw', () => {
  const number = fc.oneof(fc.double(), fc.constant(Number.NaN), fc.constant(0), fc.integer())
  fc.assert(
    fc.property(fc.array(fc.tuple(number, number), { maxLength: 300 }), (rows) => {
      const verdicts = judge(
        rows.map(([, value]) => value),
        rows.map(([second]) => second),
      )
      for (const { score, low, high } of verdicts) {
        assert.ok(score >= 0 && score <= 1, `score ${score}`)
        assert.ok(!(low > high))
      }
    }),
    { numRuns: 200 },
  )
})

test('missing rows and missing values are gaps, not zeros: no alarm for them, the season goes on', () => {
  const values = wave(3_000)
  const times = values.map((_, k) => k * STEP)
  const kept = values.map((_, k) => k < 2_000 || k >= 2_200)
  const gap = judge(
    values.filter((_, k) => kept[k]),
    times.filter((_, k) => kept[k]),
  )
  assert.deepEqual(alarms(gap.slice(2_000, 2_050)), [])
  const holes = judge(values.map((value, k) => (k >= 2_000 && k < 2_200 ? Number.NaN : value)))
  assert.ok(holes.slice(2_000, 2_200).every(({ score, cause }) => score === 0 && cause === 'missing'))
})
