/**
 * Vitals of workloads: what agents tell with each tick comes in, the last tick and an hour of windows of each goes out. In
 * memory on purpose, as the sources are: it explains what is now, and decides nothing. Of a figure that nobody ever told
 * nothing is kept; beyond 4,096 workloads the last tick alone.
 */
import type { WorkloadId } from '../model/ids.ts'
import {
  FIGURES,
  type FigureTold,
  perSecond,
  rateUnit,
  type Vitals,
  type VitalsTold,
  type WireVitals,
} from '../model/vitals.ts'
import { WINDOW_MS } from '../model/window.ts'
import { createVitals, decodeVitals, mergeVitals } from '../observe/reduce/vitals.ts'

export type VitalsBook = {
  /** `ours`: the workload of a key, when it is its agent's to tell of. Rows of nobody's are passed over. */
  take(batch: WireVitals, ours: (key: string) => WorkloadId | null): void
  of(workload: WorkloadId): VitalsTold
}

const WINDOWS = 120
const MOST_KEPT = 4_096

type Kept = {
  last: Vitals
  filling: Vitals | null
  /** Why not, by figure. */
  why: Readonly<Record<string, string>>
  /** Of windows that are over, oldest first. */
  readonly starts: number[]
  /** Windows are kept of it. */
  readonly isWhole: boolean
  /** By figure: what each window read and how much of it that covers; null = never told. */
  readonly columns: ({ readonly values: Float32Array; readonly coveredMs: Float32Array } | null)[]
}

export function createVitalsBook(most = MOST_KEPT): VitalsBook {
  const book = new Map<WorkloadId, Kept>()

  const keep = (one: Kept, tick: Vitals) => {
    const start = Math.floor(tick.start / WINDOW_MS) * WINDOW_MS
    const { filling } = one
    if (filling === null || start !== Math.floor(filling.start / WINDOW_MS) * WINDOW_MS) {
      if (filling !== null) addWindow(one, filling)
      one.filling = createVitals(tick.start, tick.spanMs)
    }
    mergeVitals(one.filling!, tick)
  }
  return {
    take(batch, ours) {
      for (const row of batch.rows) {
        const workload = ours(row.key)
        if (workload === null) continue
        const tick = decodeVitals(batch, row)
        let one = book.get(workload)
        // Sent again because the database failed half-way.
        if (one !== undefined && one.last.start === tick.start) continue
        if (one === undefined) {
          for (const [id, { last }] of book.size < most ? [] : book)
            if (last.start < tick.start - WINDOWS * WINDOW_MS) book.delete(id)
          const columns = FIGURES.map(() => null)
          one = { last: tick, filling: null, why: {}, starts: [], columns, isWhole: book.size < most }
          book.set(workload, one)
        }
        one.last = tick
        if (row.why !== undefined) one.why = row.why
        if (one.isWhole) keep(one, tick)
      }
    },
    of(workload) {
      const one = book.get(workload)
      if (one === undefined) return { at: null, spanMs: 0, figures: [], history: { start: [], columns: {} } }
      return {
        at: one.last.start + one.last.spanMs,
        spanMs: one.last.spanMs,
        figures: FIGURES.map((_, i) => figureOf(one, i)),
        history: {
          start: [...one.starts],
          columns: Object.fromEntries(
            FIGURES.flatMap(({ name }, i) => (one.columns[i] === null ? [] : [[name, columnOf(one, i)] as const])),
          ),
        },
      }
    },
  }
}

/** A window that is over: a row in the columns, of which the oldest makes room. */
function addWindow(one: Kept, window: Vitals): void {
  const isFull = one.starts.length === WINDOWS
  if (isFull) one.starts.shift()
  const row = one.starts.length
  one.starts.push(Math.floor(window.start / WINDOW_MS) * WINDOW_MS)
  for (const [i, column] of one.columns.entries()) {
    const value = window.values[i]!
    if (column === null && Number.isNaN(value)) continue
    const { values, coveredMs } = column ?? {
      values: new Float32Array(WINDOWS).fill(Number.NaN),
      coveredMs: new Float32Array(WINDOWS),
    }
    one.columns[i] = { values, coveredMs }
    if (isFull) {
      values.copyWithin(0, 1)
      coveredMs.copyWithin(0, 1)
    }
    values[row] = value
    coveredMs[row] = window.coveredMs[i]!
  }
}

function columnOf({ starts, columns }: Kept, i: number): (number | null)[] {
  const { values, coveredMs } = columns[i]!
  const isCounter = FIGURES[i]!.kind === 'counter'
  return starts.map((_, row) => {
    const value = values[row]!
    if (Number.isNaN(value)) return null
    return short(isCounter ? (value * 1_000) / coveredMs[row]! : value)
  })
}

function figureOf(one: Kept, i: number): FigureTold {
  const { name, what, kind, unit } = FIGURES[i]!
  const column = one.columns[i]
  const points = column == null ? [] : columnOf(one, i).filter((point) => point !== null)
  const filling = one.filling === null ? null : perSecond(one.filling, i)
  if (filling !== null) points.push(filling)
  let total = kind === 'counter' && one.filling !== null && filling !== null ? one.filling.values[i]! : 0
  if (kind === 'counter')
    for (let row = 0; row < one.starts.length; row++)
      total += Number.isNaN(column?.values[row] ?? Number.NaN) ? 0 : column!.values[row]!
  const now = perSecond(one.last, i)
  return {
    name,
    what,
    kind,
    unit: rateUnit({ unit, kind }),
    now: now === null ? null : short(now),
    mean: points.length === 0 ? null : short(points.reduce((sum, point) => sum + point, 0) / points.length),
    most: points.length === 0 ? null : short(Math.max(...points)),
    total: kind === 'counter' && points.length > 0 ? short(total) : null,
    why: now === null ? (one.why[name] ?? null) : null,
  }
}

/** Kept in 32 bits: more digits are not known. */
const short = (value: number): number => Number(value.toPrecision(6))
