/**
 * A persona's profile and the policies that apply become two ordered rule lists, every rule with its why. The order is
 * `TIER_ORDER` (model/policy.ts), within a tier by priority, then name; then the persona's default. Only policies in mode
 * `enforce` are resolved into rules; what the others would do is said.
 */

import type { ResolvedRule, RuleList } from '../model/desired.ts'
import type { Mirrored } from '../model/facets/inspection.ts'
import type { Redirect } from '../model/facets/redirects.ts'
import { slug } from '../model/ids.ts'
import { limitOf } from '../model/limit-words.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import { type PeerSelector, type PolicyRule, type PortMatch, TIER_ORDER, type Tier } from '../model/policy.ts'
import type { RuleMatch } from '../model/rule-match.ts'
import { verdictOf } from '../model/verdict-of.ts'
import type { Why } from '../model/why.ts'
import type { Persona } from './effective.ts'
import { type LabelQuery, labelsSet } from './label-match.ts'
import { NO_PORT_NAMES, type PortNames, portLabel, portsOfLabel } from './named-ports.ts'
import {
  believedSet,
  type DomainMeaning,
  domainSet,
  personaSet,
  RATED,
  reputationSet,
  type SetMeaning,
} from './peer-sets.ts'
import { placeSet } from './places.ts'
import { ruleText } from './rule-text.ts'

export type Resolution = {
  readonly egress: RuleList
  readonly ingress: RuleList
  /** What policies in observe or suggest would add. */
  readonly wouldDo: readonly ResolvedRule[]
  /** Sets the rules name, with what each means. */
  readonly sets: ReadonlyMap<string, SetMeaning>
  /** Of rules that redirect, in the order of asking; in the lists they are allows. */
  readonly redirects: readonly Redirect[]
  /** The same of rules that mirror. */
  readonly mirrored: readonly Mirrored[]
}

type Sets = Map<string, SetMeaning>
type Tiered = {
  readonly tier: Tier
  readonly rule: ResolvedRule
  readonly leads?: PolicyRule['to']
  readonly mirrors: boolean
}

/** `policies` are those that apply to the workload now (subject and `when` already judged); `names`, what its ports and others' are called. */
export function resolve(
  persona: Persona,
  policies: readonly PolicyManifest[],
  names: PortNames = NO_PORT_NAMES,
): Resolution {
  const sets: Sets = new Map()
  const wouldDo: ResolvedRule[] = []
  const lists = { egress: [] as Tiered[], ingress: [] as Tiered[] }
  const sorted = sortPolicies(policies)
  for (const { tier } of TIER_ORDER) {
    if (tier === 'persona') addOwn(persona, lists, sets, names)
    for (const policy of sorted) if (tierOf(policy) === tier) addPolicy(policy, lists, wouldDo, sets, names)
  }
  const end = (direction: 'egress' | 'ingress'): RuleList => {
    const { ref, spec } = persona
    const otherwise = spec.profile?.default?.[direction] ?? 'allow'
    return {
      rules: withTiers(lists[direction]),
      otherwise,
      why: {
        rule: `default-${otherwise}`,
        text: `persona ${ref.name} ${otherwise === 'deny' ? 'denies' : 'allows'} ${direction} that no rule names`,
        persona: ref.name,
      },
    }
  }
  const redirects = lists.egress.flatMap(redirectOf)
  const mirrored = (['egress', 'ingress'] as const).flatMap((way) => lists[way].flatMap((one) => mirroredOf(way, one)))
  return { egress: end('egress'), ingress: end('ingress'), wouldDo, sets, redirects, mirrored }
}

export function sortPolicies(policies: readonly PolicyManifest[]): PolicyManifest[] {
  return [...policies].sort(
    (a, b) =>
      tierNumber(tierOf(a)) - tierNumber(tierOf(b)) ||
      (a.spec.priority ?? 1000) - (b.spec.priority ?? 1000) ||
      (slug(a.metadata.name) < slug(b.metadata.name) ? -1 : 1),
  )
}

function tierOf({ spec }: PolicyManifest): Tier {
  return spec.tier ?? 'policies'
}
function tierNumber(tier: Tier): number {
  return TIER_ORDER.findIndex((one) => one.tier === tier)
}

/** Without a `pass` the order alone says it all, and lists stay what they were before there were tiers. */
function withTiers(list: readonly Tiered[]): ResolvedRule[] {
  if (!list.some(({ rule }) => rule.verdict === 'pass')) return list.map(({ rule }) => rule)
  return list.map(({ tier, rule }) => ({ ...rule, tier: tierNumber(tier) }))
}

