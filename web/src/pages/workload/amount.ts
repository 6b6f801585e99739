/** Amounts of metrics and features with their unit, short enough for a small picture; and where they stand on a scale of logs. */
import { t } from 'i18next'
import type { FeatureStanding } from '../../../../src/model/feature-standing.ts'
import { bytes, count, duration } from '../../format.ts'

/** `12 MB`, `38 ms`, `214`: of a metric, whose unit says what is counted. */
export function metricAmount(value: number, unit: string): string {
  if (unit === 'bytes') return bytes(value)
  if (unit === 'ms') return duration(value)
  return value > 0 && value < 9.95 ? String(Number(value.toFixed(1))) : count(value)
}

export function featureAmount(value: number, unit: FeatureStanding['unit']): string {
  switch (unit) {
    case 'share':
      return `${Math.round(value * 100)}\u00a0%`
    case 'bytes':
      return bytes(value)
    case 'bytes per minute':
      return t('features.perMinute', { n: bytes(value) })
    case 'flows per minute':
      return t('features.perMinute', { n: metricAmount(value, 'flows') })
    case 'bits':
      return t('features.bits', { n: value.toFixed(1) })
    case 'ms':
      return duration(value)
    default:
      return metricAmount(value, unit)
  }
}

/** Amounts span many powers of ten: small ones by themselves, large ones by their logarithm. */
export const onLogs = (value: number, grain: number): number => Math.log1p(Math.max(0, value) / grain)
