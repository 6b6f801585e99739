/** Amounts of what a workload uses, short enough for a small picture. */
import { t } from 'i18next'
import { bytes, count, duration, rate } from '../../format.ts'
import type { FigureTold } from '../../nouns.ts'
import { metricAmount } from './amount.ts'

const NBSP = '\u00a0'

/** Of `now`, `mean`, `most`: `0.31 cores`, `12 MB/s`, `4/min`. */
export function usageAmount(value: number, unit: string): string {
  if (unit === 'cores') return t('usage.cores', { n: coresWords(value) }).replace(' cores', `${NBSP}cores`)
  if (unit === 'bytes') return bytes(value)
  if (unit === 'bytes/s') return rate(value)
  if (!unit.endsWith('/s')) return metricAmount(value, unit)
  // A program in five minutes is no 0.0033 a second to anybody.
  if (value === 0 || value >= 1) return t('usage.perSecond', { n: metricAmount(value, unit) })
  const perMinute = value * 60
  return t('usage.perMinute', { n: perMinute < 0.1 ? t('usage.under', { n: 0.1 }) : metricAmount(perMinute, unit) })
}

/** Of `total`: what a rate added up to. */
export function usageTotal(total: number, unit: string): string {
  if (unit === 'cores') return duration(total * 1_000)
  return unit === 'bytes/s' ? bytes(total) : count(total)
}

/** What stands below its picture. */
export function usageBelow({ mean, most, total, unit, why }: FigureTold, limit: number | null, shown: number): string {
  if (mean === null || most === null) return why ?? ''
  if (limit !== null && limit > 0)
    return t('usage.ofLimit', { share: `${Math.round((shown / limit) * 100)}${NBSP}%`, limit: bytes(limit) })
  const said = { mean: usageAmount(mean, unit), most: usageAmount(most, unit) }
  return total === null ? t('usage.mean', said) : t('usage.most', { ...said, total: usageTotal(total, unit) })
}

function coresWords(value: number): string {
  if (value > 0 && value < 0.01) return t('usage.under', { n: 0.01 })
  return value < 9.95 ? String(Number(value.toFixed(value < 1 ? 2 : 1))) : count(value)
}
