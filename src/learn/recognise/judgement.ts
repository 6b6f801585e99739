/** Verdicts about examples whose type is known come in, what they are worth goes out: fractions all. */
export type Verdict = {
  readonly truth: string
  /** null = it abstained, which counts as wrong. */
  readonly told: string | null
  /** What it would have told, and how sure it was. */
  readonly guess: string
  readonly p: number
}
export type Judgement = {
  readonly accuracy: number
  /** Mean over types of the harmonic mean of precision and recall. */
  readonly macro_f1: number
  /** Expected calibration error over ten bins (Naeini et al. 2015). */
  readonly ece: number
  readonly abstained: number
  /** `truth → told → how often`, the wrong ones alone; '' = it abstained. */
  readonly confusion: Readonly<Record<string, Readonly<Record<string, number>>>>
}

const BINS = 10
const round = (value: number) => Math.round(value * 1e4) / 1e4

export function judgeVerdicts(verdicts: readonly Verdict[]): Judgement {
  const n = verdicts.length
  if (n === 0) throw new Error('there is nothing to judge')
  const right = verdicts.filter(({ truth, told }) => truth === told).length
  return {
    accuracy: round(right / n),
    macro_f1: round(macroF1(verdicts)),
    ece: round(calibrationError(verdicts)),
    abstained: round(verdicts.filter(({ told }) => told === null).length / n),
    confusion: confusionOf(verdicts),
  }
}

function macroF1(verdicts: readonly Verdict[]): number {
  const types = new Set(verdicts.map(({ truth }) => truth))
  let sum = 0
  for (const type of types) {
    const hit = verdicts.filter(({ truth, told }) => truth === type && told === type).length
    const told = verdicts.filter((one) => one.told === type).length
    const truly = verdicts.filter(({ truth }) => truth === type).length
    sum += (2 * hit) / (told + truly)
  }
  return sum / types.size
}

function calibrationError(verdicts: readonly Verdict[]): number {
  const bins = Array.from({ length: BINS }, () => ({ p: 0, right: 0 }))
  for (const { truth, guess, p } of verdicts) {
    const bin = bins[Math.min(BINS - 1, Math.floor(p * BINS))]!
    bin.p += p
    bin.right += Number(truth === guess)
  }
  return bins.reduce((sum, { p, right }) => sum + Math.abs(p - right), 0) / verdicts.length
}

function confusionOf(verdicts: readonly Verdict[]): Record<string, Record<string, number>> {
  const confusion: Record<string, Record<string, number>> = {}
  for (const { truth, told } of verdicts) {
    if (truth === told) continue
    const row = confusion[truth] ?? {}
    confusion[truth] = row
    row[told ?? ''] = (row[told ?? ''] ?? 0) + 1
  }
  return confusion
}

/** How often one of the first is above one of the second, ties half: the area under the curve (Hanley & McNeil 1982). */
export function areaUnderCurve(above: readonly number[], below: readonly number[]): number {
  const all = [...above.map((value) => ({ value, of: 1 })), ...below.map((value) => ({ value, of: 0 }))]
  all.sort((a, b) => a.value - b.value)
  let ranks = 0
  for (let i = 0; i < all.length; ) {
    let j = i
    while (j < all.length && all[j]!.value === all[i]!.value) j++
    for (let k = i; k < j; k++) ranks += all[k]!.of * ((i + 1 + j) / 2)
    i = j
  }
  return round((ranks - (above.length * (above.length + 1)) / 2) / (above.length * below.length))
}
