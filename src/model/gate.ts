/** What stands before a learnt allow-list: how much of the next day's traffic nobody has seen yet, and what follows. */
import type { WorkloadId } from './ids.ts'

export type Unseen = {
  /** Share of the traffic of the next horizon, 0 to 1. */
  readonly share: number
  /** Where the share that comes will lie, 19 times in 20. */
  readonly low: number
  readonly high: number
  /** What it rests on: occasions (a rule used in a step of five minutes), or flows. */
  readonly traffic: number
  readonly rules: number
  /** Rules used in one block only. */
  readonly once: number
  /** Stretches of the span, alike in length, in which there was anything. */
  readonly blocks: number
  readonly spanMs: number
  readonly horizonMs: number
  /** How far ahead so much traffic can speak at all: not to the horizon, then the interval is everything. */
  readonly reachMs: number
  /** What the formula said on average at the moments it was tried at, and what came after them; null = too early. */
  readonly rehearsed: { readonly said: number; readonly came: number } | null
}

export type GateVerdict = {
  readonly verdict: 'ready' | 'wait'
  /** One sentence. */
  readonly why: string
  /** ≈ 3 % of traffic not seen yet (1–6 %) */
  readonly sentence: string
  /** The interval's upper end may not be above it. */
  readonly bar: number
  readonly unseen: Unseen
}

export type GateReport = GateVerdict & {
  /** A persona's: of all that are known by it, together. */
  readonly of: { readonly kind: 'Workload' | 'Persona'; readonly name: string }
  /** Conversations were read back to here, epoch ms. */
  readonly from: number
  readonly until: number
  /** Those of a persona, each for itself, the least known first. */
  readonly workloads: readonly (GateVerdict & { readonly id: WorkloadId; readonly name: string })[]
}
