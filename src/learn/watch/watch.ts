/**
 * A whole fleet watched for drift: windows of many workloads come in with one call, and for each is kept how expected it
 * was, metric by metric (Kalman: level, slope, time of day), and whether the way all metrics go together was ever seen
 * before (hidden Markov regimes). Everything stands in columns, a row per workload; an object is made for whom somebody
 * asks. Unlike the detector of one series (`drift/`, 20 kB of state) a workload takes 2 kB and less than a microsecond a window.
 */
import type { Drift, DriftCause, DriftSeries } from '../../model/drift.ts'
import { WINDOW_MS, type Window } from '../../model/window.ts'
import {
  type Batch,
  createKalmanBank,
  type Expected,
  forgetKalman,
  growKalman,
  type KalmanBank,
  type KalmanModel,
  stepKalman,
} from './kalman-bank.ts'
import { amountOf, METRICS, readMetrics } from './metrics.ts'
import { CHUNK } from './pairs.ts'
import {
  createRegimeBank,
  forgetRegimes,
  growRegimes,
  type RegimeBank,
  type RegimeModel,
  type Regimes,
  stepRegimes,
} from './regime-bank.ts'
import { tailOf } from './tail-of.ts'
import { createTrack, forgetTrack, keepTrack, TRACK_WINDOWS, type Track, trackOf } from './track.ts'

/** Steps are windows of 30 s: a level that follows within some 15 minutes, a day's wave, noise of some four hours. */
export const KALMAN: KalmanModel = {
  damping: 0.98,
  period: 86_400_000 / WINDOW_MS,
  level: 1e-3,
  slope: 1e-6,
  wave: 1e-6,
  slopePrior: 1e-4,
  wavePrior: 0.1,
  memory: 500,
  clip: 4,
  warm: 20,
  // Readings are logs: an eighth more or less is no news of any metric.
  leastNoise: 0.12 ** 2,
}
/** A regime is strange for a tenth of what the workload has lived, two hours at most. */
export const REGIME: RegimeModel = {
  stay: 0.95,
  temper: 0.5,
  clip: 36,
  reach: 5,
  memory: 500,
  prior: 1,
  least: 0.15 ** 2,
  familiar: { share: 0.1, least: 3, most: 240 },
}
const WIDTH = METRICS.length
const FIRST_ROWS = 64
/** Windows before anything is surprising. */
const WARM_WINDOWS = 20
/** From so many on a regime can be strange: the fewest that make one familiar are a tenth of them. */
const WARM_UP = REGIME.familiar.least / REGIME.familiar.share
/** Of the law in `tail-of.ts` 99 % are within so many spreads. */
const BAND_SPREADS = 3.3
const NO_METRIC = 255
/** More likely than not it is something that it has not lived in. */
const STRANGE = 0.5
/** Steps of a gap, at most: a month, after which nothing of the level is left to tell. */
const LONGEST_GAP = 86_400

/** Windows that may be missing of a departure that goes on: one. */
const LONGEST_LASTING_GAP = 2

/** By row. */
type Told = {
  at: Float64Array
  score: Float64Array
  since: Float64Array
  lasted: Float64Array
  /** Probability of the least expected metric, times how many there were. */
  tail: Float64Array
  holds: Uint8Array
  /** Least expected metric (255: none), what it read, what was expected, how far off is usual. */
  metric: Uint8Array
  seen: Float64Array
  expected: Float64Array
  spread: Float64Array
  causeAt: Float64Array
}

export type Watch = {
  readonly kalman: KalmanBank
  readonly regimes: RegimeBank
  readonly track: Track
  told: Told
  rows: number
  room: number
  /** Rows of workloads that are over: the next ones take them. */
  readonly free: number[]
  /** What one part of a batch hands on. */
  readonly expected: Expected
  readonly held: Regimes
}

const tellNobody = (rows: number): Told => ({
  at: new Float64Array(rows),
  score: new Float64Array(rows),
  since: new Float64Array(rows).fill(Number.NaN),
  lasted: new Float64Array(rows),
  tail: new Float64Array(rows).fill(1),
  holds: new Uint8Array(rows),
  metric: new Uint8Array(rows).fill(NO_METRIC),
  seen: new Float64Array(rows),
  expected: new Float64Array(rows),
  spread: new Float64Array(rows),
  causeAt: new Float64Array(rows),
})

