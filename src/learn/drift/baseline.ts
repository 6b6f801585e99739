/**
 * What a series is expected to be: a level, a short mean, and the time of day where the step allows one. A row comes in;
 * its signed deviations, each in its own spread, go out. A local-level Kalman filter at its steady gain is what each mean
 * here is; early rows weigh more, so that it is of use from the first minutes (Harvey 1989, §4.3).
 */
import { CLIP, MEMORY_ROWS, SEASON, SHORT_ROWS } from './constants.ts'

export type Baseline = {
  level: number
  levelSpread: number
  short: number
  /** The short mean's own short mean: what it was a while ago. */
  earlier: number
  stepSpread: number
  /** Mean of each slot of the day, NaN until seen. */
  readonly slots: Float64Array
  seasonSpread: number
  seasonShort: number
  seasonShortSpread: number
}

export type Deviations = { level: number; step: number; season: number; expected: number; spread: number; away: number }

export const createBaseline = (): Baseline => ({
  level: 0,
  levelSpread: 0,
  short: 0,
  earlier: 0,
  stepSpread: 0,
  slots: new Float64Array(SEASON.slots).fill(Number.NaN),
  seasonSpread: 0,
  seasonShort: 0,
  seasonShortSpread: 0,
})

const clip = (value: number, most: number): number => Math.max(-most, Math.min(most, value))
const inSpreads = (off: number, spread: number): number => (spread > 0 ? off / spread : 0)

/** Writes the deviations of this row into `out` and takes the row in. */
export function deviate(
  base: Baseline,
  out: Deviations,
  x: number,
  row: number,
  second: number,
  step: number,
  steps: number,
): void {
  if (row === 0) base.level = base.short = base.earlier = x
  const gain = Math.max(1 / MEMORY_ROWS.level, 1 / (row + 1))
  out.expected = base.level
  out.spread = base.levelSpread
  const off = x - base.level
  out.level = inSpreads(off, base.levelSpread)
  const bound = row > 50 ? CLIP.level * base.levelSpread : Number.POSITIVE_INFINITY
  base.level += gain * clip(off, bound)
  base.levelSpread += gain * (Math.min(Math.abs(off), bound) - base.levelSpread)
  if (base.levelSpread <= 0) base.levelSpread = Math.abs(off)

  const shortGain = steps === 1 ? 1 / SHORT_ROWS : 1 - (1 - 1 / SHORT_ROWS) ** steps
  base.short += shortGain * (x - base.short)
  base.earlier += shortGain * (base.short - base.earlier)
  out.away = inSpreads(Math.abs(base.short - base.level), base.levelSpread)
  const moved = base.short - base.earlier
  out.step = inSpreads(moved, base.stepSpread)
  base.stepSpread += gain * (Math.abs(moved) - base.stepSpread)
  seasonal(base, out, x, row, second, step, shortGain)
}

function seasonal(
  base: Baseline,
  out: Deviations,
  x: number,
  row: number,
  second: number,
  step: number,
  shortGain: number,
): void {
  out.season = 0
  // A row without a time has no place in the day.
  if (!(Number.isFinite(second) && step > 0 && step <= SEASON.longestStepSeconds)) return
  const slots = Math.min(SEASON.slots, Math.round(SEASON.daySeconds / step))
  const ofDay = ((second % SEASON.daySeconds) + SEASON.daySeconds) % SEASON.daySeconds
  const slot = Math.min(slots - 1, Math.floor((ofDay / SEASON.daySeconds) * slots))
  const usual = base.slots[slot]!
  if (Number.isNaN(usual)) {
    base.slots[slot] = x
    return
  }
  const off = x - usual
  const gain = Math.max(1 / MEMORY_ROWS.season, 1 / (row + 1))
  base.seasonSpread += gain * (Math.abs(off) - base.seasonSpread)
  base.slots[slot] = usual + SEASON.gain * clip(off, CLIP.season * base.seasonSpread)
  base.seasonShort += shortGain * (off - base.seasonShort)
  out.season = inSpreads(base.seasonShort, base.seasonShortSpread)
  if (row * step > 2 * SEASON.daySeconds)
    out.away = Math.min(out.away, inSpreads(Math.abs(base.seasonShort), base.seasonSpread))
  base.seasonShortSpread += gain * (Math.abs(base.seasonShort) - base.seasonShortSpread)
  if (base.seasonSpread < out.spread) {
    out.expected = usual
    out.spread = base.seasonSpread
  }
}
