/** Does one selector, port or rule fit everything that another fits? Only a yes that is certain is a yes. */
import { cidrContains, isV4, parseCidr } from '../../model/address.ts'
import { slug } from '../../model/ids.ts'
import type { LabelExpression, PeerSelector, Policy, PolicyRule, PortMatch } from '../../model/policy.ts'
import type { LabelQuery } from '../label-match.ts'
import { ofOneFamily, takesUnrated } from '../resolve.ts'

type Port = PortMatch | null
/** A rule is met when one of its atoms is; null = every service. */
export type Atom = { readonly peer: PeerSelector; readonly port: Port }

/** Peers as they are resolved: a redirect to everyone is of one family. */
export function atomsOf(rule: PolicyRule): Atom[] {
  return rule.peers.flatMap((peer) => (rule.ports ?? [null]).map((port) => ({ peer: ofOneFamily(peer, rule), port })))
}

export function coversAtom(
  action: PolicyRule['action'],
  wide: Atom,
  narrow: Atom,
  other: PolicyRule['action'],
): boolean {
  return coversPeer(action, wide.peer, narrow.peer, other) && coversPort(wide.port, narrow.port)
}

function coversPeer(
  action: PolicyRule['action'],
  wide: PeerSelector,
  narrow: PeerSelector,
  other: PolicyRule['action'],
): boolean {
  if ('any' in wide) return true
  if ('cidr' in wide) return 'cidr' in narrow && coversCidr(wide, narrow)
  if ('persona' in wide) {
    if (!('persona' in narrow) || slug(wide.persona) !== slug(narrow.persona)) return false
    // To deny, who only looks like that persona counts as well.
    return tightens(action) || !tightens(other)
  }
  if ('geo' in wide) return 'geo' in narrow && narrow.geo === wide.geo
  if ('asn' in wide) return 'asn' in narrow && narrow.asn === wide.asn
  if ('domain' in wide)
    return (
      'domain' in narrow &&
      coversDomain(wide.domain.toLowerCase(), narrow.domain.toLowerCase()) &&
      (wide.inside === true || narrow.inside !== true) &&
      tightens(action) === tightens(other)
    )
  if ('reputation' in wide)
    return (
      'reputation' in narrow &&
      wide.reputation.below >= narrow.reputation.below &&
      (takesUnrated(wide.reputation.unrated, action) || !takesUnrated(narrow.reputation.unrated, other))
    )
  if ('service' in wide)
    return (
      'service' in narrow &&
      wide.service.port === narrow.service.port &&
      coversLabels({ labels: wide.service.labels }, { labels: narrow.service.labels })
    )
  return ('labels' in narrow || 'matchExpressions' in narrow) && coversLabels(wide, narrow)
}

/** Every name that fits `narrow` fits `wide`. */
function coversDomain(wide: string, narrow: string): boolean {
  return wide === narrow || (wide.startsWith('*.') && narrow.replace('*.', '').endsWith(wide.slice(1)))
}

function tightens(action: PolicyRule['action']): boolean {
  return action === 'deny' || action === 'reject'
}

type Block = Extract<PeerSelector, { cidr: string }>
function coversCidr(wide: Block, narrow: Block): boolean {
  const [outer, inner] = [parseCidr(wide.cidr), parseCidr(narrow.cidr)]
  if (outer === null || inner === null || isV4(outer.base) !== isV4(inner.base)) return false
  if (outer.length > inner.length || !cidrContains(outer, inner.base)) return false
  return (wide.except ?? []).every((text) => {
    const hole = parseCidr(text)
    if (hole === null) return false
    const isApart = !cidrContains(hole, inner.base) && !cidrContains(inner, hole.base)
    return isApart || (narrow.except ?? []).some((one) => one === text)
  })
}

/** What `wide` asks, `narrow` asks as well. */
export function coversLabels(wide: LabelQuery, narrow: LabelQuery): boolean {
  const labels = narrow.labels ?? {}
  return (
    Object.entries(wide.labels ?? {}).every(([key, value]) => labels[key] === value) &&
    (wide.matchExpressions ?? []).every((one) => isImplied(one, labels, narrow.matchExpressions ?? []))
  )
}

function isImplied(
  { key, operator, values = [] }: LabelExpression,
  labels: Readonly<Record<string, string>>,
  expressions: readonly LabelExpression[],
): boolean {
  const value = labels[key]
  const same = expressions.filter((one) => one.key === key)
  const within = (one: LabelExpression) => (one.values ?? []).every((text) => values.includes(text))
  switch (operator) {
    case 'In':
      return (value !== undefined && values.includes(value)) || same.some((one) => one.operator === 'In' && within(one))
    case 'Exists':
      return value !== undefined || same.some((one) => one.operator === 'Exists' || one.operator === 'In')
    case 'DoesNotExist':
      return same.some((one) => one.operator === 'DoesNotExist')
    case 'NotIn':
      return (
        (value !== undefined && !values.includes(value)) ||
        same.some(
          (one) =>
            one.operator === 'DoesNotExist' ||
            (one.operator === 'NotIn' && values.every((text) => (one.values ?? []).includes(text))) ||
            (one.operator === 'In' && !(one.values ?? []).some((text) => values.includes(text))),
        )
      )
  }
}

function coversPort(wide: Port, narrow: Port): boolean {
  if (wide === null) return true
  if (narrow === null) return false
  if ('name' in wide || 'name' in narrow)
    return (
      'name' in wide &&
      'name' in narrow &&
      wide.name === narrow.name &&
      [undefined, narrow.protocol].includes(wide.protocol)
    )
  if (wide.protocol === 'icmp' || wide.protocol === 'icmp6') {
    if (narrow.protocol !== wide.protocol && !(wide.protocol === 'icmp' && narrow.protocol === 'icmp6')) return false
    // 8 of both families is also 128 of ICMPv6, and no other number of it.
    return wide.type === undefined || (wide.protocol === narrow.protocol && wide.type === narrow.type)
  }
  if (narrow.protocol !== wide.protocol) return false
  if (wide.port === undefined) return true
  return narrow.port !== undefined && wide.port <= narrow.port && (wide.to ?? wide.port) >= (narrow.to ?? narrow.port)
}

type Subjects = Policy['subjects']
export function coversSubjects(wide: Subjects, narrow: Subjects): boolean {
  if (wide === undefined) return true
  const { persona, names } = wide
  if (persona !== undefined && (narrow?.persona === undefined || slug(narrow.persona) !== slug(persona))) return false
  if (names !== undefined && narrow?.names?.every((name) => names.includes(name)) !== true) return false
  return coversLabels(wide, narrow ?? {})
}