type Lists = Readonly<Record<'egress' | 'ingress', Tiered[]>>

function addPolicy(policy: PolicyManifest, lists: Lists, wouldDo: ResolvedRule[], sets: Sets, names: PortNames): void {
  const mode = policy.spec.mode ?? 'observe'
  if (mode === 'off') return
  const { name } = policy.metadata
  const tier = tierOf(policy)
  policy.spec.rules.forEach((rule, i) => {
    const resolved = resolveRule(rule, mode === 'enforce' ? sets : new Map(), names, (part) => ({
      rule: `${name}/${i}`.slice(0, 160),
      text: `policy ${name} rule ${i + 1}: ${ruleText(rule)}${part}${originText(rule)}`.slice(0, 500),
      policy: name,
    }))
    if (mode === 'enforce') lists[rule.direction].push(...resolved.map((one) => tiered(tier, one, rule)))
    else wouldDo.push(...resolved)
  })
}

function addOwn({ ref, spec }: Persona, lists: Lists, sets: Sets, names: PortNames): void {
  spec.profile?.rules?.forEach((rule, i) => {
    const resolved = resolveRule(rule, sets, names, (part) => ({
      rule: `persona:${ref.id}/${rule.action}/${i}`,
      text: `persona ${ref.name} rule ${i + 1}: ${ruleText(rule)}${part}${originText(rule)}`.slice(0, 500),
      persona: ref.name,
    }))
    lists[rule.direction].push(...resolved.map((one) => tiered('persona', one, rule)))
  })
}

function tiered(tier: Tier, rule: ResolvedRule, { action, to }: PolicyRule): Tiered {
  return { tier, rule, ...(to && { leads: to }), mirrors: action === 'mirror' }
}

/** A rule that redirects is of one address, and of TCP or UDP: a manifest that says otherwise is refused. */
function redirectOf({ rule: { match, why }, leads }: Tiered): Redirect[] {
  const { peer, service } = match
  if (leads === undefined || peer.kind !== 'cidr' || service === null) return []
  const { protocol } = service
  const [from, to] = 'from' in service ? [service.from, service.to] : [1, 65_535]
  const isTcp = protocol === 'tcp' || protocol === 'tcp-any'
  const { cidr, except = [] } = peer
  const { address, port = null } = leads
  return [{ rule: why.rule, cidr, except, protocol: isTcp ? 'tcp' : 'udp', from, to, address, port }]
}

/** A rule that mirrors is of addresses: a manifest that says otherwise is refused. */
function mirroredOf(direction: 'egress' | 'ingress', { rule: { match, why }, mirrors }: Tiered): Mirrored[] {
  return mirrors && match.peer.kind !== 'set' ? [{ rule: why.rule, direction, match }] : []
}

/** Of a redirect to everyone: to everyone of the family that it leads to. */
export function ofOneFamily(peer: PeerSelector, { to }: PolicyRule): PeerSelector {
  if (to === undefined || !('any' in peer)) return peer
  return { cidr: to.address.includes(':') ? '::/0' : '0.0.0.0/0' }
}

function originText({ origin }: PolicyRule): string {
  return origin === undefined ? '' : ` (${origin})`
}

type End = { readonly match: RuleMatch; readonly part: string }

function resolveRule(rule: PolicyRule, sets: Sets, names: PortNames, why: (part: string) => Why): ResolvedRule[] {
  const { limit, log } = rule
  const more = {
    ...(limit === undefined ? {} : { limit: limitOf(limit) }),
    ...(log === true ? { log: true as const } : {}),
  }
  return rule.peers
    .flatMap((peer) => endsOf(rule, ofOneFamily(peer, rule), sets, names))
    .map(({ match, part }) => ({
      verdict: verdictOf(rule.action),
      match,
      why: why(part),
      ...more,
    }))
}

