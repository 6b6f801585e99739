/**
 * Tree → what table `inet guise` must hold, for nft 1.0.6: content-addressed chains, sets, and one map entry per
 * workload and direction. A function of the state alone: no clock, no history. `delta.ts` turns two of these into one
 * transaction.
 */
import { boundOf, cuts } from '../model/containment.ts'
import type { AgentState } from '../model/desired.ts'
import { type ContainMap, type DispatchMap, MEMBER_SETS, type MemberSet } from './base.ts'
import { automaticDenyChain, automaticLimitChain, type Chains, listChain, type Place, safeChain } from './chains.ts'
import { type Classes, compileClasses } from './classes.ts'
import { bucketName } from './match-text.ts'
import {
  type AgentTree,
  type Binding,
  buildTree,
  canonicalAddress,
  type Direction,
  type ListNode,
  type MemberNode,
  type SetNode,
} from './tree.ts'
import { digest } from './words.ts'

export type CompiledSet = {
  readonly type: string
  readonly elements: ReadonlySet<string>
  /** `rates`: written by the kernel itself as packets pass, never by a plan. */
  readonly holds: 'members' | 'rates'
}
export type Contained = {
  readonly key: string
  readonly map: ContainMap
  readonly element: string
  readonly chain: string
  /** epoch ms; the kernel entry gets what is left of it */
  readonly until: number
}
export type Compiled = {
  /** 15 bytes, as it stands in the kernel's `state` set: equal hashes mean equal tables, containment included. */
  readonly hash: string
  readonly enforce: 'drop' | 'count'
  /** Name → rules, one line each. */
  readonly chains: ReadonlyMap<string, readonly string[]>
  /** Name → elements in nft's own words. */
  readonly sets: ReadonlyMap<string, CompiledSet>
  /** Map → element → `goto chain`. */
  readonly maps: Readonly<Record<DispatchMap, ReadonlyMap<string, string>>>
  readonly contained: readonly Contained[]
  readonly classes: Classes
  /** Rule id as comments and log prefixes carry it → rule id. */
  readonly ruleIds: ReadonlyMap<string, string>
}

/** In any mode but enforce every deny counts and lets pass. Throws when the state breaks the model's promises. */
export function compileAgent(state: AgentState, bindings: readonly Binding[]): Compiled {
  const tree = inOrder(buildTree(state, bindings))
  const enforce = tree.mode === 'enforce' ? 'drop' : 'count'
  const chains: Chains = { all: new Map(), limits: new Map(), ids: new Map(), enforce }
  const maps = dispatch(chains, tree)
  const classes = compileClasses(chains, maps)
  const contained = containment(chains, tree)
  const sets = compileSets(tree)
  for (const name of classes.values()) sets.set(name, { type: 'ifname', elements: new Set(), holds: 'members' })
  for (const [name, type] of chains.limits) sets.set(name, { type, elements: new Set(), holds: 'rates' })
  const hash = `h${digest(fingerprint(chains, sets, maps, contained)).slice(0, 14)}`
  sets.set('state', { type: MEMBER_SETS.state, elements: new Set([`"${hash}"`]), holds: 'members' })
  return { hash, enforce, chains: chains.all, sets, maps, contained, classes, ruleIds: chains.ids }
}

/** By interface, devices by key: then maps and sets of equal states hold their elements in one order, and are compared without sorting. */
function inOrder(tree: AgentTree): AgentTree {
  const nameOf = ({ interface: face, link, key }: MemberNode) => (link === 'own' ? (face ?? '') : `${face} ${key}`)
  return { ...tree, members: tree.members.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) }
}

const FAMILIES = ['ipv4', 'ipv6'] as const

