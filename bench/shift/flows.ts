/**
 * Which flows run while a workload shifts, and the two personas between which it does: some flows are permitted by both,
 * some by one alone, and some are none of its business. `egress` = the workload asks, `ingress` = it is asked.
 */
import type { AgentState, DesiredState, ResolvedRule, RuleList } from '../../src/model/desired.ts'

export type Worn = 'both' | 'first' | 'second' | 'nobody'
export type StreamPlan = {
  readonly name: string
  readonly protocol: 'tcp' | 'udp'
  /** Names of workloads. */
  readonly asks: string
  readonly asked: string
  readonly source: string
  readonly target: string
  readonly port: number
  readonly permittedBy: Worn
}

/** Names and addresses as `makeRange` gives them. */
const V4 = { wa: '10.77.1.2', wb: '10.77.2.2', wc: '10.77.3.2' } as const
const V6 = { wa: 'fd77:0:1::2', wb: 'fd77:0:2::2', wc: 'fd77:0:3::2' } as const
type Name = keyof typeof V4

const PORTS: Readonly<Record<Worn, number>> = { both: 7_000, first: 7_100, second: 7_200, nobody: 7_300 }

function plan(permittedBy: Worn, protocol: 'tcp' | 'udp', asks: Name, asked: Name, family: 4 | 6 = 4): StreamPlan {
  const addresses = family === 4 ? V4 : V6
  const port = PORTS[permittedBy] + (family === 6 ? 10 : 0) + (asks === 'wa' ? 0 : 20)
  const name = `${protocol}${family} ${asks}→${asked} ${permittedBy}`
  return { name, protocol, asks, asked, source: addresses[asks], target: addresses[asked], port, permittedBy }
}

export const PLANS: readonly StreamPlan[] = [
  plan('both', 'tcp', 'wa', 'wb'),
  plan('both', 'udp', 'wa', 'wb'),
  plan('both', 'tcp', 'wa', 'wb', 6),
  plan('both', 'udp', 'wc', 'wa', 6),
  plan('both', 'tcp', 'wc', 'wa'),
  ...(['first', 'second'] as const).flatMap((worn) => [
    plan(worn, 'tcp', 'wa', 'wb'),
    plan(worn, 'udp', 'wa', 'wb'),
    plan(worn, 'udp', 'wc', 'wa'),
  ]),
  // Between the two others, who never shift: what this machine does to flows by itself.
  plan('nobody', 'tcp', 'wc', 'wb'),
  plan('nobody', 'udp', 'wc', 'wb'),
]

export function permits(variant: 0 | 1, worn: Worn): boolean {
  return worn === 'both' || worn === 'nobody' || worn === (variant === 0 ? 'first' : 'second')
}

function rules(variant: 0 | 1, direction: string): RuleList {
  const allow = (from: number, protocol: 'tcp' | 'udp'): ResolvedRule => ({
    verdict: 'allow',
    match: { peer: { kind: 'any' }, service: { protocol, from, to: from + 99 } },
    why: { rule: `shift/${direction}/${protocol}/${from}`, text: 'what this persona needs' },
  })
  const ports = [PORTS.both, variant === 0 ? PORTS.first : PORTS.second]
  return {
    rules: ports.flatMap((from) => [allow(from, 'tcp'), allow(from, 'udp')]),
    otherwise: 'deny',
    why: { rule: 'default-deny', text: 'nothing else may' },
  }
}

const OPEN: RuleList = { rules: [], otherwise: 'allow', why: { rule: 'default-allow', text: 'whatever it likes' } }

/** By who asks: a peer that changes its address must stay who it is, for as long as it uses the old one. */
const FRIENDS: RuleList = {
  rules: [
    {
      verdict: 'allow',
      match: { peer: { kind: 'set', set: 'friends' }, service: null },
      why: { rule: 'shift/friends', text: 'whoever is known here' },
    },
  ],
  otherwise: 'deny',
  why: { rule: 'default-deny', text: 'nothing else may' },
}

/** What differs between the two personas besides their rules. */
export type Worns = { readonly facets: 'rules' | 'whole'; readonly address: 'same' | 'changes' }
const MBIT = 1_000_000
/** What the shifting workload has instead of its own addresses. */
const OTHER = { v4: '10.99.0.5', v6: 'fd99::5' } as const

function facetsOf(variant: 0 | 1, { facets, address }: Worns): Partial<DesiredState> {
  const rate = { rate: (200 + 100 * variant) * MBIT, ceiling: (200 + 100 * variant) * MBIT }
  return {
    ...(facets === 'rules'
      ? {}
      : {
          dns: { servers: [`10.77.53.5${variant}`], search: [`v${variant}.lab.internal`] },
          bandwidth: { down: rate, up: rate },
          cpu: { cores: 1 + variant, weight: 50 + variant },
        }),
    ...(address === 'same'
      ? {}
      : {
          network:
            variant === 0
              ? { addresses: [`${V4.wa}/24`, `${V6.wa}/64`], gateways: ['10.77.1.1', 'fd77:0:1::1'] }
              : { addresses: [`${OTHER.v4}/24`, `${OTHER.v6}/64`], gateways: ['10.99.0.1', 'fd99::1'] },
        }),
  }
}

/** `spaces`: keys of wa, wb and wc. The third stands for a fleet: it wears what the first may shift to, as others do. */
export function stateOf(spaces: readonly string[], n: number, variant: 0 | 1, worns: Worns): AgentState {
  const wears = (key: string, name: string, egress: RuleList, ingress: RuleList): DesiredState => ({
    workload: name,
    key,
    persona: { id: name, name, version: 1 },
    egress,
    ingress,
    containment: null,
  })
  const workloads = spaces.map((key, i) =>
    i === 0
      ? { ...wears(key, 'wa', rules(variant, 'egress'), rules(variant, 'ingress')), ...facetsOf(variant, worns) }
      : wears(key, i === 1 ? 'wb' : 'wc', OPEN, i === 1 ? FRIENDS : OPEN),
  )
  const own = worns.address === 'changes' && variant === 1 ? [OTHER.v4, OTHER.v6] : [V4.wa, V6.wa]
  return {
    generation: { system: 'shift', timeline: 1, n },
    plan: `plan-${n}`,
    mode: 'enforce',
    workloads,
    sets: [{ name: 'friends', members: [...own, V4.wc, V6.wc] }],
    neverBlock: [],
    failSafe: [],
    confirmWithinMs: 20_000,
  }
}
