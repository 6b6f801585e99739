/** Whether what was learnt may be relied upon: an estimate in, a verdict with its why out, and the sentence people read. */
import type { GateVerdict, Unseen } from '../../model/gate.ts'

/** One conversation in twenty that nobody has seen is what a person would still look through. */
export const BAR = 0.05

export function judgeGate(unseen: Unseen, bar = BAR): GateVerdict {
  const said = { sentence: sentenceOf(unseen), bar, unseen }
  const why = waitingFor(unseen, bar)
  if (why !== null) return { verdict: 'wait', why, ...said }
  return { verdict: 'ready', why: `${basisOf(unseen)}; at most ${percent(unseen.high)} is unseen`, ...said }
}

function waitingFor(unseen: Unseen, bar: number): string | null {
  const { traffic, rules, once, blocks, high, share, reachMs, horizonMs } = unseen
  if (traffic === 0) return 'nothing was seen yet'
  if (reachMs < horizonMs || blocks < 2)
    return `${basisOf(unseen)}: what had no time to come back says nothing of the next ${spanText(horizonMs)}`
  if (once === rules) return `${basisOf(unseen)}: nothing came back, so nothing says where the new ends`
  if (share > bar) return `${basisOf(unseen)}; that is more than ${percent(bar)}`
  if (high > bar)
    return `${basisOf(unseen)}: too little to say less than ${percent(high)}, and ${percent(bar)} is allowed`
  return null
}

function basisOf({ traffic, rules, once, spanMs }: Unseen): string {
  return `${spanText(spanMs)} watched, ${count(traffic, 'conversation')} by ${count(rules, 'rule')}, ${once} of them met once`
}

export function sentenceOf({ share, low, high, traffic }: Unseen): string {
  if (traffic === 0) return 'no traffic seen yet'
  // An estimate that may be anything is none.
  if (low <= 0 && high >= 1) return 'how much of the traffic was not seen yet is not known'
  return `≈ ${percent(share)} of traffic not seen yet (${range(low, high)})`
}

/** Whole percents, one decimal below ten where it says more; never 0 for something, nor 100 for less than all. */
function percent(share: number): string {
  return `${digits(share)} %`
}

function digits(share: number): string {
  const p = 100 * share
  if (p > 0 && p < 0.1) return '< 0.1'
  if (p < 100 && p > 99.5) return '> 99'
  return p < 1 ? String(Math.round(10 * p) / 10) : String(Math.round(p))
}

const range = (low: number, high: number) =>
  digits(low) === digits(high) ? percent(high) : `${digits(low)}–${percent(high)}`

const count = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`

function spanText(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
}
