/** Vitals: counters that a look found become what was added since the look before; ticks merge; batches as they travel. */
import { FIGURES, type FigureName, figureAt, type Vitals, type WireVitals } from '../../model/vitals.ts'

/** What one look found of one workload: totals of counters as they stand, levels as they are. */
export type Looked = {
  /** By FIGURES; NaN = could not be read. */
  readonly values: Float64Array
  /** What counted: a total of another origin (a link made anew, another cgroup) is no continuation. */
  readonly origins: Float64Array
  /** Why figures could not be read. */
  readonly why: Map<FigureName, string>
}

export const createLooked = (): Looked => ({
  values: new Float64Array(FIGURES.length).fill(Number.NaN),
  origins: new Float64Array(FIGURES.length),
  why: new Map(),
})

export function put(looked: Looked, name: FigureName, value: number, origin = 0): void {
  looked.values[figureAt[name]] = value
  looked.origins[figureAt[name]] = origin
}

export function lack(looked: Looked, names: readonly FigureName[], why: string): void {
  for (const name of names) if (Number.isNaN(looked.values[figureAt[name]]!)) looked.why.set(name, why)
}

/**
 * Readings from one look to the next. A counter is not known when it was not read before, counts from another origin, or
 * went backwards: it was begun anew, and nobody knows what it had reached.
 */
export function readingsBetween(before: Looked | null, now: Looked): Float64Array {
  const readings = new Float64Array(FIGURES.length).fill(Number.NaN)
  for (const [i, { kind }] of FIGURES.entries()) {
    if (kind === 'level') readings[i] = now.values[i]!
    else if (before !== null && before.origins[i] === now.origins[i]) {
      const added = now.values[i]! - before.values[i]!
      readings[i] = added >= 0 ? added : Number.NaN
    }
  }
  return readings
}

export function createVitals(start: number, spanMs: number): Vitals {
  const size = FIGURES.length
  const values = new Float64Array(size).fill(Number.NaN)
  return { start, spanMs, values, coveredMs: new Float64Array(size), readAt: new Float64Array(size) }
}

/**
 * Merges `from` into `into`, exactly, in any order and grouping of spans that do not overlap. What one does not know the other
 * tells, and `coveredMs` says of how much of the span.
 */
export function mergeVitals(into: Vitals, from: Vitals): void {
  const end = Math.max(into.start + into.spanMs, from.start + from.spanMs)
  for (const [i, { merge }] of FIGURES.entries()) {
    const [a, b] = [into.values[i]!, from.values[i]!]
    if (Number.isNaN(b)) continue
    if (Number.isNaN(a)) into.values[i] = b
    else if (merge === 'sum') into.values[i] = a + b
    else if (merge === 'max') into.values[i] = Math.max(a, b)
    else if (from.readAt[i]! > into.readAt[i]!) into.values[i] = b
    into.coveredMs[i]! += from.coveredMs[i]!
    into.readAt[i] = Math.max(into.readAt[i]!, from.readAt[i]!)
  }
  into.start = Math.min(into.start, from.start)
  into.spanMs = end - into.start
}

type Row = { readonly key: string; readonly readings: Float64Array; readonly why?: ReadonlyMap<FigureName, string> }

/** Columns that nobody knows are left out. */
export function encodeVitals(start: number, spanMs: number, rows: readonly Row[]): WireVitals {
  const known = FIGURES.flatMap((_, i) => (rows.some(({ readings }) => !Number.isNaN(readings[i]!)) ? [i] : []))
  return {
    start,
    spanMs,
    figures: known.map((i) => FIGURES[i]!.name),
    rows: rows.map(({ key, readings, why }) => ({
      key,
      values: known.map((i) => (Number.isNaN(readings[i]!) ? null : tidy(readings[i]!))),
      ...(why === undefined || why.size === 0 ? {} : { why: Object.fromEntries(why) }),
    })),
  }
}

/** A microsecond, a byte: finer is noise that takes room. */
const tidy = (value: number): number => Math.round(value * 1e6) / 1e6

/** A row of a batch. Columns of another version's names, and values without a column, are passed over. */
export function decodeVitals(wire: WireVitals, row: WireVitals['rows'][number]): Vitals {
  const vitals = createVitals(wire.start, wire.spanMs)
  for (const [column, name] of wire.figures.entries()) {
    const i = (figureAt as Readonly<Record<string, number>>)[name]
    const value = row.values[column]
    if (i === undefined || value === null || value === undefined) continue
    vitals.values[i] = value
    vitals.coveredMs[i] = wire.spanMs
    vitals.readAt[i] = wire.start + wire.spanMs
  }
  return vitals
}
