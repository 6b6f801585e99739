/**
 * How much of a workload's traffic of the next day nobody has seen yet. In: its conversations so far, each by the rule
 * that would allow it (`rule-of.ts`), counted by occasions (a rule used in one step of five minutes), and the span they
 * were watched for. Out: the share that a policy learnt from them would refuse, with an interval for one horizon. Pure.
 *
 * Turing's formula (Good 1953): what occurred once tells how much has not occurred. It holds for draws that could have
 * come in any order, and traffic comes in bursts: so the draws are blocks of time, and "once" is "in one block"
 * (incidence data; the second-order term as in Chao & Jost 2012, Ecology 93). Where order matters all the same (a scan
 * never repeats itself, a workload changes), the formula is wrong in a way that the past shows: it is asked at several
 * moments of the span what it would have said, and raised by what came beyond that (`rehearse`).
 */
import type { Unseen } from '../../model/gate.ts'
import { CONVERSATION_MS } from '../../model/window.ts'
import { type Counts, countBlocks, foldBlocks } from './blocks.ts'
import { predictShare } from './predictive.ts'

export type Occasion = {
  /** the rule that would allow it */
  readonly rule: string
  /** epoch ms */
  readonly at: number
  /** How much traffic it stands for: 1 for an occasion, or its flows. */
  readonly weight: number
}

export type Watch = { readonly from: number; readonly until: number; readonly horizonMs: number }

/** What the store and the wire count by. */
export const STEP_MS = CONVERSATION_MS
/** The formula needs some blocks to be in; of longer ones, more of what belongs together falls into one. */
const BLOCKS = 12
/** Parts of the span after which the formula is tried on the rest: what a shorter past says is another question. */
const TRIED_AFTER = [1 / 2, 5 / 8, 3 / 4]

export function estimateUnseen(occasions: readonly Occasion[], { from, until, horizonMs }: Watch): Unseen {
  const inside = occasions.filter(({ at, weight }) => at >= from && at < until && weight > 0)
  // What was there before the first sign of life is nobody's silence.
  const first = inside.reduce((least, { at }) => Math.min(least, at), until)
  const spanMs = Math.max(0, until - first)
  const counts = countsOf(inside, { from: first, until, horizonMs })
  const trial = rehearse(inside, { from: first, until, horizonMs })
  const share = Math.min(1, turingOf(counts) + (trial?.shift ?? 0))
  // Nothing unseen can be estimated farther ahead than log n times what was watched (Orlitsky, Suresh & Wu 2016).
  const reachMs = spanMs * Math.log(Math.max(1, counts.weight / counts.burst))
  const range =
    reachMs < horizonMs
      ? { low: 0, high: 1 }
      : rangeOf(share, counts, { horizons: spanMs / horizonMs, shift: trial?.shift ?? 0 })
  const { weight, rules, once, blocks } = counts
  const rehearsed = trial === null ? null : { said: trial.said, came: trial.came }
  return { share, ...range, traffic: weight, rules, once, blocks, spanMs, horizonMs, reachMs, rehearsed }
}

function countsOf(occasions: readonly Occasion[], { from, until, horizonMs }: Watch): Counts {
  const blockMs = blockOf(until - from, horizonMs)
  return countBlocks(foldBlocks(occasions, from, blockMs), horizonMs / blockMs)
}

function blockOf(spanMs: number, horizonMs: number): number {
  const even = Math.ceil(spanMs / BLOCKS / STEP_MS) * STEP_MS
  return Math.max(STEP_MS, Math.min(horizonMs, even))
}

/** The share of what lies in one block only; less where many rules came twice, for then few are left. */
function turingOf({ weight, onceWeight, once, twice, blocks }: Counts): number {
  if (weight === 0) return 1
  const rest = (blocks - 1) * once
  const secondOrder = once === 0 || blocks < 2 ? 1 : rest / (rest + 2 * twice)
  return (onceWeight / weight) * secondOrder
}

type Trial = {
  readonly said: number
  readonly came: number
  /** What is added to the formula. */
  readonly shift: number
}

/**
 * What the formula would have said at some moments, against what came after them. The difference is believed as far as it
 * is greater than chance makes it (James & Stein's factor, not below zero). Only upwards: a gate that learns from good
 * luck opens too soon.
 */
function rehearse(occasions: readonly Occasion[], { from, until, horizonMs }: Watch): Trial | null {
  const trials = TRIED_AFTER.flatMap((part) => {
    const border = from + Math.floor(((until - from) * part) / STEP_MS) * STEP_MS
    const [before, after] = [occasions.filter(({ at }) => at < border), occasions.filter(({ at }) => at >= border)]
    if (before.length === 0 || after.length === 0) return []
    const counts = countsOf(before, { from, until: border, horizonMs })
    const rest = countsOf(after, { from: border, until, horizonMs })
    const known = new Set(before.map(({ rule }) => rule))
    const unknown = after.reduce((sum, { rule, weight }) => sum + (known.has(rule) ? 0 : weight), 0)
    const said = turingOf(counts)
    const [drawn, judged] = [counts.weight / counts.burst, rest.weight / rest.burst]
    // Half a draw on either side: nobody is certain after a few.
    const p = (said * drawn + (unknown / rest.weight) * judged + 0.5) / (drawn + judged + 1)
    return [{ said, came: unknown / rest.weight, variance: p * (1 - p) * (1 / drawn + 1 / judged) }]
  })
  if (trials.length === 0) return null
  const mean = (pick: (trial: (typeof trials)[number]) => number) =>
    trials.reduce((sum, trial) => sum + pick(trial), 0) / trials.length
  const [said, came] = [mean((trial) => trial.said), mean((trial) => trial.came)]
  const beyond = Math.max(0, came - said)
  // The trials share most of their past: their mean is no surer than one of them.
  const chance = mean((trial) => trial.variance)
  return { said, came, shift: beyond === 0 ? 0 : beyond * Math.max(0, 1 - chance / beyond ** 2) }
}

/** What is new comes in bursts (compound Poisson): the draws that count are fewer than the traffic by that factor. */
function rangeOf(
  share: number,
  { weight, burst }: Counts,
  { horizons, shift }: { readonly horizons: number; readonly shift: number },
): { readonly low: number; readonly high: number } {
  const toCome = weight / burst / horizons
  // What the other hours of a day bring is not among the draws before a day was watched.
  const drawn = (weight / burst) * Math.min(1, horizons)
  // A correction that was needed once may be half wrong the next time.
  const own = (share * (1 - share)) / drawn
  const sure = own > 0 ? own / (own + (shift / 2) ** 2) : 1
  return predictShare(share, drawn * sure, toCome)
}
