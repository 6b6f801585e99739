/** What a containment leaves, in words. */
import { t } from 'i18next'
import type { Hold } from '../../../src/model/containment.ts'
import type { Limit } from '../../../src/model/limit.ts'

/** Empty where there is no bound. */
export function boundWords(limit: Limit | undefined): string {
  return limit === undefined ? '' : t(`profile.bound.${limit.unit}`, { number: limit.perSecond.toLocaleString('en') })
}

/** Which of the sentences about it is true. */
export function heldAs({ directions, limit }: Hold): Hold['directions'] | 'egressBound' {
  return directions === 'egress' && limit !== undefined ? 'egressBound' : directions
}
