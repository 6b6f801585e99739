/** What a series of drift says, window by window: what is outside its band, and where a regime begins. */
import type { DriftMetric, DriftSeries } from '../../nouns.ts'

export function isOutside({ value, low, high }: DriftMetric, i: number): boolean {
  const seen = value[i] ?? null
  return seen !== null && ((high[i] ?? null) !== null ? seen > high[i]! || seen < low[i]! : false)
}

/** The part from `from` on. */
export function since(series: DriftSeries, from: number): DriftSeries {
  const first = series.at.findIndex((at) => at >= from)
  const cut = <T>(column: readonly T[]) => (first < 0 ? [] : column.slice(first))
  return {
    ...series,
    at: cut(series.at),
    score: cut(series.score),
    regime: cut(series.regime),
    metrics: series.metrics.map((one) => ({
      ...one,
      value: cut(one.value),
      low: cut(one.low),
      high: cut(one.high),
    })),
  }
}

/** Ends of the windows with which another regime began. */
export function regimeChanges({ at, regime }: DriftSeries): number[] {
  return at.filter((_, i) => i > 0 && regime[i] !== regime[i - 1])
}
