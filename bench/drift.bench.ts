/**
 * The drift detector against others' published figures, with one set of numbers for every series: `--nab DIR` the Numenta
 * benchmark (our scorer proven first on two published detectors, where their outputs are there), `--skab DIR` and
 * `--tcpd DIR` (default: beside it) the Skoltech bench and the Turing change points. What is missing is left out and said so.
 */
import { existsSync } from 'node:fs'
import { createDriftDetector, judgeRow } from '../src/learn/drift/detector.ts'
import { DATA } from '../test/need.ts'
import { readDetector, readNab, type Series } from './drift/nab-files.ts'
import { bestScore, PROFILES, type ScoredFile, scoreAt } from './drift/nab-score.ts'
import { judgeSkab } from './drift/skab.ts'
import { judgeTcpd } from './drift/tcpd.ts'
import { type Aim, aim, report } from './report.ts'

/** Published threshold → score on the development files, standard profile. */
const PROVEN = [
  { name: 'windowedGaussian', threshold: 1, score: 37.91 },
  { name: 'numenta', threshold: 0.5421876907348634, score: 68.02 },
] as const

type Figures = Record<string, unknown>

export async function run(args: readonly string[]): Promise<void> {
  const figures: Figures = {}
  const aims: Record<string, Aim> = {}
  const nab = folderOf(args, '--nab', 'nab')
  if (nab !== null) judgeNab(nab, figures, aims)
  const skab = folderOf(args, '--skab', 'skab')
  if (skab !== null) figures.skab = judgeSkab(skab)
  const tcpd = folderOf(args, '--tcpd', 'changepoint-tcpd')
  if (tcpd !== null) figures.tcpd = judgeTcpd(tcpd)
  if (figures.skab !== undefined)
    console.error(`skab ${JSON.stringify(figures.skab)} (published: Conv-AE 0.78, iForest 0.29)`)
  if (figures.tcpd !== undefined)
    console.error(`tcpd ${JSON.stringify(figures.tcpd)} (published defaults: binseg 0.744 / 0.706, zero 0.669 / 0.583)`)
  report(args, 'drift', figures, aims)
}

function folderOf(args: readonly string[], option: string, name: string): string | null {
  const at = args.indexOf(option)
  const folder = at < 0 ? `${DATA}/${name}` : (args[at + 1] ?? '')
  if (existsSync(folder)) return folder
  if (at >= 0) throw new Error(`there is no folder ${folder}; give ${option} one that is`)
  console.error(`${name}: left out, no folder ${folder}`)
  return null
}

function judgeNab(dir: string, figures: Figures, aims: Record<string, Aim>): void {
  const series = readNab(dir)
  prove(dir, series, figures, aims)
  const judgeAll = () => series.map((one) => ({ name: one.name, windows: one.windows, scores: scoresOf(one) }))
  const files: ScoredFile[] = judgeAll()
  // Again for the clock: a detector lives long, and the first pass pays for the compiler. The fastest of three, since what
  // makes a pass slower is somebody else's work.
  const passes = Array.from({ length: 3 }, () => {
    const began = process.cpuUsage()
    judgeAll()
    return usedMicros(process.cpuUsage(began))
  })
  const microseconds = Math.min(...passes) / series.reduce((sum, one) => sum + one.values.length, 0)
  const best = bestScore(files, PROFILES.standard)
  figures.standard = round(best.score)
  figures.lowFP = round(bestScore(files, PROFILES.lowFP).score)
  figures.lowFN = round(bestScore(files, PROFILES.lowFN).score)
  figures.threshold = best.threshold
  figures.standard_at_alarm = round(scoreAt(files, PROFILES.standard, 0.5))
  figures.us_per_record = round(microseconds)
  figures.folders = tellFolders(files, best.threshold)
  aims.standard = aim(round(best.score), '>=', 74)
  aims.us_per_record = aim(round(microseconds), '<=', 2)
}

/** Processor time, not the clock: other work on the machine is not ours. */
const usedMicros = ({ user, system }: NodeJS.CpuUsage): number => user + system

const round = (value: number): number => Math.round(value * 100) / 100

function scoresOf({ times, values }: Pick<Series, 'times' | 'values'>): Float64Array {
  const detector = createDriftDetector()
  return values.map((value, row) => judgeRow(detector, times[row]!, value).score)
}

function prove(dir: string, series: readonly Series[], figures: Figures, aims: Record<string, Aim>): void {
  const proven: Record<string, number> = {}
  for (const { name, threshold, score } of PROVEN) {
    const files = readDetector(dir, name, series)
    if (files === null) {
      console.error(`scorer: not proven on ${name}, no ${dir}/detector_outputs`)
      continue
    }
    proven[name] = round(scoreAt(files, PROFILES.standard, threshold))
    aims[`scorer_${name}`] = aim(proven[name], '==', score)
  }
  if (Object.keys(proven).length > 0) figures.scorer = proven
}

/** Each folder at the corpus's threshold, and the corpus without it at the threshold that the others would choose. */
function tellFolders(files: readonly ScoredFile[], threshold: number): Record<string, number | null> {
  const folderName = (file: ScoredFile) => file.name.split('/')[0]!
  const scores: Record<string, number | null> = {}
  console.error(`${'folder'.padEnd(24)} windows  score  threshold chosen by the others`)
  for (const folder of new Set(files.map(folderName))) {
    const own = files.filter((file) => folderName(file) === folder)
    const windows = own.reduce((sum, file) => sum + file.windows.length, 0)
    const chosen = bestScore(
      files.filter((file) => folderName(file) !== folder),
      PROFILES.standard,
    ).threshold
    scores[folder] = windows === 0 ? null : round(scoreAt(own, PROFILES.standard, threshold))
    const without = windows === 0 ? '-' : round(scoreAt(own, PROFILES.standard, chosen))
    console.error(`${folder.padEnd(24)} ${String(windows).padStart(7)}  ${scores[folder] ?? '-'}  ${without}`)
  }
  return scores
}
