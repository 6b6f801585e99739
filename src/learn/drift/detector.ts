/**
 * The drift detector of one numeric series: rows of (time, value) come in as they happen; a score in [0, 1] with its why
 * goes out for each. One pass, memory of a fixed size, no clock: the same rows give the same scores. A score of one half
 * is an alarm; after one the detector rests, so that one event is one alarm.
 */
import { type Baseline, createBaseline, type Deviations, deviate } from './baseline.ts'
import { type Cause, causeOf, createHabits, type Habits, updateHabits } from './cause.ts'
import { changedAt, createSegment, type Segment } from './change-point.ts'
import { ALARM, AWAY_SPREADS, REGIMES, REST, SHORT_ROWS, USUAL, WARM_ROWS, WEIGHT } from './constants.ts'
import { createRegimes, judgeRegimes, type Regimes, type Spread, updateSpread } from './regimes.ts'
import { createSides, judgeSides, type Sides } from './tail.ts'

/** Four mean absolute deviations are about the 99.8 % band of a normal series. */
const BAND_SPREADS = 4

export type Verdict = {
  /** 0 nothing, 0.5 and more an alarm */
  score: number
  alarm: boolean
  /** Resting after an alarm or a gap: the row was judged, its score is held under one half. */
  resting: boolean
  /** Value expected, and the band it was expected in. */
  expected: number
  low: number
  high: number
  side: 'above' | 'below' | 'within'
  cause: Cause
  /** The mean of the last rows is off the baseline: it stays so while an event lasts. */
  away: boolean
  /** Rows ago that a new level began, when this row has proved it; else −1. */
  changedAt: number
}

export type DriftDetector = {
  readonly baseline: Baseline
  readonly deviations: Deviations
  readonly spread: Spread
  readonly close: Regimes
  readonly wide: Regimes
  readonly level: Sides
  readonly step: Sides
  readonly season: Sides
  readonly habits: Habits
  readonly segment: Segment
  row: number
  lastSecond: number
  /** Typical seconds between rows, 0 until known. */
  stepSeconds: number
  usual: number
  usualBlocks: number
  blockPeak: number
  restUntil: number
}

export const createDriftDetector = (): DriftDetector => ({
  baseline: createBaseline(),
  deviations: { level: 0, step: 0, season: 0, expected: 0, spread: 0, away: 0 },
  spread: { mean: 0, size: 0 },
  close: createRegimes(REGIMES.close),
  wide: createRegimes(REGIMES.wide),
  level: createSides(),
  step: createSides(),
  season: createSides(),
  habits: createHabits(),
  segment: createSegment(),
  row: 0,
  lastSecond: Number.NaN,
  stepSeconds: 0,
  usual: USUAL.start,
  usualBlocks: USUAL.startBlocks,
  blockPeak: 0,
  restUntil: -1,
})

/** Judges one row and takes it in. `second`: its time, NaN where there is none; a value that is no number is a gap. */
export function judgeRow(detector: DriftDetector, second: number, value: number): Verdict {
  if (!Number.isFinite(value)) return missing(detector)
  const steps = stepsSince(detector, second)
  const { row, deviations } = detector
  // After a gap the means are of one row: what they would say is about the gap.
  if (steps > SHORT_ROWS) detector.restUntil = Math.max(detector.restUntil, row + SHORT_ROWS)
  deviate(detector.baseline, deviations, value, row, second, detector.stepSeconds, steps)
  updateSpread(detector.spread, value, row)
  const surprise = surpriseOf(detector, value, steps)
  const above = surprise - USUAL.share * (detector.usual - USUAL.start)
  learnUsual(detector, surprise)
  const verdict = rested(detector, 1 / (1 + Math.exp(ALARM - above)))
  const reach = BAND_SPREADS * deviations.spread
  verdict.expected = deviations.expected
  verdict.low = deviations.expected - reach
  verdict.high = deviations.expected + reach
  verdict.side = value > verdict.high ? 'above' : value < verdict.low ? 'below' : 'within'
  verdict.cause = causeOf(detector.habits, deviations, value, verdict)
  verdict.away = row > WARM_ROWS && deviations.away > AWAY_SPREADS
  verdict.changedAt = changedAt(detector.segment, value)
  updateHabits(detector.habits, value, row)
  detector.row++
  return verdict
}

/** −log10 of how rare this row is, over what is known of the series. */
function surpriseOf(detector: DriftDetector, value: number, steps: number): number {
  const { row, deviations, spread } = detector
  const close = judgeRegimes(detector.close, value, spread.size, row, steps)
  const wide = judgeRegimes(detector.wide, value, spread.size, row, steps)
  if (row <= WARM_ROWS) return 0
  const level = judgeSides(detector.level, deviations.level)
  const step = judgeSides(detector.step, deviations.step)
  const season = judgeSides(detector.season, deviations.season)
  const regime = (close + wide) / 2
  const together = regime + WEIGHT.season * season + WEIGHT.level * level + WEIGHT.step * step
  return Math.max(together, WEIGHT.regimeAlone * regime)
}

function learnUsual(detector: DriftDetector, surprise: number): void {
  if (surprise > detector.blockPeak) detector.blockPeak = surprise
  if (detector.row % USUAL.rows !== USUAL.rows - 1) return
  detector.usualBlocks = Math.min(detector.usualBlocks + 1, USUAL.blocks)
  detector.usual += (Math.min(detector.blockPeak, USUAL.most) - detector.usual) / detector.usualBlocks
  detector.blockPeak = 0
}

function rested(detector: DriftDetector, score: number): Verdict {
  const resting = detector.row < detector.restUntil
  const alarm = score >= 0.5 && !resting
  if (alarm) detector.restUntil = detector.row + Math.max(REST.least, Math.min(REST.share * detector.row, REST.most))
  return { ...EMPTY, score: resting ? score / 2 : score, alarm, resting }
}

const EMPTY: Verdict = {
  score: 0,
  alarm: false,
  resting: false,
  expected: 0,
  low: 0,
  high: 0,
  side: 'within',
  cause: 'none',
  away: false,
  changedAt: -1,
}

function missing({ deviations: { expected, spread } }: DriftDetector): Verdict {
  const reach = BAND_SPREADS * spread
  return { ...EMPTY, expected, low: expected - reach, high: expected + reach, cause: 'missing' }
}

/** Rows that would have been since the last one: 1 without a gap, and where times are missing or go back. */
function stepsSince(detector: DriftDetector, second: number): number {
  const passed = second - detector.lastSecond
  if (Number.isFinite(second)) detector.lastSecond = second
  if (!(passed > 0)) return 1
  const step = detector.stepSeconds
  // A running median: it follows a changed step in some hundred rows, and no single gap moves it.
  if (step === 0) detector.stepSeconds = passed
  else if (passed !== step) detector.stepSeconds *= passed > step ? 1.01 : 1 / 1.01
  return step === 0 ? 1 : Math.max(1, Math.min(1_000, Math.round(passed / step)))
}
