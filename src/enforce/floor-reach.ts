/**
 * Does a state leave a protected path open? In: a path (a network, a service, a direction) and the state as a server sent
 * it. Out: null, or what cuts it. Errs towards refusing: a path counts as open only where one rule, or one fail-safe path,
 * lets all of it through before anything takes a part of it away.
 */

import { type Cidr, cidrContains, isV4, parseCidr } from '../model/address.ts'
import { cuts } from '../model/containment.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import type { RuleMatch } from '../model/rule-match.ts'
import type { ProtectedPath } from './floor.ts'

type Direction = 'egress' | 'ingress'
type Region = { readonly cidr: Cidr; readonly service: ProtectedPath['service'] }
type Extent = 'all' | 'part' | 'none'
type Rule = DesiredState['egress']['rules'][number]

export type Reach = {
  /** null = `workload` keeps the whole of `path`; else what cuts it, as the end of a sentence. */
  cutBy(workload: DesiredState, path: ProtectedPath): string | null
}

/** Sets are parsed once, when a rule first asks for them. */
export function createReach(state: AgentState): Reach {
  const members = new Map<string, readonly Cidr[]>()
  const membersOf = (name: string): readonly Cidr[] => {
    let known = members.get(name)
    if (known === undefined) {
      const texts = state.sets.find((set) => set.name === name)?.members ?? []
      known = texts.map(parseCidr).filter((cidr) => cidr !== null)
      members.set(name, known)
    }
    return known
  }
  const extentOf = (match: RuleMatch, region: Region): Extent =>
    least(peerExtent(match.peer, region.cidr, membersOf), serviceExtent(match.service, region))

  return {
    cutBy(workload, path) {
      const cidr = parseCidr(path.cidr)
      if (cidr === null || path.reach === 'none') return null
      const region = { cidr, service: path.service }
      const ways: readonly Direction[] = path.reach === 'both' ? ['egress', 'ingress'] : [path.reach]
      for (const way of ways) {
        const isPinned = state.failSafe.some(
          (safe) => (safe.direction === 'both' || safe.direction === way) && extentOf(safe.match, region) === 'all',
        )
        if (isPinned) continue
        const { containment } = workload
        const isSpared = state.neverBlock.some((text) => containsCidr(parseCidr(text), cidr))
        if (containment !== null && !isSpared && cuts(containment, way)) return 'its containment'
        const list = workload[way]
        const cut = cutInList(tiersOf(list.rules), 0, region, extentOf)
        if (cut !== 'open') return cut === 'end' ? openOr(list.otherwise) : `rule ${cut.why.rule}`
      }
      return null
    },
  }

  function openOr(otherwise: 'allow' | 'deny'): string | null {
    return otherwise === 'allow' ? null : 'what it does to the rest'
  }
}

function tiersOf(rules: readonly Rule[]): readonly (readonly Rule[])[] {
  const tiers = Map.groupBy(rules, (rule) => rule.tier ?? 0)
  return [...tiers.keys()].sort((a, b) => a - b).map((tier) => tiers.get(tier)!)
}

/** `open`: let through whole. `end`: no rule decides all of it. Else the rule that takes some of it away. */
function cutInList(
  tiers: readonly (readonly Rule[])[],
  at: number,
  region: Region,
  extentOf: (match: RuleMatch, region: Region) => Extent,
): 'open' | 'end' | Rule {
  const tier = tiers[at]
  if (tier === undefined) return 'end'
  let passedOn: 'open' | 'end' | Rule = 'open'
  const further = () => cutInList(tiers, at + 1, region, extentOf)
  for (const rule of tier) {
    const extent = extentOf(rule.match, region)
    if (extent === 'none') continue
    // What is above a limit is denied.
    if (rule.verdict === 'deny' || rule.verdict === 'reject' || rule.limit !== undefined) return rule
    if (rule.verdict === 'pass') {
      const next = further()
      if (extent === 'all' || (next !== 'open' && next !== 'end')) return next
      // A part goes on to the next tier, the rest stays in this one: both must come through.
      passedOn = next
    } else if (extent === 'all') return passedOn
  }
  return further()
}

function least(a: Extent, b: Extent): Extent {
  if (a === 'none' || b === 'none') return 'none'
  return a === 'all' && b === 'all' ? 'all' : 'part'
}

function peerExtent(peer: RuleMatch['peer'], region: Cidr, membersOf: (name: string) => readonly Cidr[]): Extent {
  switch (peer.kind) {
    case 'any':
      return 'all'
    case 'set': {
      const members = membersOf(peer.set)
      // An empty set matches nothing, also under `not`.
      if (members.length === 0) return 'none'
      const extent = within(members, region)
      return peer.not === true ? complement(extent) : extent
    }
    case 'cidr': {
      const cidr = parseCidr(peer.cidr)
      if (cidr === null) return 'none'
      const excepted = within(
        (peer.except ?? []).map(parseCidr).filter((one) => one !== null),
        region,
      )
      return least(within([cidr], region), complement(excepted))
    }
  }
}

function complement(extent: Extent): Extent {
  return extent === 'all' ? 'none' : extent === 'none' ? 'all' : 'part'
}

function within(cidrs: readonly Cidr[], region: Cidr): Extent {
  let extent: Extent = 'none'
  for (const cidr of cidrs) {
    if (containsCidr(cidr, region)) return 'all'
    if (containsCidr(region, cidr)) extent = 'part'
  }
  return extent
}

/** Families are apart: `::/0` holds no IPv4 address (as in compile/evaluate.ts). */
function containsCidr(outer: Cidr | null, inner: Cidr): boolean {
  if (outer === null || isV4(outer.base) !== isV4(inner.base)) return false
  return outer.length <= inner.length && cidrContains(outer, inner.base)
}

function serviceExtent(service: RuleMatch['service'], region: Region): Extent {
  if (service === null) return 'all'
  const wanted = region.service
  // The region is every protocol: a rule about one takes a part of it.
  if (wanted === null) return 'part'
  if (!('from' in service)) return service.protocol === `${wanted.protocol}-any` ? 'all' : 'none'
  if (service.protocol !== wanted.protocol || service.to < wanted.from || service.from > wanted.to) return 'none'
  return service.from <= wanted.from && service.to >= wanted.to ? 'all' : 'part'
}
