/** What a containment that cuts nothing off lets through, in words. */
import { t } from 'i18next'
import type { DesiredState } from '../../../src/model/desired.ts'

/** Empty where there is no bound. */
export function boundWords({ limit }: NonNullable<DesiredState['containment']>): string {
  return limit === undefined ? '' : t(`profile.bound.${limit.unit}`, { number: limit.perSecond.toLocaleString('en') })
}
