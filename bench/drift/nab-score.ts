/**
 * The score of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, arXiv 1510.03336): per file its rows' scores and the
 * true windows come in; per profile the corpus score at the best single threshold, and that threshold, go out.
 */

/** First and last row of a true window, both inside. */
export type Window = readonly [first: number, last: number]
export type ScoredFile = { readonly name: string; readonly scores: Float64Array; readonly windows: readonly Window[] }
export type Profile = { readonly tp: number; readonly fn: number; readonly fp: number }
export type NabScore = { readonly score: number; readonly threshold: number }

export const PROFILES = {
  standard: { tp: 1, fn: 1, fp: 0.11 },
  lowFP: { tp: 1, fn: 1, fp: 0.22 },
  lowFN: { tp: 1, fn: 2, fp: 0.11 },
} as const satisfies Record<string, Profile>

/** Rows at the start of a file that are never judged. */
export const probation = (rows: number): number => Math.min(Math.floor(0.15 * rows), 750)

const sigmoid = (p: number): number => (p > 3 ? -1 : 2 / (1 + Math.exp(5 * p)) - 1)

/** One judged row: what a detection there is worth, and in which window of the corpus it is (−1: none). */
type Row = { readonly score: number; readonly value: number; readonly window: number }

function rowsOf(file: ScoredFile, profile: Profile, firstWindow: number): { rows: Row[]; windows: number } {
  const rows: Row[] = []
  const start = probation(file.scores.length)
  const windows = file.windows.filter(([, last]) => last >= start)
  let next = 0
  let before: Window | undefined
  for (let i = 0; i < file.scores.length; i++) {
    while (next < windows.length && i > windows[next]![1]) before = windows[next++]
    if (i < start) continue
    const inside = windows[next]
    const score = file.scores[i]!
    if (inside !== undefined && i >= inside[0]) {
      const p = -(inside[1] - i + 1) / (inside[1] - inside[0] + 1)
      rows.push({ score, value: (profile.tp * sigmoid(p)) / sigmoid(-1), window: firstWindow + next })
    } else {
      const p = before === undefined ? 4 : (i - before[1]) / Math.max(1, before[1] - before[0])
      rows.push({ score, value: profile.fp * sigmoid(p), window: -1 })
    }
  }
  return { rows, windows: windows.length }
}

function judged(files: readonly ScoredFile[], profile: Profile): { rows: Row[]; windows: number } {
  const rows: Row[] = []
  let windows = 0
  for (const file of files) {
    const one = rowsOf(file, profile, windows)
    for (const row of one.rows) rows.push(row)
    windows += one.windows
  }
  rows.sort((a, b) => b.score - a.score)
  return { rows, windows }
}

/** 0 for a detector that never speaks, 100 for one that speaks at the first row of every window and nowhere else. */
const normal = (raw: number, windows: number, { tp, fn }: Profile): number =>
  (100 * (raw + fn * windows)) / (windows * (tp + fn))

/** The best threshold over all distinct scores and “above all of them”; one for the whole corpus. */
export function bestScore(files: readonly ScoredFile[], profile: Profile): NabScore {
  const { rows, windows } = judged(files, profile)
  let best: NabScore = { score: 0, threshold: Number.POSITIVE_INFINITY }
  sweep(rows, windows, profile, (threshold, raw) => {
    const score = normal(raw, windows, profile)
    if (score > best.score) best = { score, threshold }
  })
  return best
}

export function scoreAt(files: readonly ScoredFile[], profile: Profile, threshold: number): number {
  const { rows, windows } = judged(files, profile)
  let last = -profile.fn * windows
  sweep(rows, windows, profile, (at, raw) => {
    if (at >= threshold) last = raw
  })
  return normal(last, windows, profile)
}

/** Thresholds from high to low; each row's detection is counted once all rows of its score are in. */
function sweep(
  rows: readonly Row[],
  windows: number,
  { fn }: Profile,
  visit: (threshold: number, raw: number) => void,
): void {
  const best = new Float64Array(windows).fill(-fn)
  const found = new Uint8Array(windows)
  let raw = -fn * windows
  for (let i = 0; i < rows.length; i++) {
    const { score, value, window } = rows[i]!
    if (window < 0) raw += value
    else if (found[window] === 0 || value > best[window]!) {
      raw += value - best[window]!
      best[window] = value
      found[window] = 1
    }
    if (i + 1 === rows.length || rows[i + 1]!.score !== score) visit(score, raw)
  }
}
