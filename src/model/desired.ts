/**
 * One workload's profile after resolution: every facet concrete, every rule with its why. Closed schemas, because a
 * server is not trusted by the agent beyond them: no shell strings, no paths, no URLs.
 */

import { type Static, Type } from 'typebox'
import { BandwidthWish } from './facets/bandwidth.ts'
import { DlpWish } from './facets/dlp.ts'
import { InspectionWish } from './facets/inspection.ts'
import { Cpu, MemoryWish } from './facets/limits.ts'
import { MachineWish } from './facets/machine.ts'
import { OnDeny } from './facets/on-deny.ts'
import { Packages } from './facets/packages.ts'
import { RedirectsWish } from './facets/redirects.ts'
import { Tls } from './facets/tls.ts'
import { EgressAddressWish, PublishedPortsWish } from './facets/translation.ts'
import { Vpn } from './facets/vpn.ts'
import { OnStep } from './ladder.ts'
import { Limit } from './limit.ts'
import { Merged } from './overlap.ts'
import { RuleMatch } from './rule-match.ts'

const Name = Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,64}$' })
const AddressText = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}$' })
const CidrText = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}(/\\d{1,3})?$' })

export const Verdict = Type.Union([Type.Literal('allow'), Type.Literal('deny')])
export type Verdict = Static<typeof Verdict>

