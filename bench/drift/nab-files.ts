/** The files of the Numenta Anomaly Benchmark: every `data/<folder>/<name>.csv` of a folder with its true windows. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { ScoredFile, Window } from './nab-score.ts'

export type Series = {
  readonly name: string
  /** Seconds since the epoch, as written (no zone is given). */
  readonly times: Float64Array
  readonly values: Float64Array
  readonly windows: readonly Window[]
}

const seconds = (text: string): number => Date.parse(`${text.trim().slice(0, 19).replace(' ', 'T')}Z`) / 1000

const lines = (text: string): string[][] =>
  text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))

export function readNab(dir: string): Series[] {
  const labels: Record<string, [string, string][]> = JSON.parse(
    readFileSync(`${dir}/labels/combined_windows.json`, 'utf8'),
  )
  return globSync('*/*.csv', { cwd: `${dir}/data` })
    .sort()
    .map((name) => {
      const rows = lines(readFileSync(`${dir}/data/${name}`, 'utf8'))
      const times = Float64Array.from(rows, ([time]) => seconds(time ?? ''))
      const values = Float64Array.from(rows, ([, value]) => Number.parseFloat(value ?? ''))
      return { name, times, values, windows: windowsOf(times, labels[name] ?? []) }
    })
}

/** Clocks go back in some files (daylight saving): a window is from the first row of its first time to the last of its last. */
function windowsOf(times: Float64Array, labels: readonly (readonly [string, string])[]): Window[] {
  return labels.map(([from, to]) => [times.indexOf(seconds(from)), times.lastIndexOf(seconds(to))] as const)
}

/** Scores that another detector gave to the same files, null where they are not here. */
export function readDetector(dir: string, detector: string, series: readonly Series[]): ScoredFile[] | null {
  const path = `${dir}/detector_outputs/${detector}.csv.gz`
  if (!existsSync(path)) return null
  const scores = new Map<string, number[]>()
  for (const [file = '', , score = ''] of lines(gunzipSync(readFileSync(path)).toString('utf8'))) {
    const list = scores.get(file) ?? []
    list.push(Number.parseFloat(score))
    scores.set(file, list)
  }
  return series.map(({ name, windows }) => ({ name, windows, scores: Float64Array.from(scores.get(name) ?? []) }))
}
