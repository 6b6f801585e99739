/**
 * The Turing change point data set (van den Burg and Williams 2020, arXiv 2003.06222): F1 with a margin of 5 rows and
 * covering, against five annotators a series; means over the series of one dimension.
 */
import { readFileSync } from 'node:fs'
import { createDriftDetector, judgeRow } from '../../src/learn/drift/detector.ts'

const MARGIN = 5

type Annotators = Readonly<Record<string, readonly number[]>>
type Source = {
  readonly n_obs: number
  readonly n_dim: number
  readonly series: readonly { readonly raw: readonly (number | null)[] }[]
}

export function judgeTcpd(dir: string): { readonly f1: number; readonly cover: number; readonly series: number } {
  const annotations: Record<string, Annotators> = JSON.parse(readFileSync(`${dir}/annotations.json`, 'utf8'))
  let f1 = 0
  let cover = 0
  let series = 0
  for (const [name, annotators] of Object.entries(annotations)) {
    const source = readSource(`${dir}/${name}.json`)
    if (source === null || source.n_dim !== 1) continue
    const found = changePoints(source.series[0]!.raw)
    f1 += f1Of(found, Object.values(annotators))
    cover += coverOf(found, Object.values(annotators), source.n_obs)
    series++
  }
  return { f1: f1 / series, cover: cover / series, series }
}

function readSource(path: string): Source | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new Error(`read the series ${path}`, { cause: error })
  }
}

/** The rows at which a new level began, by the detector. */
function changePoints(values: readonly (number | null)[]): number[] {
  const detector = createDriftDetector()
  const found: number[] = []
  for (const [row, value] of values.entries()) {
    const { changedAt } = judgeRow(detector, Number.NaN, value ?? Number.NaN)
    if (changedAt >= 0) found.push(row - changedAt)
  }
  return found
}

/** Each true point is matched once, by the nearest unmatched found one within the margin. */
function matched(truth: readonly number[], found: readonly number[]): number {
  const left = new Set(found)
  let count = 0
  for (const point of truth) {
    const near = [...left].filter((one) => Math.abs(one - point) <= MARGIN)
    if (near.length === 0) continue
    near.sort((a, b) => Math.abs(a - point) - Math.abs(b - point))
    left.delete(near[0]!)
    count++
  }
  return count
}

/** Row 0 counts as a change point that all agree on, so that nobody divides by zero. */
export function f1Of(found: readonly number[], annotators: readonly (readonly number[])[]): number {
  const all = [...new Set([0, ...found])]
  const union = [...new Set([0, ...annotators.flat()])].sort((a, b) => a - b)
  const precision = matched(union, all) / all.length
  const recalls = annotators.map((points) => {
    const truth = [...new Set([0, ...points])].sort((a, b) => a - b)
    return matched(truth, all) / truth.length
  })
  const recall = recalls.reduce((a, b) => a + b, 0) / recalls.length
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
}

export function coverOf(found: readonly number[], annotators: readonly (readonly number[])[], rows: number): number {
  const ours = segments(found, rows)
  const covers = annotators.map((points) => {
    let sum = 0
    for (const [from, to] of segments(points, rows)) {
      const best = Math.max(
        ...ours.map(([a, b]) => {
          const both = Math.max(0, Math.min(b, to) - Math.max(a, from))
          return both / (Math.max(b, to) - Math.min(a, from))
        }),
      )
      sum += (to - from) * best
    }
    return sum / rows
  })
  return covers.reduce((a, b) => a + b, 0) / covers.length
}

function segments(points: readonly number[], rows: number): (readonly [from: number, to: number])[] {
  const edges = [...new Set([0, ...points, rows])].sort((a, b) => a - b)
  return edges.slice(1).map((to, k) => [edges[k]!, to] as const)
}
