/**
 * Regions of flows: what a rule matches, in a form that can be intersected. `within` and `outside` hold networks and the names
 * of sets; a flow's peer is in each of the first and in none of the second. No `within` = anybody.
 */
import { createHash } from 'node:crypto'
import { cidrContains, isV4, parseCidr } from '../../model/address.ts'
import type { RuleMatch } from '../../model/rule-match.ts'
import type { SetMeaning } from '../peer-sets.ts'

export type Part = { readonly cidr: string } | { readonly set: string }
export type Region = {
  readonly within: readonly Part[]
  readonly outside: readonly Part[]
  readonly service: RuleMatch['service']
}

export const EVERYTHING: Region = { within: [], outside: [], service: null }

export function regionOf({ peer, service }: RuleMatch): Region {
  switch (peer.kind) {
    case 'any':
      return { within: [], outside: [], service }
    case 'cidr':
      return { within: [{ cidr: peer.cidr }], outside: (peer.except ?? []).map((cidr) => ({ cidr })), service }
    case 'set':
      return peer.not === true
        ? { within: [], outside: [{ set: peer.set }], service }
        : { within: [{ set: peer.set }], outside: [], service }
  }
}

/** null when no flow is in both, as far as that can be told without looking into sets. */
export function intersect(a: Region, b: Region): Region | null {
  const service = meetService(a.service, b.service)
  if (service === 'nothing') return null
  const within = meetWithin([...a.within, ...b.within])
  if (within === null) return null
  const outside: Part[] = []
  for (const part of distinct([...a.outside, ...b.outside])) {
    if (within.some((one) => isWithin(one, part))) return null
    if (!within.some((one) => isApart(one, part))) outside.push(part)
  }
  return { within, outside: withoutInner(outside), service }
}

/** Every flow in `inner` is in `outer`; false also when that cannot be told. */
export function covers(outer: Region, inner: Region): boolean {
  return (
    coversService(outer.service, inner.service) &&
    outer.within.every((wanted) => inner.within.some((one) => isWithin(one, wanted))) &&
    outer.outside.every(
      (wanted) =>
        inner.outside.some((one) => isWithin(wanted, one)) || inner.within.some((one) => isApart(one, wanted)),
    )
  )
}

/** A name without a meaning fits nobody. */
const NOBODY: SetMeaning = { kind: 'labels', query: {} }

export type Matched = { readonly match: RuleMatch; readonly derived: readonly (readonly [string, SetMeaning])[] }

/** As a match of one rule; what no match can say becomes a set of its own, made of `sets`. */
export function matchOf({ within, outside, service }: Region, sets: ReadonlyMap<string, SetMeaning>): Matched {
  const plain = (peer: RuleMatch['peer']): Matched => ({ match: { peer, service }, derived: [] })
  const [first, ...more] = within
  const except = outside.flatMap((part) => ('cidr' in part ? [part.cidr] : []))
  if (first === undefined && outside.length === 0) return plain({ kind: 'any' })
  if (first === undefined && outside.length === 1 && 'set' in outside[0]!)
    return plain({ kind: 'set', set: outside[0].set, not: true })
  if (first !== undefined && more.length === 0 && except.length === outside.length && except.length <= 100) {
    if ('cidr' in first) return plain({ kind: 'cidr', cidr: first.cidr, ...(except.length === 0 ? {} : { except }) })
    if (outside.length === 0) return plain({ kind: 'set', set: first.set })
  }
  const name = `region:${createHash('sha256')
    .update(JSON.stringify([within, outside]))
    .digest('hex')
    .slice(0, 20)}`
  const meant = (parts: readonly Part[]) =>
    parts.map((part) => ('cidr' in part ? part : (sets.get(part.set) ?? NOBODY)))
  const meaning: SetMeaning = { kind: 'region', within: meant(within), outside: meant(outside) }
  const peer = { kind: 'set' as const, set: name, ...(first === undefined ? { not: true } : {}) }
  return { match: { peer, service }, derived: [[name, meaning]] }
}

function distinct(parts: readonly Part[]): Part[] {
  return [...new Map(parts.map((part) => [textOf(part), part])).values()].sort((a, b) =>
    textOf(a) < textOf(b) ? -1 : 1,
  )
}
const textOf = (part: Part) => ('cidr' in part ? `c${part.cidr}` : `s${part.set}`)

/** Of nested networks the narrowest stays; null when two are apart. */
function meetWithin(parts: readonly Part[]): Part[] | null {
  const all = distinct(parts)
  for (const a of all) for (const b of all) if (isApart(a, b)) return null
  return all.filter((a) => !all.some((b) => b !== a && isWithin(b, a)))
}

function withoutInner(parts: readonly Part[]): Part[] {
  return parts.filter((a) => !parts.some((b) => b !== a && isWithin(a, b)))
}

function isWithin(inner: Part, outer: Part): boolean {
  if ('set' in inner || 'set' in outer) return 'set' in inner && 'set' in outer && inner.set === outer.set
  if (inner.cidr === outer.cidr) return true
  const [a, b] = [parseCidr(inner.cidr), parseCidr(outer.cidr)]
  return a !== null && b !== null && isV4(a.base) === isV4(b.base) && a.length >= b.length && cidrContains(b, a.base)
}

function isApart(a: Part, b: Part): boolean {
  return 'cidr' in a && 'cidr' in b && !isWithin(a, b) && !isWithin(b, a)
}

type Service = RuleMatch['service']

function meetService(a: Service, b: Service): Service | 'nothing' {
  if (a === null || b === null) return a ?? b
  if (coversService(a, b)) return b
  if (coversService(b, a)) return a
  if ('from' in a && 'from' in b && a.protocol === b.protocol) {
    const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)]
    return from <= to ? { protocol: a.protocol, from, to } : 'nothing'
  }
  // An echo request is 8 in one family and 128 in the other: the two words for it share the second.
  const types = 'type' in a && 'type' in b && a.protocol === 'icmp' && b.protocol === 'icmp' ? [a.type, b.type] : []
  return types.includes(8) && types.includes(128) ? { protocol: 'icmp6', type: 128 } : 'nothing'
}

function coversService(outer: Service, inner: Service): boolean {
  if (outer === null) return true
  if (inner === null) return false
  if ('from' in outer)
    return 'from' in inner && inner.protocol === outer.protocol && inner.from >= outer.from && inner.to <= outer.to
  if (outer.protocol === 'icmp' || outer.protocol === 'icmp6') {
    if (!('type' in inner) || (outer.protocol === 'icmp6' && inner.protocol === 'icmp')) return false
    if (outer.type === null) return true
    if (outer.protocol === inner.protocol) return outer.type === inner.type
    return (outer.type === 8 ? 128 : outer.type) === inner.type
  }
  const family = outer.protocol.replace('-any', '')
  return inner.protocol === family || inner.protocol === outer.protocol
}
