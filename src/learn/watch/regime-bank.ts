/**
 * Many hidden Markov models in a few arrays, one for each row: vectors of readings come in, the regime each row is in goes
 * out. A regime is a way in which all metrics of a row go together (idle, working, a nightly copy); which one holds is
 * hidden, persists, and is filtered forward. A vector far from every regime opens one; the one least lived in gives way.
 * Centres and spreads are learned online by the regime that holds (hard assignment: classification EM, Celeux & Govaert 1992).
 */
import type { Batch } from './kalman-bank.ts'
import { CHUNK, copyRows, makeRoom } from './pairs.ts'
import { layoutOf, REGIMES, type RegimeMachine, startRegimes } from './regime-step.ts'

export type RegimeModel = {
  /** A regime holds on with this probability from one step to the next. */
  readonly stay: number
  /** Power of a vector's likelihood: metrics go together, so eight of them do not say eight times as much. */
  readonly temper: number
  /** A reading moves a variance as one that is at most so many variances off, squared. */
  readonly clip: number
  /** A vector so many standard deviations beyond the usual distance from every centre opens a regime. */
  readonly reach: number
  /** Steps that centres and spreads look back, and variance that a metric has before it is known, and at least. */
  readonly memory: number
  readonly prior: number
  readonly least: number
  /** A regime is familiar after this share of a row's steps, and after so many at least and at most. */
  readonly familiar: { readonly share: number; readonly least: number; readonly most: number }
}

export type RegimeBank = {
  readonly model: RegimeModel
  readonly width: number
  readonly machine: RegimeMachine
  readonly layout: ReturnType<typeof layoutOf>
  /** All that the machine has, as `layout` says: of each row the centres of its regimes, and the variances within one. */
  numbers: Float64Array
  /** By row: metrics that had a reading. */
  seen: Uint8Array
  /** rows × REGIMES: belief, and steps lived in it */
  belief: Float64Array
  lived: Float64Array
  /** Steps by row, and regimes that are known. */
  taken: Float64Array
  known: Uint8Array
}

/** By row of the batch. */
export type Regimes = {
  /** The regime most believed in. */
  readonly holds: Uint8Array
  /** Belief in regimes that are not familiar yet, 0–1. */
  readonly fresh: Float64Array
}

export function createRegimeBank(width: number, rows: number, model: RegimeModel): RegimeBank {
  const [machine, layout] = [startRegimes(width), layoutOf(width)]
  const numbers = makeRoom(machine, layout.rows + rows * layout.row)
  // Of a row of an odd width the last has nobody beside it, ever.
  numbers.fill(Number.NaN, layout.readings, layout.far)
  numbers.fill(model.least, layout.least, layout.least + 2)
  numbers.fill(model.clip, layout.clip, layout.clip + 2)
  return { model, width, machine, layout, numbers, ...columnsOf(rows) }
}

const columnsOf = (rows: number) => ({
  seen: new Uint8Array(rows),
  belief: new Float64Array(rows * REGIMES),
  lived: new Float64Array(rows * REGIMES),
  taken: new Float64Array(rows),
  known: new Uint8Array(rows),
})

/** Room for more rows; those that are there keep what they know. */
export function growRegimes(bank: RegimeBank, rows: number): void {
  bank.numbers = makeRoom(bank.machine, bank.layout.rows + rows * bank.layout.row)
  for (const [name, column] of Object.entries(columnsOf(rows))) {
    column.set(bank[name as keyof ReturnType<typeof columnsOf>])
    Object.assign(bank, { [name]: column })
  }
}

/** A row of which nothing was ever told. */
export function forgetRegimes({ numbers, layout, seen, belief, lived, taken, known }: RegimeBank, row: number): void {
  numbers.fill(0, layout.rows + row * layout.row, layout.rows + (row + 1) * layout.row)
  belief.fill(0, row * REGIMES, (row + 1) * REGIMES)
  lived.fill(0, row * REGIMES, (row + 1) * REGIMES)
  seen[row] = 0
  taken[row] = 0
  known[row] = 0
}

const BYTES = Float64Array.BYTES_PER_ELEMENT

/**
 * One forward step of each row of the batch. Columns are taken out of the bank once: for each row anew costs as much as
 * what is done with them.
 */
