/**
 * Many Kalman filters in one array: readings of many series come in, what each was expected to be goes out, one call for
 * all. A series has four states: level, damped slope, and a day's wave as a turning pair (Harvey 1989, §2.3). Variances
 * are in units of the series' own noise, which is estimated beside them (Harvey's concentrated form, §3.4.5), so one
 * model fits every metric. A reading that is missing widens the band; one that is far off moves the level by a bounded step.
 */
import { CELL, COMMON, type Common, layoutOf, startFilters, TAKEN } from './kalman-step.ts'
import { CHUNK, copyRows, type Machine, makeRoom } from './pairs.ts'

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

export type KalmanBank = {
  readonly model: KalmanModel
  /** Series of one row. */
  readonly width: number
  readonly machine: Machine<'step'>
  readonly layout: ReturnType<typeof layoutOf>
  /** All that the machine has, as `layout` says. */
  numbers: Float64Array
  /** By row: series that had a reading. */
  begun: Uint8Array
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

const BYTES = Float64Array.BYTES_PER_ELEMENT

export function createKalmanBank(width: number, rows: number, model: KalmanModel): KalmanBank {
  const [machine, layout] = [startFilters(width), layoutOf(width)]
  const bank = { model, width, machine, layout, numbers: new Float64Array(0), begun: new Uint8Array(0) }
  growKalman(bank, rows)
  // Of a row of an odd width the last has nobody beside it, ever.
  bank.numbers.fill(Number.NaN, layout.readings, layout.expected)
  return bank
}

/** Room for more rows; those that are there keep what they know. */
export function growKalman(bank: KalmanBank, rows: number): void {
  bank.numbers = makeRoom(bank.machine, placeOf(bank, rows))
  const begun = new Uint8Array(rows)
  begun.set(bank.begun)
  bank.begun = begun
}

/** A row of which nothing was ever told. */
export function forgetKalman(bank: KalmanBank, row: number): void {
  bank.numbers.fill(0, placeOf(bank, row), placeOf(bank, row + 1))
  bank.begun[row] = 0
}

const placeOf = ({ layout }: KalmanBank, row: number): number => layout.cells + row * layout.even * CELL

/**
 * So many steps at once, exact for any number: sums of powers of the damping have a closed form, and turning a circle leaves
 * it one. A reading of which half is learnt has twice the noise: then it moves the states less, and leaves them less sure.
 */
function commonOf(model: KalmanModel, steps: number, rate: number): Common {
  const { damping, period, level, slope, wave, memory } = model
  const reach = damping / (1 - damping)
  const left = damping ** steps
  const ones = (1 - left) / (1 - damping)
  const twos = (1 - left * left) / (1 - damping * damping)
  const turn = (2 * Math.PI * steps) / period
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  return {
    ...model,
    carry: reach * (1 - left),
    left,
    cos,
    sin,
    cos2: cos * cos,
    sin2: sin * sin,
    cosSin: cos * sin,
    twiceCosSin: 2 * cos * sin,
    cosSquares: cos * cos - sin * sin,
    left2: left * left,
    level: steps * level + slope * reach * reach * (steps - 2 * ones + twos),
    both: slope * reach * (ones - twos),
    slope: slope * twos,
    wave: steps * wave,
    rate,
    noise: 1 / rate,
    slowest: rate / memory,
  }
}

/** Predicts each series of the batch, says what was expected, and takes the readings in. */
export function stepKalman(bank: KalmanBank, batch: Batch, out: Expected): void {
  const { width, machine, numbers, layout, begun } = bank
  const { rows, steps, rates } = batch
  const { even, cells } = layout
  let told = { steps: 0, rate: 0 }
  for (let from = 0; from < batch.count; from += CHUNK) {
    const count = Math.min(CHUNK, batch.count - from)
    copyRows(count, width, batch.readings, from * width, width, numbers, layout.readings, even)
    for (let i = 0; i < count; i++) {
      const rate = rates[from + i]!
      if (steps[from + i] !== told.steps || rate !== told.rate) {
        told = { steps: steps[from + i]!, rate }
        tellCommon(bank, told.steps, rate)
      }
      const inChunk = i * even
      // What nothing is learnt of is as good as missing.
      if (!(rate > 0)) numbers.fill(Number.NaN, layout.readings + inChunk, layout.readings + inChunk + even)
      const row = rows[from + i]!
      const at = cells + row * even * CELL
      const begins = begun[row]! < width ? beginning(bank, at, inChunk) : NOBODY
      machine.step(at * BYTES, inChunk * BYTES, 0)
      if (begins.length > 0) begin(bank, row, at, inChunk, begins)
    }
    copyRows(count, width, numbers, layout.expected, even, out.value, from * width, width)
    copyRows(count, width, numbers, layout.spreads, even, out.spread, from * width, width)
  }
}

function tellCommon({ model, numbers, layout }: KalmanBank, steps: number, rate: number): void {
  const common = commonOf(model, steps, rate)
  let at = layout.common
  for (const name of COMMON) {
    numbers[at++] = common[name]
    numbers[at++] = common[name]
  }
}

const NOBODY: readonly number[] = []

/** Series of a row that have their first reading now. */
function beginning({ numbers, layout, width }: KalmanBank, at: number, inChunk: number): readonly number[] {
  const [taken, reading] = [at + TAKEN * layout.even, layout.readings + inChunk]
  let some = NOBODY
  for (let m = 0; m < width; m++)
    if (numbers[taken + m] === 0 && !Number.isNaN(numbers[reading + m])) some = [...some, m]
  return some
}

/** The first reading is the level, as sure as one reading is. */
function begin(
  { numbers, layout, model, begun }: KalmanBank,
  row: number,
  at: number,
  inChunk: number,
  series: readonly number[],
): void {
  const { even, readings } = layout
  const { slopePrior, wavePrior } = model
  for (const m of series) {
    const first = [
      numbers[readings + inChunk + m]!,
      0,
      0,
      0,
      1,
      0,
      0,
      0,
      slopePrior,
      0,
      0,
      wavePrior,
      0,
      wavePrior,
      0,
      1,
    ]
    for (const [k, value] of first.entries()) numbers[at + k * even + m] = value
  }
  begun[row]! += series.length
}
