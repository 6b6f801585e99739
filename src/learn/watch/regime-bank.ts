/**
 * Many hidden Markov models in a few arrays, one for each row: vectors of readings come in, the regime each row is in goes
 * out. A regime is a way in which all metrics of a row go together (idle, working, a nightly copy); which one holds is
 * hidden, persists, and is filtered forward. A vector far from every regime opens one; the one least lived in gives way.
 * Centres and spreads are learned online by the regime that holds (hard assignment: classification EM, Celeux & Govaert 1992).
 */
import type { Batch } from './kalman-bank.ts'

/** Regimes of a row, at most. */
export const REGIMES = 6

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
  /** rows × width × REGIMES */
  centres: Float64Array
  /** rows × width: within a regime, the same for all of a row */
  variances: Float64Array
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
  return {
    model,
    width,
    centres: new Float64Array(rows * REGIMES * width),
    variances: new Float64Array(rows * width),
    belief: new Float64Array(rows * REGIMES),
    lived: new Float64Array(rows * REGIMES),
    taken: new Float64Array(rows),
    known: new Uint8Array(rows),
  }
}

/** Room for more rows; those that are there keep what they know. */
export function growRegimes(bank: RegimeBank, rows: number): void {
  const grown = createRegimeBank(bank.width, rows, bank.model)
  for (const column of ['centres', 'variances', 'belief', 'lived', 'taken', 'known'] as const) {
    grown[column].set(bank[column])
    Object.assign(bank, { [column]: grown[column] })
  }
}

/** A row of which nothing was ever told. */
export function forgetRegimes(bank: RegimeBank, row: number): void {
  const { width } = bank
  bank.centres.fill(0, row * width * REGIMES, (row + 1) * width * REGIMES)
  bank.variances.fill(0, row * width, (row + 1) * width)
  bank.belief.fill(0, row * REGIMES, (row + 1) * REGIMES)
  bank.lived.fill(0, row * REGIMES, (row + 1) * REGIMES)
  bank.taken[row] = 0
  bank.known[row] = 0
}

/**
 * One forward step of each row of the batch. The two loops over metrics stand here, and columns are taken out of the bank once:
 * a call for each row, which is too long to be put in its place, and its columns anew, cost a third of all.
 */
export function stepRegimes(bank: RegimeBank, { count, rows, steps, rates, readings }: Batch, out: Regimes): void {
  const { width, model, known, centres, variances, belief, lived, taken } = bank
  const { least, prior, memory, clip } = model
  const { holds, fresh } = out
  const far = new Float64Array(REGIMES)
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const from = i * width
    const base = row * REGIMES
    // Squared distances from every centre, in variances. All six at once: a loop costs as much as they do.
    let f0 = 0
    let f1 = 0
    let f2 = 0
    let f3 = 0
    let f4 = 0
    let f5 = 0
    let present = 0
    for (let m = 0, at = base * width, v = row * width; m < width; m++, at += REGIMES, v++) {
      const value = readings[from + m]!
      if (Number.isNaN(value)) continue
      present++
      const variance = variances[v]!
      if (variance === 0) firstSeen(bank, v, value)
      const inverse = 1 / (variance > least ? variance : variance === 0 ? prior : least)
      const o0 = value - centres[at]!
      const o1 = value - centres[at + 1]!
      const o2 = value - centres[at + 2]!
      const o3 = value - centres[at + 3]!
      const o4 = value - centres[at + 4]!
      const o5 = value - centres[at + 5]!
      f0 += o0 * o0 * inverse
      f1 += o1 * o1 * inverse
      f2 += o2 * o2 * inverse
      f3 += o3 * o3 * inverse
      f4 += o4 * o4 * inverse
      f5 += o5 * o5 * inverse
    }
    far[0] = f0
    far[1] = f1
    far[2] = f2
    far[3] = f3
    far[4] = f4
    far[5] = f5
    let nearest = nearestOf(far, known[row]!)
    if (present > 0 && nearest > present + model.reach * Math.sqrt(2 * present)) {
      far[open(bank, row, readings, from)] = 0
      nearest = 0
    }
    if (known[row] === 0) {
      holds[i] = 0
      fresh[i] = 0
      continue
    }
    const stay = steps[i] === 1 ? model.stay : model.stay ** steps[i]!
    const held = filter(belief, base, known[row]!, far, nearest, stay, model.temper)
    holds[i] = held
    const rate = rates[i]!
    if (present > 0 && rate > 0) {
      const gain = rate * Math.max(1 / (lived[base + held]! + 1), 1 / memory)
      const widen = rate * Math.max(1 / (taken[row]! + 4), 1 / memory)
      for (let m = 0, at = base * width + held, v = row * width; m < width; m++, at += REGIMES, v++) {
        const value = readings[from + m]!
        if (Number.isNaN(value)) continue
        const off = value - centres[at]!
        const variance = variances[v]!
        centres[at] = centres[at]! + gain * off
        variances[v] = variance + widen * (Math.min(off * off, clip * Math.max(variance, least)) - variance)
      }
      taken[row]!++
      // What was lived under suspicion does not become familiar as soon, or ever.
      lived[base + held]! += rate
    }
    fresh[i] = freshOf(belief, lived, base, known[row]!, taken[row]!, model)
  }
}

function nearestOf(far: Float64Array, known: number): number {
  let nearest = Number.POSITIVE_INFINITY
  for (let k = 0; k < known; k++) if (far[k]! < nearest) nearest = far[k]!
  return nearest
}

/** A metric that comes later than others is the same in every regime, until it differs. */
function firstSeen({ centres, variances, model }: RegimeBank, metric: number, value: number): void {
  variances[metric] = model.prior
  centres.fill(value, metric * REGIMES, (metric + 1) * REGIMES)
}

/** A regime of its own for this vector, in an empty place or that of the one least lived in. */
function open(bank: RegimeBank, row: number, readings: Float64Array, from: number): number {
  const { width, centres, belief, lived, known } = bank
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
  for (let m = 0, at = row * width * REGIMES; m < width; m++, at += REGIMES) {
    const value = readings[from + m]!
    // What was not told of this one is taken from the one that held.
    centres[at + place] = Number.isNaN(value) ? centres[at + before]! : value
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
  far: Float64Array,
  nearest: number,
  stay: number,
  temper: number,
): number {
  const other = (1 - stay) / known
  let holds = 0
  let most = 0
  let sum = 0
  for (let k = 0; k < known; k++) {
    const off = 0.5 * temper * (far[k]! - nearest)
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
