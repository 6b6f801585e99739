/**
 * Sums by step come in, as the record has them; a series of equal steps goes out. A step is a gap (NaN), not a zero, when
 * nobody looked, or when too many of those it is a sum of were not looked at. Rows may be late, twice or of another clock.
 */
export type StepSum = {
  /** epoch ms, beginning of the step */
  readonly at: number
  /** Workloads that were looked at in it. */
  readonly known: number
  /** Of those, together. */
  readonly value: number
}

/** First and last step in which one of the workloads was looked at. */
export type Life = { readonly first: number; readonly last: number }

export type Series = {
  /** epoch ms of values[0] */
  readonly start: number
  readonly stepMs: number
  readonly values: Float64Array
}

/** Of those there, this share must have been looked at. */
const LOOKED_AT = 0.9
/** Who was silent for less is away, not gone. */
const AWAY_MS = 86_400_000
/** Whatever the clocks say. */
const MOST_STEPS = 10_000

/** From the first step known to `until` (exclusive, rounded down to a step); empty when nothing is. */
export function seriesOf(rows: readonly StepSum[], lives: readonly Life[], stepMs: number, until: number): Series {
  const end = Math.floor(until / stepMs)
  const slotOf = (at: number) => Math.floor(at / stepMs)
  const inside = rows.filter(({ at, known, value }) => known > 0 && Number.isFinite(value) && isWithin(slotOf(at), end))
  const first = inside.reduce((least, { at }) => Math.min(least, slotOf(at)), end)
  const values = new Float64Array(end - first).fill(Number.NaN)
  const there = countThere(lives, first, values.length, slotOf, end - AWAY_MS / stepMs)
  for (const { at, known, value } of inside) {
    const t = slotOf(at) - first
    if (known >= LOOKED_AT * there[t]!) values[t] = value
  }
  return trimmed({ start: first * stepMs, stepMs, values })
}

const isWithin = (slot: number, end: number) => slot < end && slot >= end - MOST_STEPS

/** How many were there in each step. */
function countThere(
  lives: readonly Life[],
  first: number,
  length: number,
  slotOf: (at: number) => number,
  awayFrom: number,
): Float64Array {
  const changes = new Float64Array(length + 1)
  for (const life of lives) {
    const last = slotOf(life.last)
    const from = Math.max(0, slotOf(life.first) - first)
    const to = last >= awayFrom ? length : Math.min(length, last - first + 1)
    if (!(from < to)) continue
    changes[from]! += 1
    changes[to]! -= 1
  }
  let count = 0
  return changes.map((change) => (count += change))
}

function trimmed(series: Series): Series {
  const known = series.values.findIndex(Number.isFinite)
  if (known <= 0) return known < 0 ? { ...series, values: new Float64Array(0) } : series
  return { ...series, start: series.start + known * series.stepMs, values: series.values.slice(known) }
}

export function knownSteps({ values }: Series): number {
  return values.reduce((count, v) => count + (Number.isFinite(v) ? 1 : 0), 0)
}

/** Bytes of one service beside the steps in which the workloads were looked at: no row there is a true zero. */
export function serviceRows(looked: readonly StepSum[], bytes: ReadonlyMap<number, number>): StepSum[] {
  return looked.map(({ at, known }) => ({ at, known, value: bytes.get(at) ?? 0 }))
}
