/**
 * What a rule list says of one conversation: slow, obvious, for blast radius and policy tests. The kernel's meaning is compile's.
 * The verdict is allow or deny: a reject is a deny (`rule` tells that it answers), and a limit or a budget is taken as not used up.
 */
import { cidrContains, isV4, parseAddress, parseCidr, type Words } from '../model/address.ts'
import type { ResolvedRule, RuleList } from '../model/desired.ts'
import { Proto } from '../model/flow.ts'
import type { RuleMatch } from '../model/rule-match.ts'
import { decidingRule, tiersOf } from '../model/tiers.ts'
import type { Why } from '../model/why.ts'

export type Members = (set: string) => readonly string[]
export type Talk = { readonly peer: string; readonly proto: number; readonly port: number }
export type Judgement = { readonly verdict: 'allow' | 'deny'; readonly why: Why; readonly rule: ResolvedRule | null }

export function judge(list: RuleList, talk: Talk, members: Members): Judgement {
  const address = parseAddress(talk.peer)
  const rule =
    address === null
      ? null
      : decidingRule(
          tiersOf(list.rules),
          (one) => one.beyond === undefined && matches(one.match, talk, address, members),
        )
  return rule === null
    ? { verdict: list.otherwise, why: list.why, rule: null }
    : { verdict: rule.verdict === 'allow' ? 'allow' : 'deny', why: rule.why, rule }
}

function matches(match: RuleMatch, talk: Talk, address: Words, members: Members): boolean {
  return peerMatches(match.peer, address, members) && serviceMatches(match.service, talk)
}

/** `::/0` is IPv6 alone, as it is in the kernel, although mapped addresses lie within it. */
export function liesIn(address: Words, text: string): boolean {
  const cidr = parseCidr(text)
  return cidr !== null && isV4(cidr.base) === isV4(address) && cidrContains(cidr, address)
}

function peerMatches(peer: RuleMatch['peer'], address: Words, members: Members): boolean {
  const inside = (text: string) => liesIn(address, text)
  if (peer.kind === 'any') return true
  if (peer.kind === 'cidr') return inside(peer.cidr) && !(peer.except ?? []).some(inside)
  const set = members(peer.set)
  // Empty means nothing: the complement of a set nobody filled is not everything.
  return set.length > 0 && set.some(inside) !== (peer.not === true)
}

function serviceMatches(service: RuleMatch['service'], { proto, port }: Talk): boolean {
  if (service === null) return true
  switch (service.protocol) {
    case 'tcp-any':
      return proto === Proto.tcp
    case 'udp-any':
      return proto === Proto.udp
    case 'sctp-any':
      return proto === Proto.sctp
    case 'icmp':
      if (proto !== Proto.icmp && proto !== Proto.icmp6) return false
      return service.type === null || port === (service.type === 8 && proto === Proto.icmp6 ? 128 : service.type)
    case 'icmp6':
      return proto === Proto.icmp6 && (service.type === null || service.type === port)
    default:
      return proto === Proto[service.protocol] && port >= service.from && port <= service.to
  }
}
