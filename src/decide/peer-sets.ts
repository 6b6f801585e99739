/**
 * Named address sets that selectors resolve to: `persona:database`, `believed:scanner`, `labels:app=shop`, `rep:0.3`, `rated`.
 * A change of membership is a set delta, never a rule reload. A set that resolves to nothing matches nothing.
 */
import { cidrContains, formatCidr, parseCidr } from '../model/address.ts'
import type { AddressSet } from '../model/desired.ts'
import { slug } from '../model/ids.ts'
import type { WorkloadRecord } from '../model/records.ts'
import { digest } from './canonical.ts'
import type { Effective } from './effective.ts'
import { parseInterfaceAddress } from './interface-address.ts'
import { fitsLabels, type LabelQuery } from './label-match.ts'
import { regionMembers } from './merge/region-members.ts'
import { NO_PLACES, type Place, type Places } from './places.ts'

export type IntelEntry = {
  readonly cidr: string
  readonly score: number
  readonly feed?: string
  readonly confidence?: number
}
export type Dressed = { readonly record: WorkloadRecord; readonly effective: Effective }
export type PeerSets = { members(name: string): readonly string[]; declared(): AddressSet[] }

export const RATED = 'rated'
export const personaSet = (persona: string) => ofPersona('persona', slug(persona))
/** Assigned or believed: for denies only, because belief may tighten and never grants. */
export const believedSet = (persona: string) => ofPersona('believed', slug(persona))
/** A name that does not fit has its digest there; no slug holds a colon. */
const ofPersona = (kind: 'persona' | 'believed', id: string) =>
  kind.length + 1 + id.length <= 64 ? `${kind}:${id}` : `${kind}:${id.slice(0, 40)}:${digest(id).slice(0, 12)}`
export const reputationSet = (below: number) => `rep:${below}`

export type DomainMeaning = {
  readonly kind: 'domain'
  readonly domain: string
  readonly use: 'allow' | 'deny'
  readonly reach: 'outside' | 'anywhere'
}
/** Of a name with a digest, its last letters. */
export const KEPT_LETTERS = 30
/** `domain:example.com`; a name that does not fit, or that rules do other things with, has its digest there. */
export function domainSet({ domain, use, reach }: DomainMeaning): string {
  const kind = `domain${use === 'deny' ? '-deny' : ''}${reach === 'anywhere' ? '-inside' : ''}`
  const plain = `${kind}:${domain}`
  if (!domain.startsWith('*') && plain.length <= 64) return plain
  const rest = domain.replace('*.', '').slice(-KEPT_LETTERS)
  return `${kind}-any:${rest}:${digest(domain).slice(0, 6)}`
}
/** Its members are known on the hosts alone. */
export const isLearnedSet = (name: string): boolean => name.startsWith('domain')

const NEVER_PEERS = ['127.0.0.0/8', '::1/128', 'fe80::/10', '0.0.0.0/8', '::/128'].map((text) => parseCidr(text)!)

