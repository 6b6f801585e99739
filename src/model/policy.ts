/** Abstract rules over meaning, never over addresses unless the author wants that. What a policy says; decide/ resolves it. */
import { type Static, Type } from 'typebox'
import { Overlap } from './overlap.ts'

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

/** By the words of Kubernetes: `NotIn` and `DoesNotExist` also hold for a workload without the key. */
export const LabelExpression = Type.Object(
  {
    key: Type.String({ minLength: 1, maxLength: 63 }),
    operator: Type.Union([
      Type.Literal('In'),
      Type.Literal('NotIn'),
      Type.Literal('Exists'),
      Type.Literal('DoesNotExist'),
    ]),
    values: Type.Optional(Type.Array(Type.String({ maxLength: 63 }), { minItems: 1, maxItems: 100 })),
  },
  { additionalProperties: false },
)
export type LabelExpression = Static<typeof LabelExpression>
const LabelExpressions = Type.Array(LabelExpression, { minItems: 1, maxItems: 20 })

/** `port/web: 80/tcp` gives a workload's port a name; several with commas. */
export const PORT_LABEL = 'port/'

/** Who a policy applies to. Several fields = all must hold; no field = every workload. */
export const SubjectSelector = Type.Object(
  {
    labels: Type.Optional(Labels),
    matchExpressions: Type.Optional(LabelExpressions),
    /** The *worn* persona, by name. */
    persona: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
    names: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 1000 })),
  },
  { additionalProperties: false },
)

/** A name, or every name below one. Letters of any case; names beyond ASCII in their `xn--` form (RFC 5891). */
export const DOMAIN = /^(\*\.)?([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}$/
export const DomainPattern = Type.String({
  maxLength: 253,
  pattern: DOMAIN.source,
  description: 'A name such as example.com, or *.example.com',
})

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
  Type.Object({ labels: Labels, matchExpressions: Type.Optional(LabelExpressions) }, { additionalProperties: false }),
  Type.Object({ matchExpressions: LabelExpressions }, { additionalProperties: false }),
  /** Workloads by label, and of each the port it gives that name: carries its ports with it. */
  Type.Object(
    {
      service: Type.Object(
        { labels: Labels, port: Type.String({ minLength: 1, maxLength: 58 }) },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false },
  ),
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
  /** Every prefix of a country (ISO 3166-1 alpha-2), by a feed with `use: location`. */
  Type.Object(
    { geo: Type.String({ pattern: '^[A-Z]{2}$', description: 'A country: DE' }) },
    { additionalProperties: false },
  ),
  /** Every prefix that an autonomous system announces, by the same. */
  Type.Object({ asn: Type.Integer({ minimum: 1, maximum: 4_294_967_295 }) }, { additionalProperties: false }),
  /**
   * Whoever a name stands for, by what trusted resolvers answer workloads here: `example.com`, or `*.example.com` for every
   * name below it. Answers that lead into the home networks count only with `inside` (a name's owner says what it leads to).
   */
  Type.Object({ domain: DomainPattern, inside: Type.Optional(Type.Literal(true)) }, { additionalProperties: false }),
])
export type PeerSelector = Static<typeof PeerSelector>

const Port = Type.Integer({ minimum: 1, maximum: 65535 })
/** No `ports` in a rule = every protocol and port. */
export const PortMatch = Type.Union([
  Type.Object(
    {
      protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('sctp')]),
      port: Type.Optional(Port),
      to: Type.Optional(Port),
    },
    { additionalProperties: false },
  ),
  /** Both families; 8 (echo request) also stands for ICMPv6's 128. */
  Type.Object(
    { protocol: Type.Literal('icmp'), type: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })) },
    { additionalProperties: false },
  ),
  /** IPv6 alone, its types as they are. */
  Type.Object(
    { protocol: Type.Literal('icmp6'), type: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })) },
    { additionalProperties: false },
  ),
  /** A port by the name that the workload at the destination gives it (its label `port/NAME`). */
  Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 58 }),
      protocol: Type.Optional(Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('sctp')])),
    },
    { additionalProperties: false },
  ),
])
export type PortMatch = Static<typeof PortMatch>

