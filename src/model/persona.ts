/** A named, versioned definition: how it is recognised, the profile it wears, and how it tightens under risk. */
import { type Static, Type } from 'typebox'
import { LEARNED_PERSONAS } from './belief.ts'
import { Bandwidth } from './facets/bandwidth.ts'
import { Dlp } from './facets/dlp.ts'
import { Inspection } from './facets/inspection.ts'
import { Cpu, Memory } from './facets/limits.ts'
import { MachineFacet } from './facets/machine.ts'
import { OnDeny } from './facets/on-deny.ts'
import { Packages } from './facets/packages.ts'
import { TlsWish } from './facets/tls.ts'
import { EgressAddress, PublishedPorts } from './facets/translation.ts'
import { VpnWish } from './facets/vpn.ts'
import { Ladder } from './ladder.ts'
import { Overlap } from './overlap.ts'
import { Duration, PolicyRule, RateLimit } from './policy.ts'

/** Facets of a profile. A driver declares which it carries (facets.ts); the rest is refused loudly. */
export const FACETS = [
  'policies',
  'network',
  'dns',
  'vpn',
  'tls',
  'egressAddress',
  'publishedPorts',
  'redirects',
  'bandwidth',
  'cpu',
  'memory',
  'packages',
  'machine',
  'inspection',
  'fingerprint',
  'dlp',
  'onDeny',
] as const
export type Facet = (typeof FACETS)[number]

export const Profile = Type.Object(
  {
    /** Addresses inside the workload: `10.0.0.5/24`, `fd00::5/64`; gateway per family. */
    network: Type.Optional(
      Type.Object(
        {
          addresses: Type.Array(Type.String({ minLength: 3, maxLength: 64 }), { minItems: 1, maxItems: 16 }),
          gateways: Type.Optional(Type.Array(Type.String({ minLength: 2, maxLength: 64 }), { maxItems: 2 })),
          /** Ways beside the default: `to` a network, `via` an address on its link. */
          routes: Type.Optional(
            Type.Array(
              Type.Object(
                { to: Type.String({ minLength: 3, maxLength: 64 }), via: Type.String({ minLength: 2, maxLength: 64 }) },
                { additionalProperties: false },
              ),
              { maxItems: 32 },
            ),
          ),
          /** Bytes of the greatest packet; 1280 is the least that IPv6 allows (RFC 8200 §5). */
          mtu: Type.Optional(Type.Integer({ minimum: 1_280, maximum: 65_535 })),
        },
        { additionalProperties: false },
      ),
    ),
    dns: Type.Optional(
      Type.Object(
        {
          servers: Type.Array(Type.String({ minLength: 2, maxLength: 64 }), { minItems: 1, maxItems: 3 }),
          search: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9.-]{1,253}$' }), { maxItems: 6 })),
        },
        { additionalProperties: false },
      ),
    ),
    /** The persona's own rules, in order, and what happens to the rest. */
    rules: Type.Optional(Type.Array(PolicyRule, { maxItems: 500 })),
    default: Type.Optional(
      Type.Object(
        {
          egress: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
          ingress: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
        },
        { additionalProperties: false },
      ),
    ),
    vpn: Type.Optional(VpnWish),
    tls: Type.Optional(TlsWish),
    egressAddress: Type.Optional(EgressAddress),
    publishedPorts: Type.Optional(PublishedPorts),
    bandwidth: Type.Optional(Bandwidth),
    cpu: Type.Optional(Cpu),
    memory: Type.Optional(Memory),
    packages: Type.Optional(Packages),
    machine: Type.Optional(MachineFacet),
    inspection: Type.Optional(Inspection),
    fingerprint: Type.Optional(Type.Unknown()),
    /** What may leave it. */
    dlp: Type.Optional(Dlp),
    /** `reset`: a change that denies what it has open ends the sockets of it, at once. Absent: these are left to wait. */
    onDeny: Type.Optional(OnDeny),
  },
  { additionalProperties: false },
)
export type Profile = Static<typeof Profile>

/** `redirect` is a word of the language without a driver yet: refused as facet-not-supported. */
export const MITIGATIONS = ['deny', 'limit', 'redirect', 'isolate', 'shift'] as const
export const MitigationRule = Type.Object(
  {
    /** CEL over `risk`, `belief`, `evidence`, `workload`. */
    when: Type.String({ minLength: 1, maxLength: 2000 }),
    /** limit = as worn, up to `limit`; deny = its outbound; isolate = both directions; shift = wear `persona` instead. */
    do: Type.Enum(MITIGATIONS),
    /** Of the flows it opens, and of those that are opened to it, by themselves each: what is above it is denied. */
    limit: Type.Optional(RateLimit),
    persona: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
    ttl: Duration,
  },
  { additionalProperties: false },
)
export type MitigationRule = Static<typeof MitigationRule>

export const PersonaSpec = Type.Object(
  {
    /** The learned class this persona is recognised by. */
    recognisedAs: Type.Optional(Type.Enum(LEARNED_PERSONAS)),
    /** Raises risk by itself when believed. Scanner and Compromised do unless this says false. */
    alarming: Type.Optional(Type.Boolean()),
    profile: Type.Optional(Profile),
    mitigationRules: Type.Optional(Type.Array(MitigationRule, { maxItems: 50 })),
    ladder: Type.Optional(Ladder),
    /** How its wearers wear it beside others; a policy's word goes before it. */
    overlap: Type.Optional(Overlap),
  },
  { additionalProperties: false },
)
export type PersonaSpec = Static<typeof PersonaSpec>
