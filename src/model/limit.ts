/** So much a second and no more: as a rule or a containment holds it, as an author writes it, and in words. */
import { type Static, Type } from 'typebox'
import type { RateLimit } from './policy.ts'

/** New flows, or bytes, per second. */
export const Limit = Type.Object(
  {
    unit: Type.Union([Type.Literal('flows'), Type.Literal('bytes')]),
    perSecond: Type.Integer({ minimum: 1, maximum: 10_000_000_000 }),
  },
  { additionalProperties: false },
)
export type Limit = Static<typeof Limit>

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
