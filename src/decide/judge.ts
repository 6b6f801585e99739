/** What a rule list says of one conversation: slow, obvious, for blast radius and policy tests. The kernel's meaning is compile's. */
import { cidrContains, parseAddress, parseCidr, type Words } from '../model/address.ts'
import type { ResolvedRule, RuleList, RuleMatch } from '../model/desired.ts'
import { Proto } from '../model/flow.ts'
import type { Why } from '../model/why.ts'

export type Members = (set: string) => readonly string[]
export type Talk = { readonly peer: string; readonly proto: number; readonly port: number }
export type Judgement = { readonly verdict: 'allow' | 'deny'; readonly why: Why; readonly rule: ResolvedRule | null }

export function judge(list: RuleList, talk: Talk, members: Members): Judgement {
  const address = parseAddress(talk.peer)
  const rule = address === null ? undefined : list.rules.find((one) => matches(one.match, talk, address, members))
  return rule === undefined
    ? { verdict: list.otherwise, why: list.why, rule: null }
    : { verdict: rule.verdict, why: rule.why, rule }
}

function matches(match: RuleMatch, talk: Talk, address: Words, members: Members): boolean {
  return peerMatches(match.peer, address, members) && serviceMatches(match.service, talk)
}

function peerMatches(peer: RuleMatch['peer'], address: Words, members: Members): boolean {
  const inside = (text: string) => {
    const cidr = parseCidr(text)
    return cidr !== null && cidrContains(cidr, address)
  }
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
    case 'icmp':
      return (proto === Proto.icmp || proto === Proto.icmp6) && (service.type === null || service.type === port)
    default:
      return proto === Proto[service.protocol] && port >= service.from && port <= service.to
  }
}
