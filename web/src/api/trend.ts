/** Recent rates per workload, for the sparkline of a row: what this page itself has seen, not a stored history. */
import type { WorkloadRecord } from '../nouns.ts'

const TREND_POINTS = 32

const trends = new Map<string, number[]>()
/** Bytes per second of a workload since the page was opened, oldest first. */
export function trendOf(id: string): readonly number[] {
  return trends.get(id) ?? []
}
/** Called with every fresh reading of the fleet. */
export function noteRates(workloads: readonly WorkloadRecord[]): void {
  for (const w of workloads) {
    const trend = trends.get(w.id) ?? []
    trend.push(w.rate.out + w.rate.in)
    if (trend.length > TREND_POINTS) trend.shift()
    trends.set(w.id, trend)
  }
}
