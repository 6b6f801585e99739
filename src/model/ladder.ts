/** A persona's risk ladder: what is taken away at which risk, beside its `mitigationRules`. A step holds all below it, too. */
import { type Static, Type } from 'typebox'
import { Dlp } from './facets/dlp.ts'
import { Duration, PolicyRule } from './policy.ts'

const closed = { additionalProperties: false } as const

export const LadderStep = Type.Object(
  {
    /** Taken at this risk; left only below `at` - 0.1, and not before `dwell`. */
    at: Type.Number({ minimum: 0.1, maximum: 1 }),
    /** Denies (or rejects) that stand before every other rule. */
    rules: Type.Optional(Type.Array(PolicyRule, { minItems: 1, maxItems: 100 })),
    /** Rates are multiplied by this. */
    bandwidth: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
    inspection: Type.Optional(Type.Union([Type.Literal('flows'), Type.Literal('signatures'), Type.Literal('full')])),
    /** What may leave, on top of the profile's own. */
    dlp: Type.Optional(Dlp),
    /** Everything outbound, or everything, as a containment. */
    deny: Type.Optional(Type.Union([Type.Literal('egress'), Type.Literal('both')])),
    /** How long it lasts at most unless the risk is still there; then it is renewed in its last third. */
    ttl: Type.Optional(Duration),
    dwell: Type.Optional(Duration),
  },
  closed,
)
export type LadderStep = Static<typeof LadderStep>

export const Ladder = Type.Array(LadderStep, { minItems: 1, maxItems: 10 })
export type Ladder = Static<typeof Ladder>

/** A step is left only when the risk is this far below it. */
export const HYSTERESIS = 0.1
export const STEP_TTL = '15m'
export const STEP_DWELL = '2m'

/** What a resolved state says of the step it is on. */
export const OnStep = Type.Object(
  {
    at: Type.Number({ minimum: 0, maximum: 1 }),
    /** epoch ms; when it was taken, when it ends unless it is renewed */
    since: Type.Number(),
    until: Type.Number(),
    why: Type.Object(
      {
        rule: Type.String({ maxLength: 160 }),
        text: Type.String({ maxLength: 500 }),
        persona: Type.String({ maxLength: 64 }),
      },
      closed,
    ),
  },
  closed,
)
export type OnStep = Static<typeof OnStep>
