/**
 * Many Kalman filters in one array: readings of many series come in, what each was expected to be goes out, one call for
 * all. A series has four states: level, damped slope, and a day's wave as a turning pair (Harvey 1989, §2.3). Variances
 * are in units of the series' own noise, which is estimated beside them (Harvey's concentrated form, §3.4.5), so one
 * model fits every metric. A reading that is missing widens the band; one that is far off moves the level by a bounded step.
 */

export type KalmanModel = {
  /** What is left of the slope after a step, below 1. */
  readonly damping: number
  /** Steps of the wave. */
  readonly period: number
  /** Variance that each step adds, in units of the noise. */
  readonly level: number
  readonly slope: number
  readonly wave: number
  /** Variance of slope and wave before anything was seen, in the same units. */
  readonly slopePrior: number
  readonly wavePrior: number
  /** Readings that the noise looks back. */
  readonly memory: number
  /** A reading counts as at most so many spreads off, once there are `warm` of them. */
  readonly clip: number
  readonly warm: number
  /** Variance of the noise, at least: a constant series has none of its own. */
  readonly leastNoise: number
}

/** One filter's numbers lie side by side: 4 states, 10 variances (upper triangle by rows), noise, readings taken. */
const CELL = 16
const NOISE = 14
const TAKEN = 15

export type KalmanBank = {
  readonly model: KalmanModel
  /** Series of one row. */
  readonly width: number
  /** rows × width × CELL */
  cells: Float64Array
}

/**
 * Of `count` rows: which, how many steps since each was last told (1: no gap), how much is learnt of its readings (1: all,
 * 0: nothing), and count × width readings, NaN = not known.
 */
export type Batch = {
  count: number
  readonly rows: Int32Array
  readonly steps: Int32Array
  readonly rates: Float64Array
  readonly readings: Float64Array
}

/** By reading: what was expected before it came, and how far off is usual; NaN where nothing is known yet. */
export type Expected = { readonly value: Float64Array; readonly spread: Float64Array }

export const createKalmanBank = (width: number, rows: number, model: KalmanModel): KalmanBank => ({
  model,
  width,
  cells: new Float64Array(rows * width * CELL),
})

/** Room for more rows; those that are there keep what they know. */
export function growKalman(bank: KalmanBank, rows: number): void {
  const cells = new Float64Array(rows * bank.width * CELL)
  cells.set(bank.cells)
  bank.cells = cells
}

/** A row of which nothing was ever told. */
export function forgetKalman({ cells, width }: KalmanBank, row: number): void {
  cells.fill(0, row * width * CELL, (row + 1) * width * CELL)
}

/** So many steps at once: how far the slope carries, what is left of it, the turn of the wave, and the variance added. */
type Ahead = {
  readonly steps: number
  readonly carry: number
  readonly left: number
  readonly cos: number
  readonly sin: number
  /** Their products, and that of `left`. */
  readonly cos2: number
  readonly sin2: number
  readonly cosSin: number
  readonly left2: number
  readonly level: number
  readonly both: number
  readonly slope: number
  readonly wave: number
}

/** Exact for any number of steps: sums of powers of the damping have a closed form, and turning a circle leaves it one. */
function aheadOf({ damping, period, level, slope, wave }: KalmanModel, steps: number): Ahead {
  const reach = damping / (1 - damping)
  const left = damping ** steps
  const ones = (1 - left) / (1 - damping)
  const twos = (1 - left * left) / (1 - damping * damping)
  const turn = (2 * Math.PI * steps) / period
  const cos = Math.cos(turn)
  const sin = Math.sin(turn)
  return {
    steps,
    carry: reach * (1 - left),
    left,
    cos,
    sin,
    cos2: cos * cos,
    sin2: sin * sin,
    cosSin: cos * sin,
    left2: left * left,
    level: steps * level + slope * reach * reach * (steps - 2 * ones + twos),
    both: slope * reach * (ones - twos),
    slope: slope * twos,
    wave: steps * wave,
  }
}

/** The first reading is the level, as sure as one reading is. */
function begin(cells: Float64Array, at: number, value: number, { slopePrior, wavePrior }: KalmanModel): void {
  cells.fill(0, at, at + CELL)
  cells[at] = value
  cells[at + 4] = 1
  cells[at + 8] = slopePrior
  cells[at + 11] = wavePrior
  cells[at + 13] = wavePrior
  cells[at + TAKEN] = 1
}

