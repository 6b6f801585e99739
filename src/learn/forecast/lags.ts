/**
 * Autoregression on the last steps and on the steps around one season ago, each season; applied to its own forecasts to
 * look further ahead (subset AR, the linear core of seasonal ARIMA: Box & Jenkins 1970). Where the past does not say
 * otherwise it is the airline rule, "as a season ago, plus what changed since": a ridge pulls towards that, not to zero.
 */
import type { Method, Past } from './method.ts'
import { addRow, emptyEquations, solveRidge } from './solve.ts'

/** Per row, for a past of variance 1. */
const RIDGE = 1e-4

/** Rounds of reweighting: an error counts in full up to the median one, then ever less (Huber 1964). */
const ROUNDS = 3

export const lags: Method = {
  name: 'lags',
  forecasts(past, origins, horizon) {
    const columns = lagsOf(past, origins[0]!)
    if (columns === null) return null
    const beta = fit(past.x, columns, airline(columns, past.seasons[0]), origins[0]!)
    return origins.map((at) => ahead(past.x, columns, beta, at, horizon))
  },
}

/** The same on changes against one season ago, added up again: follows a level that moved for good. */
export const changes: Method = {
  name: 'changes',
  forecasts(past, origins, horizon) {
    const m = past.seasons[0]
    if (m === undefined) return null
    const x = past.x.slice(m).map((v, t) => v - past.x[t]!)
    const columns = lagsOf(past, origins[0]! - m)
    if (columns === null) return null
    const beta = fit(x, columns, new Float64Array(columns.length), origins[0]! - m)
    return origins.map((at) => {
      const path = ahead(x, columns, beta, at - m, horizon)
      for (let h = 0; h < horizon; h++) path[h]! += h < m ? past.x[at + h - m]! : path[h - m]!
      return path
    })
  },
}

function lagsOf({ seasons }: Past, known: number): number[] | null {
  const around = seasons.flatMap((s, i) =>
    i === 0 ? [s - 1, s, s + 1, s + 2, 2 * s, 2 * s + 1] : [s - 1, s, s + 1, s + 2],
  )
  const columns = [...new Set([1, 2, 3, ...around])].filter((lag) => lag > 0).sort((a, b) => a - b)
  while (columns.length > 0 && known - columns.at(-1)! < 4 * columns.length + 8) columns.pop()
  return columns.length === 0 ? null : columns
}

function fit(x: Float64Array, columns: readonly number[], prior: Float64Array, end: number): Float64Array {
  const first = columns.at(-1)!
  const row = new Float64Array(columns.length)
  const penalty = new Float64Array(columns.length).fill(RIDGE * (end - first))
  const errors = new Float64Array(end - first)
  let beta = prior
  let usual = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const equations = emptyEquations(columns.length)
    for (let t = first; t < end; t++) {
      fill(row, x, columns, t)
      addRow(equations, row, x[t]!, errors[t - first]! > usual ? usual / errors[t - first]! : 1)
    }
    beta = solveRidge(equations, penalty, prior)
    for (let t = first; t < end; t++) {
      fill(row, x, columns, t)
      errors[t - first] = Math.abs(x[t]! - dot(row, beta))
    }
    usual = median(errors)
  }
  return beta
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function median(values: Float64Array): number {
  return values.slice().sort()[values.length >> 1] ?? 0
}

function airline(columns: readonly number[], season: number | undefined): Float64Array {
  const whole = season !== undefined && season > 1 && columns.includes(season + 1)
  return Float64Array.from(columns, (lag) => {
    if (lag === 1) return 1
    return !whole ? 0 : lag === season ? 1 : lag === season + 1 ? -1 : 0
  })
}

function fill(row: Float64Array, x: Float64Array, columns: readonly number[], t: number): void {
  for (let i = 0; i < columns.length; i++) row[i] = x[t - columns[i]!]!
}

function ahead(
  x: Float64Array,
  columns: readonly number[],
  beta: Float64Array,
  at: number,
  horizon: number,
): Float64Array {
  const longest = columns.at(-1)!
  const path = new Float64Array(longest + horizon)
  path.set(x.subarray(at - longest, at))
  const row = new Float64Array(beta.length)
  for (let h = 0; h < horizon; h++) {
    fill(row, path, columns, longest + h)
    path[longest + h] = dot(row, beta)
  }
  return path.subarray(longest)
}