export const createWatch = (): Watch => ({
  kalman: createKalmanBank(WIDTH, FIRST_ROWS, KALMAN),
  regimes: createRegimeBank(WIDTH, FIRST_ROWS, REGIME),
  track: createTrack(WIDTH),
  told: tellNobody(FIRST_ROWS),
  rows: 0,
  room: FIRST_ROWS,
  free: [],
  expected: { value: new Float64Array(CHUNK * WIDTH), spread: new Float64Array(CHUNK * WIDTH) },
  held: { holds: new Uint8Array(CHUNK), fresh: new Float64Array(CHUNK) },
})

/** A row for one more workload. */
export function addRow(watch: Watch): number {
  const freed = watch.free.pop()
  if (freed !== undefined) return freed
  if (watch.rows === watch.room) grow(watch, 2 * watch.room)
  return watch.rows++
}

/** Its workload is over. Whoever takes it next is as one that never was: no level, no regime, no hour before. */
export function freeRow(watch: Watch, row: number): void {
  forgetRow(watch, row)
  forgetTrack(watch.track, row)
  watch.told.at[row] = 0
  watch.free.push(row)
}

function grow(watch: Watch, room: number): void {
  growKalman(watch.kalman, room)
  growRegimes(watch.regimes, room)
  const told = tellNobody(room)
  for (const [name, column] of Object.entries(watch.told)) told[name as keyof Told].set(column)
  watch.told = told
  watch.room = room
}

/** What is usual of it is learnt anew: it has another role, or is seen by other eyes. */
export function forgetRow(watch: Watch, row: number): void {
  forgetKalman(watch.kalman, row)
  forgetRegimes(watch.regimes, row)
  const { told } = watch
  told.score[row] = 0
  told.since[row] = Number.NaN
  told.lasted[row] = 0
  told.tail[row] = 1
  told.holds[row] = 0
  told.metric[row] = NO_METRIC
}

/** `rate`: how much is learnt of it (`learningRate`), all of it unless told. */
type Seen = { readonly row: number; readonly window: Window; readonly rate?: number }

/** Takes in windows that are whole; of one row several may come, in the order of time. */
export function watchWindows(watch: Watch, seen: readonly Seen[]): void {
  const batch = createBatch(seen.length)
  const at = new Float64Array(seen.length)
  for (const [i, { row, window, rate = 1 }] of seen.entries()) {
    batch.rows[i] = row
    batch.rates[i] = rate
    at[i] = window.start + window.spanMs
    readMetrics(window, batch.readings, i * WIDTH)
  }
  stepWatch(watch, batch, at)
}

export const createBatch = (count: number): Batch => ({
  count,
  rows: new Int32Array(count),
  steps: new Int32Array(count),
  rates: new Float64Array(count).fill(1),
  readings: new Float64Array(count * WIDTH),
})

/** One tick (it fills in `steps` itself): baseline, innovation, tail probability, regime, for every row of the batch. `at`: epoch ms of each. */
export function stepWatch(watch: Watch, batch: Batch, at: Float64Array): void {
  for (let from = 0; from < batch.count; from += CHUNK) {
    const to = Math.min(from + CHUNK, batch.count)
    stepPart(watch, partOf(batch, from, to), at.subarray(from, to))
  }
}

const partOf = ({ rows, steps, rates, readings }: Batch, from: number, to: number): Batch => ({
  count: to - from,
  rows: rows.subarray(from, to),
  steps: steps.subarray(from, to),
  rates: rates.subarray(from, to),
  readings: readings.subarray(from * WIDTH, to * WIDTH),
})

function stepPart(watch: Watch, batch: Batch, at: Float64Array): void {
  const { count, rows } = batch
  const { told, expected, held } = watch
  for (let i = 0; i < count; i++) {
    const last = told.at[rows[i]!]!
    const passed = Math.round((at[i]! - last) / WINDOW_MS)
    batch.steps[i] = last === 0 ? 1 : Math.max(1, Math.min(LONGEST_GAP, passed))
    told.at[rows[i]!] = at[i]!
  }
  stepKalman(watch.kalman, batch, expected)
  stepRegimes(watch.regimes, batch, held)
  tell(watch, batch, at)
  keepTrack(watch.track, batch, at, expected, held, watch.regimes.taken, WARM_WINDOWS)
}