/**
 * Predicts each series of the batch, says what was expected, and takes the readings in: x = F·x and P = F·P·Fᵀ + Q, then
 * x += K·ν and P −= K·f·Kᵀ, written out and in one piece. So the sixteen numbers of a filter are read and written once, which
 * halves its time, columns are taken out once for all rows, and a processor can begin the next one before it is done.
 */
export function stepKalman({ cells, width, model }: KalmanBank, batch: Batch, out: Expected): void {
  const { count, rows, steps, rates, readings } = batch
  const { value: values, spread: spreads } = out
  const { warm, clip, memory, leastNoise } = model
  const wildest = clip * clip
  let ahead = aheadOf(model, 1)
  for (let i = 0; i < count; i++) {
    if (steps[i] !== ahead.steps) ahead = aheadOf(model, steps[i]!)
    const { carry, left, cos, sin, cos2, sin2, cosSin, left2 } = ahead
    const end = (i + 1) * width
    const rate = rates[i]!
    // A reading half as sure has twice the noise: then it moves the states less, and leaves them less sure.
    const noise = 1 / rate
    const slowest = rate / memory
    for (let r = i * width, at = rows[i]! * width * CELL; r < end; r++, at += CELL) {
      const value = readings[r]!
      if (cells[at + TAKEN] === 0) {
        values[r] = Number.NaN
        spreads[r] = Number.NaN
        if (isTold(value) && rate > 0) begin(cells, at, value, model)
        continue
      }
      const slope = cells[at + 1]!
      const cosine = cells[at + 2]!
      const sine = cells[at + 3]!
      const p11 = cells[at + 8]!
      const lean = cells[at + 5]! + carry * p11
      const p12 = cells[at + 9]!
      const p13 = cells[at + 10]!
      const p02 = cells[at + 6]! + carry * p12
      const p03 = cells[at + 7]! + carry * p13
      const p22 = cells[at + 11]!
      const p23 = cells[at + 12]!
      const p33 = cells[at + 13]!
      const turned = cos2 * p22 + 2 * cosSin * p23 + sin2 * p33
      const q00 = cells[at + 4]! + carry * (cells[at + 5]! + lean) + ahead.level
      const q01 = left * lean + ahead.both
      const q02 = cos * p02 + sin * p03
      const q03 = cos * p03 - sin * p02
      const q12 = left * (cos * p12 + sin * p13)
      const q13 = left * (cos * p13 - sin * p12)
      const q22 = turned + ahead.wave
      const q23 = cosSin * (p33 - p22) + (cos2 - sin2) * p23
      const m0 = q00 + q02
      const m1 = q01 + q12
      const m2 = q02 + q22
      const m3 = q03 + q23
      const f = m0 + m2 + 1
      const expected = cells[at]! + carry * slope + cos * cosine + sin * sine
      const before = cells[at + NOISE]!
      const variance = f * Math.max(before, leastNoise)
      const spread = Math.sqrt(variance)
      values[r] = expected
      spreads[r] = spread
      // Without a reading nothing is taken back of what the step added.
      let sure = 0
      let share = 0
      if (isTold(value) && rate > 0) {
        sure = 1 / (f - 1 + noise)
        const off = value - expected
        const taken = cells[at + TAKEN]!
        // Squares are compared, so that what follows need not wait for the root.
        const isWild = off * off > wildest * variance && taken >= warm
        const bounded = !isWild ? off : off > 0 ? clip * spread : -clip * spread
        // The noise follows ν²/f, `rate` as fast as it may.
        const gain = taken < memory ? rate / taken : slowest
        cells[at + NOISE] = before + ((bounded * bounded) / f - before) * gain
        cells[at + TAKEN] = taken + 1
        share = sure * bounded
      }
      cells[at] = cells[at]! + carry * slope + m0 * share
      cells[at + 1] = left * slope + m1 * share
      cells[at + 2] = cos * cosine + sin * sine + m2 * share
      cells[at + 3] = cos * sine - sin * cosine + m3 * share
      cells[at + 4] = q00 - m0 * sure * m0
      cells[at + 5] = q01 - m0 * sure * m1
      cells[at + 6] = q02 - m0 * sure * m2
      cells[at + 7] = q03 - m0 * sure * m3
      cells[at + 8] = left2 * p11 + ahead.slope - m1 * sure * m1
      cells[at + 9] = q12 - m1 * sure * m2
      cells[at + 10] = q13 - m1 * sure * m3
      cells[at + 11] = q22 - m2 * sure * m2
      cells[at + 12] = q23 - m2 * sure * m3
      cells[at + 13] = p22 + p33 - turned + ahead.wave - m3 * sure * m3
    }
  }
}

const isTold = (value: number): boolean => !Number.isNaN(value)
