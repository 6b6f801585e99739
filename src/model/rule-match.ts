import { type Static, Type } from 'typebox'

const SetName = Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,64}$' })
const CidrText = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}(/\\d{1,3})?$' })

/**
 * What a rule matches, always on the conntrack *original* tuple. `peer` is the end that is not the workload: the
 * original destination for egress, the original source for ingress. A set that is empty or unknown matches nothing.
 */
export const RuleMatch = Type.Object(
  {
    peer: Type.Union([
      Type.Object({ kind: Type.Literal('any') }, { additionalProperties: false }),
      /** Addresses from a named set, which changes without a reload; `not` = everything outside it. */
      Type.Object(
        { kind: Type.Literal('set'), set: SetName, not: Type.Optional(Type.Boolean()) },
        { additionalProperties: false },
      ),
      Type.Object(
        { kind: Type.Literal('cidr'), cidr: CidrText, except: Type.Optional(Type.Array(CidrText, { maxItems: 100 })) },
        { additionalProperties: false },
      ),
    ]),
    /**
     * null = any protocol. Ports are the original destination port; ICMP matches the type. Ranges inclusive. `icmp` is
     * both families, and 8, echo request, stands for ICMPv6's 128 as well; `icmp6` is IPv6 alone, its types as they are.
     */
    service: Type.Union([
      Type.Null(),
      Type.Object(
        {
          protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('sctp')]),
          from: Type.Integer({ minimum: 1, maximum: 65535 }),
          to: Type.Integer({ minimum: 1, maximum: 65535 }),
        },
        { additionalProperties: false },
      ),
      Type.Object({ protocol: Type.Literal('tcp-any') }, { additionalProperties: false }),
      Type.Object({ protocol: Type.Literal('udp-any') }, { additionalProperties: false }),
      Type.Object({ protocol: Type.Literal('sctp-any') }, { additionalProperties: false }),
      Type.Object(
        {
          protocol: Type.Union([Type.Literal('icmp'), Type.Literal('icmp6')]),
          type: Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 255 })]),
        },
        { additionalProperties: false },
      ),
    ]),
  },
  { additionalProperties: false },
)
export type RuleMatch = Static<typeof RuleMatch>