/** Columns are taken out of their table once: for each row anew costs as much as what is done with them. */
function tell({ told, regimes, expected: { value, spread }, held }: Watch, batch: Batch, at: Float64Array): void {
  const { count, rows, readings, steps } = batch
  const { taken } = regimes
  const { holds, fresh } = held
  const { score, since, lasted, tail, metric, causeAt, seen } = told
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const from = i * WIDTH
    let worst = NO_METRIC
    let most = 0
    let judged = 0
    for (let m = 0, r = from; m < WIDTH; m++, r++) {
      const off = Math.abs(readings[r]! - value[r]!)
      if (off >= 0) judged++
      if (off > most * spread[r]!) {
        most = off / spread[r]!
        worst = m
      }
    }
    const isWarm = judged > 0 && taken[row]! > WARM_WINDOWS
    tail[row] = isWarm ? judged * tailOf(most) : 1
    told.holds[row] = holds[i]!
    const strange = fresh[i]!
    const wasStrange = score[row]! >= STRANGE
    score[row] = strange
    if (strange < STRANGE) {
      since[row] = Number.NaN
      lasted[row] = 0
    } else {
      if (!wasStrange) since[row] = at[i]!
      // A window that nobody looked at says neither that it goes on nor that it is over.
      if (steps[i]! > LONGEST_LASTING_GAP) lasted[row] = 0
      if (judged > 0) lasted[row] = lasted[row]! + 1
    }
    // While a strange regime holds, the cause is what began it: what is expected follows it soon.
    if (!isWarm || (strange >= STRANGE && wasStrange)) continue
    metric[row] = worst
    causeAt[row] = at[i]!
    seen[row] = readings[from + worst]!
    told.expected[row] = value[from + worst]!
    told.spread[row] = spread[from + worst]!
  }
}

/** What is known of a row; null before its first window. */
export function driftOf({ told, regimes }: Watch, row: number): Drift | null {
  const at = told.at[row]!
  if (at === 0) return null
  const since = told.since[row]!
  return {
    at,
    score: told.score[row]!,
    since: Number.isNaN(since) ? null : since,
    lasted: told.lasted[row]!,
    surprise: Math.max(0, -Math.log10(told.tail[row]!)),
    windows: regimes.taken[row]!,
    regimes: regimes.known[row]!,
    regime: told.holds[row]!,
    cause: causeOf(told, row),
  }
}

function causeOf(told: Told, row: number): DriftCause | null {
  const metric = METRICS[told.metric[row]!]
  if (metric === undefined) return null
  const reach = BAND_SPREADS * told.spread[row]!
  const seen = amountOf(metric, told.seen[row]!)
  const low = amountOf(metric, told.expected[row]! - reach)
  const high = amountOf(metric, told.expected[row]! + reach)
  const side = seen > high ? 'above' : seen < low ? 'below' : 'within'
  return { at: told.causeAt[row]!, metric: metric.name, unit: metric.unit, seen, low, high, side }
}

/** The last hour of a row, window by window; null before its first one, and where the watch has no room for it. */
export function seriesOf({ told, track }: Watch, row: number): DriftSeries | null {
  const kept = told.at[row] === 0 ? null : trackOf(track, row, told.at[row]!)
  if (kept === null) return null
  return {
    everyMs: WINDOW_MS,
    keptMs: TRACK_WINDOWS * WINDOW_MS,
    warmUp: WARM_UP,
    at: kept.map(({ at }) => at),
    score: kept.map(({ score }) => Number(score.toFixed(2))),
    regime: kept.map(({ regime }) => regime),
    metrics: METRICS.map((metric, m) => {
      const each = (of: (reading: number, expected: number, spread: number) => number) =>
        kept.map(({ readings }) => {
          const reading = Math.max(0, of(...readings[m]!))
          return Number.isNaN(reading) ? null : Number(amountOf(metric, reading).toPrecision(4))
        })
      return {
        name: metric.name,
        unit: metric.unit,
        value: each((reading) => reading),
        low: each((_, expected, spread) => expected - BAND_SPREADS * spread),
        high: each((_, expected, spread) => expected + BAND_SPREADS * spread),
      }
    }),
  }
}