function dispatch(chains: Chains, tree: AgentTree): Record<DispatchMap, Map<string, string>> {
  const maps: Record<DispatchMap, Map<string, string>> = {
    eg: new Map(),
    ing: new Map(),
    host_eg: new Map(),
    host_ing: new Map(),
    safe_eg: new Map(),
    safe_ing: new Map(),
    dev_eg4: new Map(),
    dev_eg6: new Map(),
    dev_ing4: new Map(),
    dev_ing6: new Map(),
    auto: new Map(),
    shift_eg_orig: new Map(),
    shift_eg_reply: new Map(),
    shift_in_orig: new Map(),
    shift_in_reply: new Map(),
  }
  const once = { forward: new Map<ListNode, string>(), gateway: new Map<ListNode, string>() }
  const chainOf = (list: ListNode, place: 'forward' | 'gateway') => {
    let verdict = once[place].get(list)
    if (verdict === undefined) {
      // One text for all who wear it: the maps are compared and hashed by it thousands of times.
      verdict = `goto ${listChain(chains, list, place)}`
      once[place].set(list, verdict)
    }
    return verdict
  }
  const both = (map: DispatchMap, verdict: string) => {
    for (const family of FAMILIES) maps[map].set(family, verdict)
  }
  for (const member of tree.members) {
    if (member.interface === null) {
      both('host_eg', `goto ${listChain(chains, member.egress, 'host')}`)
      both('host_ing', `goto ${listChain(chains, member.ingress, 'host')}`)
    } else if (member.link === 'own') {
      maps.eg.set(`"${member.interface}"`, chainOf(member.egress, 'forward'))
      maps.ing.set(`"${member.interface}"`, chainOf(member.ingress, 'forward'))
    } else
      for (const { family, element } of deviceElements(member)) {
        maps[`dev_eg${family}`].set(element, chainOf(member.egress, 'gateway'))
        maps[`dev_ing${family}`].set(element, chainOf(member.ingress, 'gateway'))
      }
  }
  both('safe_eg', `goto ${safeChain(chains, 'egress', tree.safe.egress, tree.resolvers, tree.watches)}`)
  both('safe_ing', `goto ${safeChain(chains, 'ingress', tree.safe.ingress)}`)
  both('auto', `goto ${automaticDenyChain(chains, 'r', tree.never, 'guise/reflex')}`)
  return maps
}

/** What a device is known by in the kernel. */
function deviceElements({ interface: face, addresses }: Pick<MemberNode, 'interface' | 'addresses'>) {
  return addresses.map(({ family, address }) => ({ family, element: `"${face}" . ${address}` }))
}

type Entrance = { readonly element: string; readonly maps: readonly ContainMap[] }

/** Where it is contained: egress first. */
function entrances(member: MemberNode): Entrance[] {
  const { interface: face, link } = member
  if (face === null) return FAMILIES.map((element) => ({ element, maps: ['host_eg_contain', 'host_in_contain'] }))
  if (link === 'own') return [{ element: `"${face}"`, maps: ['eg_contain', 'in_contain'] }]
  return deviceElements(member).map(({ family, element }) => ({
    element,
    maps: [`dev_eg_contain${family}`, `dev_in_contain${family}`],
  }))
}

function placeOf({ interface: face, link }: MemberNode): Place {
  if (face === null) return 'host'
  return link === 'own' ? 'forward' : 'gateway'
}

function containment(chains: Chains, tree: AgentTree): Contained[] {
  return tree.members.flatMap((member) => {
    const { key, containment } = member
    if (containment === null) return []
    const { id, until } = containment
    const place = placeOf(member)
    const chainOf = (direction: Direction): string | null => {
      const limit = boundOf(containment, direction)
      if (limit !== null) return automaticLimitChain(chains, tree.never, id, limit, { direction, place })
      return cuts(containment, direction) ? automaticDenyChain(chains, 'c', tree.never, id) : null
    }
    const found = [chainOf('egress'), chainOf('ingress')]
    return entrances(member).flatMap(({ element, maps }) =>
      maps.flatMap((map, i) => {
        const chain = found[i] ?? null
        return chain === null ? [] : [{ key, map, element, chain, until }]
      }),
    )
  })
}

