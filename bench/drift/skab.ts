/** Skoltech's test bench (SKAB): 8 sensors of a water loop a run, every row labelled; F1 over all rows of all runs. */
import { globSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { createDriftDetector, judgeRow } from '../../src/learn/drift/detector.ts'

/** Published leaderboards leave the first 400 rows of a run to training and do not judge them. */
const TRAINING_ROWS = 400
const SENSORS = 8

type Counts = { right: number; false: number; missed: number }

const none = (): Counts => ({ right: 0, false: 0, missed: 0 })
const f1Of = ({ right, false: wrong, missed }: Counts): number =>
  right === 0 ? 0 : (2 * right) / (2 * right + wrong + missed)

/** `f1`: without the training rows; `f1_all_rows`: with them. */
export function judgeSkab(dir: string): { readonly f1: number; readonly f1_all_rows: number; readonly runs: number } {
  const judged = none()
  const all = none()
  const paths = globSync('*/*.csv{,.gz}', { cwd: dir })
    .filter((path) => !path.includes('anomaly-free'))
    .sort()
  for (const path of paths) judgeRun(readRun(`${dir}/${path}`), judged, all)
  return { f1: f1Of(judged), f1_all_rows: f1Of(all), runs: paths.length }
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
function judgeRun(rows: readonly (readonly string[])[], judged: Counts, all: Counts): void {
  const detectors = Array.from({ length: SENSORS }, createDriftDetector)
  for (const [row, fields] of rows.entries()) {
    const second = Date.parse(`${fields[0]!.replace(' ', 'T')}Z`) / 1000
    let away = 0
    for (const [k, detector] of detectors.entries())
      if (judgeRow(detector, second, Number.parseFloat(fields[k + 1]!)).away) away++
    const truth = Number.parseFloat(fields[SENSORS + 1]!) === 1
    count(all, truth, away > 0)
    if (row >= TRAINING_ROWS) count(judged, truth, away > 0)
  }
}

function count(counts: Counts, truth: boolean, said: boolean): void {
  if (truth && said) counts.right++
  else if (truth) counts.missed++
  else if (said) counts.false++
}