/**
 * `reject` is a deny that answers; `pass` leaves the flow to the next tier, over the rest of this one; `redirect` is an allow,
 * and whatever the rules let through of what it matches goes to `to` instead, from the next flow on; `mirror` is an allow, and
 * what it matches is copied, both ways, to the sensor of the workload's host.
 */
export const Action = Type.Union([
  Type.Literal('allow'),
  Type.Literal('deny'),
  Type.Literal('reject'),
  Type.Literal('pass'),
  Type.Literal('redirect'),
  Type.Literal('mirror'),
])
export type Action = Static<typeof Action>

/** One of the two, per second: new flows, or bytes. */
export const RateLimit = Type.Object(
  {
    flowsPerSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000_000 })),
    bytesPerSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000_000 })),
  },
  { additionalProperties: false },
)
export type RateLimit = Static<typeof RateLimit>

export const PolicyRule = Type.Object(
  {
    action: Action,
    direction: Type.Union([Type.Literal('egress'), Type.Literal('ingress')]),
    peers: Type.Array(PeerSelector, { minItems: 1, maxItems: 100 }),
    ports: Type.Optional(Type.Array(PortMatch, { minItems: 1, maxItems: 100 })),
    /** Of an allow: what is above it is denied by the same rule. */
    limit: Type.Optional(RateLimit),
    /** Of a redirect: where its flows go; without a port, to the one they asked for. */
    to: Type.Optional(
      Type.Object(
        { address: Type.String({ minLength: 2, maxLength: 45 }), port: Type.Optional(Port) },
        { additionalProperties: false },
      ),
    ),
    /** Of an allow: its flows are told as well, by the rule. What is denied always is. */
    log: Type.Optional(Type.Boolean()),
    description: Type.Optional(Type.String({ maxLength: 200 })),
    /** Where an imported rule stands: file and line. */
    origin: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  { additionalProperties: false },
)
export type PolicyRule = Static<typeof PolicyRule>

export const PolicyTest = Type.Object(
  {
    from: Type.String({ minLength: 1, maxLength: 128 }),
    to: Type.String({ minLength: 1, maxLength: 128 }),
    protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('sctp'), Type.Literal('icmp')]),
    port: Type.Optional(Port),
    expect: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
  },
  { additionalProperties: false },
)
export type PolicyTest = Static<typeof PolicyTest>

/**
 * The order in which rules are asked, first to last; within a tier by priority, then name. The first rule that fits
 * decides, except `pass`; what no tier decides is left to the persona's default.
 */
export const TIER_ORDER = [
  { tier: 'admin', why: 'what nobody below may overrule: the rules of those who run the place' },
  { tier: 'policies', why: 'what is true of many workloads stands before what one persona says of itself' },
  { tier: 'persona', why: "the persona's own rules: what its wearers need, within the two above" },
  { tier: 'baseline', why: 'what holds unless somebody said otherwise, so everybody is asked before it' },
] as const
export type Tier = (typeof TIER_ORDER)[number]['tier']

export const Policy = Type.Object(
  {
    mode: Type.Optional(Mode),
    /** Where its rules stand; without one, `policies`. */
    tier: Type.Optional(Type.Union([Type.Literal('admin'), Type.Literal('policies'), Type.Literal('baseline')])),
    /** Smaller comes first. Within one priority: by name. */
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, default: 1000 })),
    subjects: Type.Optional(SubjectSelector),
    /** CEL over the workload's context; absent = always. */
    when: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    /** At least one, unless the policy is about `overlap`. */
    rules: Type.Array(PolicyRule, { maxItems: 500 }),
    /** Every automatic deny ends: how long this policy's effect lasts once `when` made it so. */
    ttl: Type.Optional(Duration),
    /** How its subjects wear several personas at once; of several policies the first by priority. */
    overlap: Type.Optional(Overlap),
    tests: Type.Optional(Type.Array(PolicyTest, { maxItems: 500 })),
  },
  { additionalProperties: false },
)
export type Policy = Static<typeof Policy>