function compileSets(tree: AgentTree): Map<string, CompiledSet> {
  const members: Record<MemberSet, Set<string>> = {
    ours: new Set(),
    ours_host: new Set(),
    source4: new Set(),
    source6: new Set(),
    mac_known: new Set(),
    source_mac: new Set(),
    shared: new Set(),
    device4: new Set(),
    device6: new Set(),
    device_mac: new Set(),
    device_mac4: new Set(),
    device_mac6: new Set(),
    device_held4: new Set(),
    device_held6: new Set(),
    state: new Set(),
    shifted: new Set(),
  }
  for (const member of tree.members) {
    if (member.interface === null) {
      for (const family of FAMILIES) members.ours_host.add(family)
      continue
    }
    const face = `"${member.interface}"`
    if (member.link === 'shared') {
      addDevice(members, face, member)
      continue
    }
    members.ours.add(face)
    for (const { family, address } of member.addresses)
      members[family === 4 ? 'source4' : 'source6'].add(`${face} . ${address}`)
    if (member.mac !== null) {
      members.mac_known.add(face)
      members.source_mac.add(`${face} . ${member.mac}`)
    }
  }
  const sets = new Map<string, CompiledSet>()
  for (const name of Object.keys(members) as MemberSet[])
    sets.set(name, { type: MEMBER_SETS[name], elements: members[name], holds: 'members' })
  for (const set of [tree.never, ...tree.sets]) addBuckets(sets, set)
  return sets
}

function addDevice(members: Record<MemberSet, Set<string>>, face: string, member: MemberNode): void {
  const { mac } = member
  members.shared.add(face)
  if (mac !== null) members.device_mac.add(`${face} . ${mac}`)
  for (const { family, element } of deviceElements(member)) {
    members[`device${family}`].add(element)
    if (mac === null) continue
    members[`device_held${family}`].add(element)
    members[`device_mac${family}`].add(`${element} . ${mac}`)
  }
}

function addBuckets(sets: Map<string, CompiledSet>, set: SetNode): void {
  for (const { family, length, addresses } of set.buckets) {
    if (length === 0) continue
    sets.set(bucketName(set.name, family, length), {
      type: family === 4 ? 'ipv4_addr' : 'ipv6_addr',
      elements: new Set(addresses),
      holds: 'members',
    })
  }
}

function fingerprint(
  chains: Chains,
  sets: ReadonlyMap<string, CompiledSet>,
  maps: Record<DispatchMap, ReadonlyMap<string, string>>,
  contained: readonly Contained[],
): string {
  return JSON.stringify([
    chains.enforce,
    [...chains.all.keys()].sort(),
    [...sets]
      // Who is a member of a set of addresses comes in any order.
      .map(
        ([name, { elements }]) =>
          `${name} ${digest((name in MEMBER_SETS ? [...elements] : [...elements].sort()).join())}`,
      )
      .sort(),
    Object.entries(maps).map(([name, map]) => [name, [...map.keys()].join(), [...map.values()].join()]),
    contained.map(({ map, element, chain, until }) => `${map} ${element} ${chain} ${until}`).sort(),
  ])
}

/** Where an address that a set learns goes; null when it is none. */
export function learnedElement(set: string, address: string): { set: string; element: string } | null {
  const found = canonicalAddress(address)
  if (found === null) return null
  const { family } = found
  return { set: bucketName(set, family, family === 4 ? 32 : 128), element: found.address }
}

/** Where a reflex against `peer` goes: elements, given a timeout by the caller; of a device, one for each of its addresses. None when `peer` is no address. */
export function reflexElements(
  { interface: face, driver, addresses }: Pick<Binding, 'interface' | 'driver' | 'addresses'>,
  peer: string,
): { set: string; element: string }[] {
  const found = canonicalAddress(peer)
  if (found === null) return []
  const { family, address } = found
  if (face === null) return [{ set: `reflex_host${family}`, element: address }]
  if (driver !== 'gateway') return [{ set: `reflex${family}`, element: `"${face}" . ${address}` }]
  return addresses.flatMap((text) => {
    const own = canonicalAddress(text)
    return own?.family === family
      ? [{ set: `reflex_dev${family}`, element: `"${face}" . ${own.address} . ${address}` }]
      : []
  })
}
