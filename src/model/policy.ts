/** Abstract rules over meaning, never over addresses unless the author wants that. What a policy says; decide/ resolves it. */
import { type Static, Type } from 'typebox'

export const MODES = ['off', 'observe', 'suggest', 'enforce'] as const
export type Mode = (typeof MODES)[number]
export const Mode = Type.Enum(MODES)

/** `90s`, `15m`, `4h`, `7d`. */
export const Duration = Type.String({ pattern: '^[1-9]\\d{0,4}(s|m|h|d)$', description: 'A span: 90s, 15m, 4h, 7d' })
export function durationMs(text: string): number {
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[text.slice(-1)]
  if (unit === undefined || !/^\d+[smhd]$/.test(text))
    throw new Error(`not a duration: ${JSON.stringify(text.slice(0, 20))}`)
  return Number(text.slice(0, -1)) * unit
}

const Labels = Type.Record(Type.String({ maxLength: 63 }), Type.String({ maxLength: 63 }), {
  minProperties: 1,
  additionalProperties: false,
})

/** Who a policy applies to. Several fields = all must hold; no field = every workload. */
export const SubjectSelector = Type.Object(
  {
    labels: Type.Optional(Labels),
    /** The *worn* persona, by name. */
    persona: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
    names: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 1000 })),
  },
  { additionalProperties: false },
)

/**
 * The other end. Each form resolves to a *set* of addresses; a set that resolves to nothing matches nothing (never
 * everything). `persona` matches assigned personas only in allow rules (belief never grants).
 */
export const PeerSelector = Type.Union([
  Type.Object({ any: Type.Literal(true) }, { additionalProperties: false }),
  Type.Object(
    {
      cidr: Type.String({ minLength: 3, maxLength: 64 }),
      except: Type.Optional(Type.Array(Type.String({ minLength: 3, maxLength: 64 }), { maxItems: 100 })),
    },
    { additionalProperties: false },
  ),
  Type.Object({ labels: Labels }, { additionalProperties: false }),
  Type.Object({ persona: Type.String({ minLength: 1, maxLength: 63 }) }, { additionalProperties: false }),
  Type.Object(
    {
      reputation: Type.Object(
        {
          /** Matches rated addresses with a score below this. */
          below: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
          /** The reputation of an unrated address is not a number, so a rule must say. */
          unrated: Type.Union([Type.Literal('allow'), Type.Literal('deny')], {
            description: 'allow or deny, for addresses that no feed rates',
          }),
        },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false },
  ),
])
export type PeerSelector = Static<typeof PeerSelector>

const Port = Type.Integer({ minimum: 1, maximum: 65535 })
/** No `ports` in a rule = every protocol and port. */
export const PortMatch = Type.Union([
  Type.Object(
    {
      protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp')]),
      port: Type.Optional(Port),
      to: Type.Optional(Port),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { protocol: Type.Literal('icmp'), type: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })) },
    { additionalProperties: false },
  ),
])
export type PortMatch = Static<typeof PortMatch>

export const PolicyRule = Type.Object(
  {
    action: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
    direction: Type.Union([Type.Literal('egress'), Type.Literal('ingress')]),
    peers: Type.Array(PeerSelector, { minItems: 1, maxItems: 100 }),
    ports: Type.Optional(Type.Array(PortMatch, { minItems: 1, maxItems: 100 })),
    description: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
)
export type PolicyRule = Static<typeof PolicyRule>

export const PolicyTest = Type.Object(
  {
    from: Type.String({ minLength: 1, maxLength: 128 }),
    to: Type.String({ minLength: 1, maxLength: 128 }),
    protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('icmp')]),
    port: Type.Optional(Port),
    expect: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
  },
  { additionalProperties: false },
)
export type PolicyTest = Static<typeof PolicyTest>

export const Policy = Type.Object(
  {
    mode: Type.Optional(Mode),
    /** Smaller comes first. Within one priority: by name. */
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, default: 1000 })),
    subjects: Type.Optional(SubjectSelector),
    /** CEL over the workload's context; absent = always. */
    when: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    rules: Type.Array(PolicyRule, { minItems: 1, maxItems: 500 }),
    /** Every automatic deny ends: how long this policy's effect lasts once `when` made it so. */
    ttl: Type.Optional(Duration),
    tests: Type.Optional(Type.Array(PolicyTest, { maxItems: 500 })),
  },
  { additionalProperties: false },
)
export type Policy = Static<typeof Policy>
