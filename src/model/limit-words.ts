/** A limit from what an author writes, and in words. Apart from its schema, which a browser need not load. */
import type { Limit } from './limit.ts'
import type { RateLimit } from './policy.ts'

/** One of the two is there: a manifest that says otherwise is refused. */
export function limitOf({ flowsPerSecond, bytesPerSecond }: RateLimit): Limit {
  return flowsPerSecond === undefined
    ? { unit: 'bytes', perSecond: bytesPerSecond! }
    : { unit: 'flows', perSecond: flowsPerSecond }
}

/** `20 new flows a second`: behind `at most` or `above`. */
export function limitText({ unit, perSecond }: Limit): string {
  return `${perSecond} ${unit === 'flows' ? 'new flows' : 'bytes'} a second`
}