export const WhySchema = Type.Object(
  {
    rule: Type.String({ maxLength: 160 }),
    text: Type.String({ maxLength: 500 }),
    policy: Type.Optional(Type.String({ maxLength: 64 })),
    persona: Type.Optional(Type.String({ maxLength: 64 })),
    /** Of that persona, where several are worn at once. */
    p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  { additionalProperties: false },
)

/** `reject` is a deny that answers (TCP reset, else ICMP administratively prohibited); `pass` skips the rest of its tier. */
export const RuleVerdict = Type.Union([Verdict, Type.Literal('reject'), Type.Literal('pass')])
export type RuleVerdict = Static<typeof RuleVerdict>

export const ResolvedRule = Type.Object(
  {
    verdict: RuleVerdict,
    match: RuleMatch,
    why: WhySchema,
    /** Rules of one list stand in tiers, lowest first; absent = 0. A tier that decides nothing leaves it to the next. */
    tier: Type.Optional(Type.Integer({ minimum: 0, maximum: 99 })),
    /** Of an `allow`: matches while below it, what is above is denied by the same rule. */
    limit: Type.Optional(Limit),
    /** Allowed flows are told as well, by the rule's id. */
    log: Type.Optional(Type.Literal(true)),
    /**
     * Of a `deny`: what it is about is only what goes out (of flows in either direction) above so many bytes within the
     * span that its first one began, per workload or for each of its peers; or the first packets of flows to a peer that
     * was asked for the first time less than so many seconds ago.
     */
    beyond: Type.Optional(
      Type.Union([
        Type.Object(
          {
            kind: Type.Literal('bytes'),
            bytes: Type.Integer({ minimum: 1, maximum: 2 ** 53 - 1 }),
            seconds: Type.Integer({ minimum: 1, maximum: 8_640_000_000 }),
            per: Type.Union([Type.Literal('workload'), Type.Literal('peer')]),
          },
          { additionalProperties: false },
        ),
        Type.Object(
          { kind: Type.Literal('new'), seconds: Type.Integer({ minimum: 1, maximum: 8_640_000_000 }) },
          { additionalProperties: false },
        ),
      ]),
    ),
  },
  { additionalProperties: false },
)
export type ResolvedRule = Static<typeof ResolvedRule>

/** Ordered, first match wins, then `otherwise`. Two workloads with equal rule lists share one chain in the kernel. */
export const RuleList = Type.Object(
  { rules: Type.Array(ResolvedRule, { maxItems: 5_000 }), otherwise: Verdict, why: WhySchema },
  { additionalProperties: false },
)
export type RuleList = Static<typeof RuleList>

export const DesiredState = Type.Object(
  {
    workload: Type.String({ maxLength: 64 }),
    /** Stable key on its agent: how the agent finds it again, never an ifindex. */
    key: Type.String({ maxLength: 128 }),
    persona: Type.Object(
      { id: Type.String({ maxLength: 64 }), name: Type.String({ maxLength: 64 }), version: Type.Integer() },
      { additionalProperties: false },
    ),
    egress: RuleList,
    ingress: RuleList,
    network: Type.Optional(
      Type.Object(
        {
          addresses: Type.Array(CidrText, { maxItems: 16 }),
          gateways: Type.Array(AddressText, { maxItems: 2 }),
          routes: Type.Optional(
            Type.Array(Type.Object({ to: CidrText, via: AddressText }, { additionalProperties: false }), {
              maxItems: 32,
            }),
          ),
          mtu: Type.Optional(Type.Integer({ minimum: 1_280, maximum: 65_535 })),
        },
        { additionalProperties: false },
      ),
    ),
    dns: Type.Optional(
      Type.Object(
        {
          servers: Type.Array(AddressText, { maxItems: 3 }),
          search: Type.Array(Type.String({ pattern: '^[a-z0-9.-]{1,253}$' }), { maxItems: 6 }),
        },
        { additionalProperties: false },
      ),
    ),
    /** Which personas it is merged from, when they are several. */
    merged: Type.Optional(Merged),
    /** The step of its persona's risk ladder that it is on, when it is on one. */
    ladder: Type.Optional(OnStep),
    bandwidth: Type.Optional(BandwidthWish),
    cpu: Type.Optional(Cpu),
    memory: Type.Optional(MemoryWish),
    egressAddress: Type.Optional(EgressAddressWish),
    publishedPorts: Type.Optional(PublishedPortsWish),
    vpn: Type.Optional(Vpn),
    tls: Type.Optional(Tls),
    /** What of it is no rule. */
    dlp: Type.Optional(DlpWish),
    packages: Type.Optional(Packages),
    machine: Type.Optional(MachineWish),
    inspection: Type.Optional(InspectionWish),
    redirects: Type.Optional(RedirectsWish),
    onDeny: Type.Optional(OnDeny),
    /**
     * Containment: only takes reach away and ends by itself. Judged by host-side probes alone and kept to its end when
     * the server is silent, so a quarantined workload cannot sabotage its probes and be released.
     */
    containment: Type.Union([
      Type.Null(),
      Type.Object(
        {
          /** Of the flows that it cuts off. */
          directions: Type.Union([Type.Literal('none'), Type.Literal('egress'), Type.Literal('both')]),
          /** Of those that it does not cut, in each direction by itself: what is above it is denied. */
          limit: Type.Optional(Limit),
          until: Type.Number(),
          why: WhySchema,
        },
        { additionalProperties: false },
      ),
    ]),
  },
  { additionalProperties: false },
)
export type DesiredState = Static<typeof DesiredState>

const DomainText = Type.String({ maxLength: 253, pattern: '^(\\*\\.)?([a-z0-9_-]{1,63}\\.)*[a-z0-9_-]{1,63}$' })

/**
 * Of a set that the agent adds to by itself, for a while each: addresses that answers of these resolvers gave for these
 * names. `use` = what the rules of the set do; one that denies spares the never-block list.
 */
export const Learned = Type.Object(
  {
    names: Type.Array(DomainText, { minItems: 1, maxItems: 100 }),
    resolvers: Type.Array(CidrText, { maxItems: 256 }),
    use: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
    /** Answers that lead into the home networks count as well. */
    inside: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
)
export type Learned = Static<typeof Learned>

/** Named address sets the rules refer to. CIDRs allowed; a change of membership is a set delta, not a rule reload. */
export const AddressSet = Type.Object(
  { name: Name, members: Type.Array(CidrText, { maxItems: 1_000_000 }), learned: Type.Optional(Learned) },
  { additionalProperties: false },
)
export type AddressSet = Static<typeof AddressSet>

/** (system identifier, timeline, n): a restored or failed-over server cannot silently roll the fleet back. */
export const Generation = Type.Object(
  { system: Type.String({ maxLength: 64 }), timeline: Type.Integer({ minimum: 0 }), n: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
)
export type Generation = Static<typeof Generation>

/** Everything an agent enforces, whole: no choices left to it, and no history needed. */
export const AgentState = Type.Object(
  {
    generation: Generation,
    plan: Type.String({ maxLength: 64 }),
    mode: Type.Union([Type.Literal('off'), Type.Literal('observe'), Type.Literal('suggest'), Type.Literal('enforce')]),
    workloads: Type.Array(DesiredState, { maxItems: 10_000 }),
    sets: Type.Array(AddressSet, { maxItems: 1_000 }),
    /** Addresses no automatic deny may ever hit, above everything, in both directions. */
    neverBlock: Type.Array(CidrText, { maxItems: 10_000 }),
    /** Fail-safe paths, pinned first: control plane, DNS, DHCP/RA/ND, the operator's session. */
    failSafe: Type.Array(
      Type.Object(
        {
          id: Type.String({ pattern: '^failsafe/[a-z0-9-]{1,40}$' }),
          direction: Type.Union([Type.Literal('egress'), Type.Literal('ingress'), Type.Literal('both')]),
          match: RuleMatch,
          why: WhySchema,
        },
        { additionalProperties: false },
      ),
      { maxItems: 100 },
    ),
    /** Undo by itself unless confirmed within this many milliseconds of applying. */
    confirmWithinMs: Type.Integer({ minimum: 1_000, maximum: 3_600_000 }),
  },
  { additionalProperties: false, $id: 'AgentState' },
)
export type AgentState = Static<typeof AgentState>