export function createPeerSets(input: {
  readonly workloads: readonly Dressed[]
  readonly entries: readonly IntelEntry[]
  readonly homeNetworks: readonly string[]
  readonly names: ReadonlyMap<string, SetMeaning>
  /** Whose answers say what a name stands for. */
  readonly resolvers?: readonly string[]
  readonly places?: Places
}): PeerSets {
  const { workloads, entries, names } = input
  const claims = new Map<string, Dressed[]>()
  for (const one of workloads)
    for (const address of addressesOf(one)) claims.set(address, [...(claims.get(address) ?? []), one])
  /** An address that several workloads claim is in an allow set only when all of them belong there. */
  const every = (belongs: (one: Dressed) => boolean) =>
    [...claims].filter(([, who]) => who.every(belongs)).map(([address]) => address)
  const some = (belongs: (one: Dressed) => boolean) =>
    [...claims].filter(([, who]) => who.some(belongs)).map(([address]) => address)
  const resolve = (meaning: SetMeaning): readonly string[] => {
    switch (meaning.kind) {
      case 'persona':
        return every((one) => wearsAssigned(one, meaning.persona))
      case 'believed':
        return some(
          (one) =>
            wearsAssigned(one, meaning.persona) || slug(one.record.belief?.believed ?? '') === slug(meaning.persona),
        )
      case 'labels':
        return every((one) => fitsLabels(one.record.report.labels, meaning.query))
      case 'reputation':
        return entries.filter((entry) => entry.score < meaning.below).map((entry) => entry.cidr)
      case 'rated':
        // Reputation is about the outside: home networks never count as unrated. Without any rating, nothing is known.
        return entries.length === 0 ? [] : [...entries.map((entry) => entry.cidr), ...input.homeNetworks]
      case 'addresses':
        return [...meaning.addresses]
      case 'region':
        return regionMembers(meaning, resolve)
      case 'domain':
        return []
      case 'home':
        return [
          ...input.homeNetworks,
          ...meaning.more,
          ...(meaning.rated === 'too' ? entries.map((entry) => entry.cidr) : []),
        ]
      case 'names':
        return [...input.homeNetworks, ...meaning.more]
      case 'place': {
        const found = (input.places ?? NO_PLACES).members(meaning.place)
        return typeof found === 'string' ? [] : found
      }
    }
  }
  const resolved = new Map<string, readonly string[]>()
  // A large country has as many prefixes as all else together, and they come in order.
  for (const [name, meaning] of [...names].sort(([a], [b]) => (a < b ? -1 : 1)))
    resolved.set(name, meaning.kind === 'place' ? resolve(meaning) : canonical(resolve(meaning)))
  return {
    members: (name) => resolved.get(name) ?? [],
    declared: () =>
      [...resolved].map(([name, members]) => ({
        name,
        members: [...members],
        ...learnedOf(names.get(name), input.resolvers ?? []),
      })),
  }
}

function learnedOf(meaning: SetMeaning | undefined, resolvers: readonly string[]): Pick<AddressSet, 'learned'> {
  if (meaning?.kind === 'names')
    return { learned: { names: [...meaning.names], resolvers: [...resolvers], use: 'allow' } }
  if (meaning?.kind !== 'domain') return {}
  const { domain, use, reach } = meaning
  const inside = reach === 'anywhere' ? { inside: true as const } : {}
  return { learned: { names: [domain], resolvers: [...resolvers], use, ...inside } }
}

export type SetMeaning =
  | DomainMeaning
  | { readonly kind: 'place'; readonly place: Place }
  /** The home networks and what is spared; and who is rated, too. */
  | { readonly kind: 'home'; readonly more: readonly string[]; readonly rated: 'too' | 'no' }
  /** The same, and what hosts learn of these names. */
  | { readonly kind: 'names'; readonly names: readonly string[]; readonly more: readonly string[] }
  | { readonly kind: 'persona' | 'believed'; readonly persona: string }
  | { readonly kind: 'labels'; readonly query: LabelQuery }
  | { readonly kind: 'reputation'; readonly below: number }
  | { readonly kind: 'rated' }
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  /** In each of the first and in none of the second; with none of the first, the set is for a rule that means its outside. */
  | {
      readonly kind: 'region'
      readonly within: readonly (SetMeaning | { readonly cidr: string })[]
      readonly outside: readonly (SetMeaning | { readonly cidr: string })[]
    }

function wearsAssigned({ effective }: Dressed, persona: string): boolean {
  return effective.cause !== 'default' && effective.persona.ref.id === slug(persona)
}

function addressesOf({ record, effective }: Dressed): string[] {
  const own = effective.persona.spec.profile?.network?.addresses ?? []
  const given = own.flatMap((text) => parseInterfaceAddress(text)?.address ?? [])
  return [...new Set([...record.report.addresses.map((text) => text.split('/')[0]!), ...given])].filter((text) => {
    const cidr = parseCidr(text)
    return cidr !== null && !NEVER_PEERS.some((never) => cidrContains(never, cidr.base))
  })
}

function canonical(members: readonly string[]): string[] {
  return [
    ...new Set(
      members.flatMap((text) => {
        const cidr = parseCidr(text)
        return cidr === null ? [] : [formatCidr(cidr)]
      }),
    ),
  ].sort()
}
