/** So much a second and no more, as a rule or a containment holds it. */
import { type Static, Type } from 'typebox'

/** New flows, or bytes, per second. */
export const Limit = Type.Object(
  {
    unit: Type.Union([Type.Literal('flows'), Type.Literal('bytes')]),
    perSecond: Type.Integer({ minimum: 1, maximum: 10_000_000_000 }),
  },
  { additionalProperties: false },
)
export type Limit = Static<typeof Limit>