export function stepRegimes(bank: RegimeBank, batch: Batch, out: Regimes): void {
  const { width, model, machine, layout, numbers, seen, known, belief, lived, taken } = bank
  const { rows, steps, rates } = batch
  const { even } = layout
  const { memory } = model
  const { holds, fresh } = out
  for (let first = 0; first < batch.count; first += CHUNK) {
    const count = Math.min(CHUNK, batch.count - first)
    copyRows(count, width, batch.readings, first * width, width, numbers, layout.readings, even)
    for (let i = first; i < first + count; i++) {
      const row = rows[i]!
      const base = row * REGIMES
      const at = layout.rows + row * layout.row
      const from = layout.readings + (i - first) * even
      if (seen[row]! < width) firstReadings(bank, row, at, from)
      machine.distances(at * BYTES, from * BYTES, 0)
      const present = numbers[layout.present]!
      let nearest = nearestOf(numbers, layout.far, known[row]!)
      if (present > 0 && nearest > present + model.reach * Math.sqrt(2 * present)) {
        numbers[layout.far + open(bank, row, at, from)] = 0
        nearest = 0
      }
      if (known[row] === 0) {
        holds[i] = 0
        fresh[i] = 0
        continue
      }
      const stay = steps[i] === 1 ? model.stay : model.stay ** steps[i]!
      const held = filter(belief, base, known[row]!, numbers, layout.far, nearest, stay, model.temper)
      holds[i] = held
      const rate = rates[i]!
      if (present > 0 && rate > 0) {
        const gain = rate * Math.max(1 / (lived[base + held]! + 1), 1 / memory)
        const widen = rate * Math.max(1 / (taken[row]! + 4), 1 / memory)
        numbers[layout.gain] = gain
        numbers[layout.gain + 1] = gain
        numbers[layout.widen] = widen
        numbers[layout.widen + 1] = widen
        machine.learn((at + layout.variances) * BYTES, from * BYTES, (at + held * even) * BYTES)
        taken[row]!++
        // What was lived under suspicion does not become familiar as soon, or ever.
        lived[base + held]! += rate
      }
      fresh[i] = freshOf(belief, lived, base, known[row]!, taken[row]!, model)
    }
  }
}

function nearestOf(numbers: Float64Array, far: number, known: number): number {
  let nearest = Number.POSITIVE_INFINITY
  for (let k = 0; k < known; k++) if (numbers[far + k]! < nearest) nearest = numbers[far + k]!
  return nearest
}

/** A metric that comes later than others is the same in every regime, until it differs. */
function firstReadings(
  { width, numbers, layout: { even, variances }, seen, model }: RegimeBank,
  row: number,
  at: number,
  from: number,
): void {
  for (let m = 0; m < width; m++) {
    const value = numbers[from + m]!
    if (Number.isNaN(value) || numbers[at + variances + m] !== 0) continue
    numbers[at + variances + m] = model.prior
    for (let k = 0; k < REGIMES; k++) numbers[at + k * even + m] = value
    seen[row]!++
  }
}

/** A regime of its own for this vector, in an empty place or that of the one least lived in. */
function open(bank: RegimeBank, row: number, at: number, from: number): number {
  const { width, numbers, layout, belief, lived, known } = bank
  const base = row * REGIMES
  let place = known[row]!
  if (place < REGIMES) known[row] = place + 1
  else {
    place = 0
    for (let k = 1; k < REGIMES; k++) if (lived[base + k]! < lived[base + place]!) place = k
  }
  const before = mostBelieved(bank, row)
  belief[base + place] = 0
  lived[base + place] = 0
  for (let m = 0; m < width; m++) {
    const value = numbers[from + m]!
    // What was not told of this one is taken from the one that held.
    numbers[at + place * layout.even + m] = Number.isNaN(value) ? numbers[at + before * layout.even + m]! : value
  }
  return place
}

function mostBelieved({ belief, known }: RegimeBank, row: number): number {
  const base = row * REGIMES
  let holds = 0
  for (let k = 1; k < known[row]!; k++) if (belief[base + k]! > belief[base + holds]!) holds = k
  return holds
}

/** Beyond this a likelihood is nothing: e⁻¹⁶. An exponential is the dearest of a step, and the nearest needs none. */
const NOTHING = 16

/** p ∝ (stay·p + (1 − stay)/known) · likelihood; the regime most believed in. */
function filter(
  belief: Float64Array,
  base: number,
  known: number,
  numbers: Float64Array,
  far: number,
  nearest: number,
  stay: number,
  temper: number,
): number {
  const other = (1 - stay) / known
  let holds = 0
  let most = 0
  let sum = 0
  for (let k = 0; k < known; k++) {
    const off = 0.5 * temper * (numbers[far + k]! - nearest)
    const likelihood = off === 0 ? 1 : off > NOTHING ? 0 : Math.exp(-off)
    const p = likelihood * (stay * belief[base + k]! + other)
    belief[base + k] = p
    sum += p
    if (p > most) {
      most = p
      holds = k
    }
  }
  const whole = 1 / sum
  for (let k = 0; k < known; k++) belief[base + k] = belief[base + k]! * whole
  return holds
}

/** Belief in what the row has not lived in for long; nothing is strange to one that is new itself. */
function freshOf(
  belief: Float64Array,
  lived: Float64Array,
  base: number,
  known: number,
  taken: number,
  { familiar: { share, least, most } }: RegimeModel,
): number {
  const enough = Math.min(most, share * taken)
  if (enough < least) return 0
  let strange = 0
  for (let k = 0; k < known; k++) if (lived[base + k]! < enough) strange += belief[base + k]!
  return Math.min(1, strange)
}
