/** Skoltech's test bench (SKAB): 8 sensors of a water loop a run, every row labelled; F1 over all rows of all runs. */
import { globSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { createDriftDetector, judgeRow } from '../../src/learn/drift/detector.ts'

/** Published leaderboards leave the first 400 rows of a run to training and do not judge them. */
const TRAINING_ROWS = 400
const SENSORS = 8

export type Counts = { right: number; false: number; missed: number }

export function judgeSkab(dir: string): { readonly f1: number; readonly runs: number } {
  const counts: Counts = { right: 0, false: 0, missed: 0 }
  const paths = globSync('*/*.csv{,.gz}', { cwd: dir })
    .filter((path) => !path.includes('anomaly-free'))
    .sort()
  for (const path of paths) judgeRun(readRun(`${dir}/${path}`), counts)
  const { right, false: wrong, missed } = counts
  return { f1: right === 0 ? 0 : (2 * right) / (2 * right + wrong + missed), runs: paths.length }
}

function readRun(path: string): string[][] {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(';'))
}

/** A row is anomalous when any sensor is away from its baseline: the detector's own `away`, no threshold of ours. */
function judgeRun(rows: readonly (readonly string[])[], counts: Counts): void {
  const detectors = Array.from({ length: SENSORS }, createDriftDetector)
  for (const [row, fields] of rows.entries()) {
    const second = Date.parse(`${fields[0]!.replace(' ', 'T')}Z`) / 1000
    let away = 0
    for (const [k, detector] of detectors.entries())
      if (judgeRow(detector, second, Number.parseFloat(fields[k + 1]!)).away) away++
    if (row < TRAINING_ROWS) continue
    const truth = Number.parseFloat(fields[SENSORS + 1]!) === 1
    if (truth && away > 0) counts.right++
    else if (truth) counts.missed++
    else if (away > 0) counts.false++
  }
}
