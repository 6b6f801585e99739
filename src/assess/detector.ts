/** The seam of a detector: batches in, evidence out, state under a bound. */
import type { Evidence } from '../model/evidence.ts'
import type { FlowBatch } from '../model/flow.ts'
import type { TripleTable } from '../model/triple-table.ts'
import type { Ends } from './ends.ts'

export type Finding = { readonly subject: string; readonly evidence: Evidence }

export type Detector = {
  readonly name: string
  /** What is younger than this is still judged: it is not forgotten to make room. */
  readonly spanMs: number
  /** Keys it holds state for, and rows it could not take in because that was full. */
  readonly held: number
  readonly refused: number
  /** `ends` has looked at the batch. */
  add(batch: FlowBatch, ends: Ends): void
  /** What is worth saying about keys with news since the last call; `now` is event time, epoch ms. */
  evaluate(now: number, ends: Ends): Evidence[]
  /** Drops every key without news since `before`, and every key with news from later than `after`: the clock was set back. */
  forget(before: number, after?: number): void
  /** Drops every key that blames one of these: its address is somebody else's now. */
  drop(sources: ReadonlySet<number>): void
}

/** Drops what stands in `all` under a number of `table` and is not kept, and the news of it. */
export function sweep<T extends { isNews: boolean }>(
  table: TripleTable,
  all: readonly T[],
  news: Set<T>,
  isKept: (one: T) => boolean,
): void {
  for (const one of news)
    if (!isKept(one)) {
      one.isNews = false
      news.delete(one)
    }
  table.sweep((number) => isKept(all[number]!))
}

/** Exact as a double for two numbers below 2²⁶. */
export function pairKey(high: number, low: number): number {
  return high * 67_108_864 + low
}
export const highOf = (pair: number): number => Math.floor(pair / 67_108_864)
export const lowOf = (pair: number): number => pair % 67_108_864

export function sayBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${Math.round(bytes)} B`
}

export function saySpan(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Number((ms / 3_600_000).toFixed(1))} h`
}
