/**
 * A persona's profile and the policies that apply become two ordered rule lists, every rule with its why. Order: policies
 * by priority, then name; then the persona's own rules; then its default. Only policies in mode `enforce` are resolved
 * into rules; what the others would do is said.
 */
import type { ResolvedRule, RuleList, RuleMatch } from '../model/desired.ts'
import { slug } from '../model/ids.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import type { Mode, PeerSelector, PolicyRule, PortMatch } from '../model/policy.ts'
import type { Why } from '../model/why.ts'
import type { Persona } from './effective.ts'
import { believedSet, labelsSet, personaSet, RATED, reputationSet, type SetMeaning } from './peer-sets.ts'

export type Resolution = {
  readonly egress: RuleList
  readonly ingress: RuleList
  /** What policies in observe or suggest would add. */
  readonly wouldDo: readonly ResolvedRule[]
  /** Sets the rules name, with what each means. */
  readonly sets: ReadonlyMap<string, SetMeaning>
}

/** `policies` are those that apply to the workload now (subject and `when` already judged). */
export function resolve(persona: Persona, policies: readonly PolicyManifest[]): Resolution {
  const sets = new Map<string, SetMeaning>()
  const wouldDo: ResolvedRule[] = []
  const lists = { egress: [] as ResolvedRule[], ingress: [] as ResolvedRule[] }
  for (const policy of sortPolicies(policies)) {
    const mode = (policy.spec.mode ?? 'observe') as Mode
    if (mode === 'off') continue
    policy.spec.rules.forEach((rule, i) => {
      const name = policy.metadata.name
      const resolved = resolveRule(rule, mode === 'enforce' ? sets : new Map(), (part) => ({
        rule: `${name}/${i}`.slice(0, 160),
        text: `policy ${name} rule ${i + 1}: ${ruleText(rule)}${part}`.slice(0, 500),
        policy: name,
      }))
      if (mode === 'enforce') lists[rule.direction].push(...resolved)
      else wouldDo.push(...resolved)
    })
  }
  const { ref, spec } = persona
  spec.profile?.rules?.forEach((rule, i) => {
    const resolved = resolveRule(rule, sets, (part) => ({
      rule: `persona:${ref.id}/${rule.action}/${i}`,
      text: `persona ${ref.name} rule ${i + 1}: ${ruleText(rule)}${part}`.slice(0, 500),
      persona: ref.name,
    }))
    lists[rule.direction].push(...resolved)
  })
  const end = (direction: 'egress' | 'ingress'): RuleList => {
    const otherwise = spec.profile?.default?.[direction] ?? 'allow'
    return {
      rules: lists[direction],
      otherwise,
      why: {
        rule: `default-${otherwise}`,
        text: `persona ${ref.name} ${otherwise === 'deny' ? 'denies' : 'allows'} ${direction} that no rule names`,
        persona: ref.name,
      },
    }
  }
  return { egress: end('egress'), ingress: end('ingress'), wouldDo, sets }
}

export function sortPolicies(policies: readonly PolicyManifest[]): PolicyManifest[] {
  return [...policies].sort(
    (a, b) =>
      (a.spec.priority ?? 1000) - (b.spec.priority ?? 1000) || (slug(a.metadata.name) < slug(b.metadata.name) ? -1 : 1),
  )
}

function resolveRule(rule: PolicyRule, sets: Map<string, SetMeaning>, why: (part: string) => Why): ResolvedRule[] {
  const services = rule.ports?.map(serviceOf) ?? [null]
  return rule.peers.flatMap((peer) =>
    peersOf(peer, rule.action, sets).flatMap(({ match, part }) =>
      services.map((service) => ({ verdict: rule.action, match: { peer: match, service }, why: why(part) })),
    ),
  )
}

type PeerMatch = { readonly match: RuleMatch['peer']; readonly part: string }

function peersOf(peer: PeerSelector, action: PolicyRule['action'], sets: Map<string, SetMeaning>): PeerMatch[] {
  const inSet = (name: string, meaning: SetMeaning, part = ''): PeerMatch => {
    sets.set(name, meaning)
    return { match: { kind: 'set', set: name }, part }
  }
  if ('any' in peer) return [{ match: { kind: 'any' }, part: '' }]
  if ('cidr' in peer)
    return [
      {
        match: { kind: 'cidr', cidr: peer.cidr, ...(peer.except === undefined ? {} : { except: [...peer.except] }) },
        part: '',
      },
    ]
  if ('labels' in peer) return [inSet(labelsSet(peer.labels), { kind: 'labels', labels: peer.labels })]
  if ('persona' in peer)
    return [
      action === 'allow'
        ? inSet(personaSet(peer.persona), { kind: 'persona', persona: peer.persona })
        : inSet(believedSet(peer.persona), { kind: 'believed', persona: peer.persona }),
    ]
  const { below, unrated } = peer.reputation
  const rated = inSet(reputationSet(below), { kind: 'reputation', below }, ' (rated)')
  if (unrated !== action) return [rated]
  sets.set(RATED, { kind: 'rated' })
  return [rated, { match: { kind: 'set', set: RATED, not: true }, part: ' (unrated)' }]
}

function serviceOf(port: PortMatch): RuleMatch['service'] {
  if (port.protocol === 'icmp') return { protocol: 'icmp', type: port.type ?? null }
  if (port.port === undefined) return { protocol: `${port.protocol}-any` }
  return { protocol: port.protocol, from: port.port, to: port.to ?? port.port }
}

/** `deny egress to reputation below 0.3 on tcp 443` */
export function ruleText(rule: PolicyRule): string {
  const peers = rule.peers.map(peerText).join(', ')
  const ports = rule.ports === undefined ? '' : ` on ${rule.ports.map(portText).join(', ')}`
  return `${rule.action} ${rule.direction} ${rule.direction === 'egress' ? 'to' : 'from'} ${peers}${ports}`
}

function peerText(peer: PeerSelector): string {
  if ('any' in peer) return 'anyone'
  if ('cidr' in peer) return `${peer.cidr}${peer.except === undefined ? '' : ` except ${peer.except.join(', ')}`}`
  if ('persona' in peer) return `persona ${peer.persona}`
  if ('labels' in peer)
    return Object.entries(peer.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(' and ')
  return `reputation below ${peer.reputation.below} (unrated: ${peer.reputation.unrated})`
}

export function portText(port: PortMatch): string {
  if (port.protocol === 'icmp') return port.type === undefined ? 'icmp' : `icmp type ${port.type}`
  return `${port.protocol}${port.port === undefined ? '' : ` ${port.port}`}${port.to === undefined ? '' : `-${port.to}`}`
}