/** A peer with each of its ports. At egress a port's name is whatever each peer calls so: then the peer is those who do. */
function endsOf(rule: PolicyRule, peer: PeerSelector, sets: Sets, names: PortNames): End[] {
  const ports: readonly (PortMatch | null)[] =
    'service' in peer ? [{ name: peer.service.port }] : (rule.ports ?? [null])
  const plain = 'service' in peer ? { labels: peer.service.labels } : peer
  return ports.flatMap((port): End[] => {
    const meet = (who: PeerSelector, service: RuleMatch['service']) =>
      peersOf(who, rule.action, sets).map(({ match, part }) => ({ match: { peer: match, service }, part }))
    if (port === null || !('name' in port)) return meet(plain, port === null ? null : serviceOf(port))
    const label = portLabel(port.name)
    const serving = (value: string | undefined) =>
      portsOfLabel(value)
        .filter((one) => port.protocol === undefined || port.protocol === one.protocol)
        .map((one) => ({ protocol: one.protocol, from: one.port, to: one.port }))
    if (rule.direction === 'ingress') return serving(names.own[label]).flatMap((service) => meet(plain, service))
    return (names.fleet.get(port.name) ?? []).flatMap((value) => {
      const who = calling(plain, label, value)
      return who === null ? [] : serving(value).flatMap((service) => meet(who, service))
    })
  })
}

/** Those of `peer` whose label has that value; null when peers of this form have no labels to look at. */
function calling(peer: PeerSelector, label: string, value: string): PeerSelector | null {
  if ('any' in peer) return { labels: { [label]: value } }
  if ('labels' in peer) return { ...peer, labels: { ...peer.labels, [label]: value } }
  return 'matchExpressions' in peer ? { ...peer, labels: { [label]: value } } : null
}

/** A rule by reputation is about unrated addresses too when what it does is what it says of them; a pass does neither. */
export function takesUnrated(unrated: 'allow' | 'deny', action: PolicyRule['action']): boolean {
  return unrated === (action === 'reject' ? 'deny' : action)
}

type PeerMatch = { readonly match: RuleMatch['peer']; readonly part: string }

function peersOf(peer: PeerSelector, action: PolicyRule['action'], sets: Sets): PeerMatch[] {
  const inSet = (name: string, meaning: SetMeaning, part = ''): PeerMatch => {
    sets.set(name, meaning)
    return { match: { kind: 'set', set: name }, part }
  }
  const tightens = action === 'deny' || action === 'reject'
  if ('any' in peer) return [{ match: { kind: 'any' }, part: '' }]
  if ('cidr' in peer)
    return [
      {
        match: { kind: 'cidr', cidr: peer.cidr, ...(peer.except === undefined ? {} : { except: [...peer.except] }) },
        part: '',
      },
    ]
  if ('persona' in peer)
    // A pass can take a deny away, as an allow can: only what is assigned counts for both.
    return [
      tightens
        ? inSet(believedSet(peer.persona), { kind: 'believed', persona: peer.persona })
        : inSet(personaSet(peer.persona), { kind: 'persona', persona: peer.persona }),
    ]
  if ('geo' in peer || 'asn' in peer) {
    const place = 'geo' in peer ? { country: peer.geo } : { asn: peer.asn }
    return [inSet(placeSet(place), { kind: 'place', place })]
  }
  if ('domain' in peer) {
    const meaning: DomainMeaning = {
      kind: 'domain',
      domain: peer.domain.toLowerCase(),
      use: tightens ? 'deny' : 'allow',
      reach: peer.inside === true ? 'anywhere' : 'outside',
    }
    return [inSet(domainSet(meaning), meaning)]
  }
  if ('reputation' in peer) {
    const { below, unrated } = peer.reputation
    const rated = inSet(reputationSet(below), { kind: 'reputation', below }, ' (rated)')
    if (!takesUnrated(unrated, action)) return [rated]
    sets.set(RATED, { kind: 'rated' })
    return [rated, { match: { kind: 'set', set: RATED, not: true }, part: ' (unrated)' }]
  }
  const query: LabelQuery = 'service' in peer ? { labels: peer.service.labels } : peer
  return [inSet(labelsSet(query), { kind: 'labels', query })]
}

function serviceOf(port: Exclude<PortMatch, { name: string }>): RuleMatch['service'] {
  if (port.protocol === 'icmp' || port.protocol === 'icmp6') return { protocol: port.protocol, type: port.type ?? null }
  if (port.port === undefined) return { protocol: `${port.protocol}-any` }
  return { protocol: port.protocol, from: port.port, to: port.to ?? port.port }
}

/** Of a persona that only takes part: where its flows would go is the word of the first, so what would lead them is no allow. */
export function withoutRedirects(found: Resolution): Resolution {
  if (found.redirects.length === 0) return found
  const leading = new Set(found.redirects.map(({ rule }) => rule))
  const rules = found.egress.rules.filter(({ why }) => !leading.has(why.rule))
  return { ...found, egress: { ...found.egress, rules }, redirects: [] }
}
