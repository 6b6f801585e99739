/** A resolved rule in the words people use: who is at the other end, and on what service. */

import type { ResolvedRule } from '../model/desired.ts'
import { someOf } from '../model/some-of.ts'
import { KEPT_LETTERS } from './peer-sets.ts'

/** `nameOf` says whose an address is; null when nobody's we know. */
export function peerWords({ match: { peer } }: ResolvedRule, nameOf: (address: string) => string | null): string {
  switch (peer.kind) {
    case 'any':
      return 'anyone'
    case 'set':
      return setWords(peer.set, peer.not === true ? 'outside' : 'inside')
    case 'cidr': {
      const name = nameOf(peer.cidr.replace(/\/(32|128)$/, ''))
      if (name !== null) return name
      const but = peer.except ?? []
      return but.length === 0 ? peer.cidr : `${peer.cidr} except ${someOf(but, 3)}`
    }
  }
}

/** Names as decide/peer-sets.ts gives them. */
function setWords(set: string, side: 'inside' | 'outside'): string {
  const colon = set.indexOf(':')
  const [kind, rest] = colon < 0 ? [set, ''] : [set.slice(0, colon), set.slice(colon + 1)]
  const not = side === 'outside'
  switch (kind) {
    case 'persona':
      return `${not ? 'all but ' : ''}persona ${rest}`
    case 'believed':
      return `${not ? 'all but ' : ''}what looks like ${rest}`
    case 'rep':
      return `reputation ${not ? 'of at least' : 'below'} ${rest}`
    case 'rated':
      return not ? 'addresses without a rating' : 'rated addresses'
    case 'dlp-home':
      return `${not ? 'outside of ' : ''}the home networks`
    case 'dlp-familiar':
      return not ? 'unrated addresses outside' : 'addresses that are rated or at home'
    case 'domain-only':
      return not ? 'everyone but some names' : 'some names'
    case 'geo':
      return `${not ? 'outside of ' : ''}country ${rest}`
    case 'asn':
      return `${not ? 'outside of ' : ''}AS${rest}`
    case 'domain':
    case 'domain-deny':
    case 'domain-inside':
    case 'domain-deny-inside':
      return `domain ${rest}`
    case 'domain-any':
    case 'domain-deny-any':
    case 'domain-inside-any':
    case 'domain-deny-inside-any':
      return domainWords(rest.replace(/:[0-9a-f]{6}$/, ''))
    case 'labels': {
      const label = /^(.+):[0-9a-f]{6}$/.exec(rest)?.[1]
      const words = label === undefined ? 'a set of labels' : `label ${label.replaceAll(':', ', ')}`
      return not ? `all but ${words}` : words
    }
    default:
      return not ? `outside ${set}` : set
  }
}

/** A short name has a digest only because of its star; of one with all its letters nobody knows whether it was cut. */
function domainWords(kept: string): string {
  return kept.length < KEPT_LETTERS ? `domain *.${kept}` : `domains ending in …${kept}`
}

export function serviceWords({ match: { service } }: ResolvedRule): string {
  if (service === null) return 'any service'
  switch (service.protocol) {
    case 'tcp-any':
      return 'any tcp'
    case 'udp-any':
      return 'any udp'
    case 'sctp-any':
      return 'any sctp'
    case 'icmp':
    case 'icmp6':
      return service.type === null ? service.protocol : `${service.protocol} type ${service.type}`
    default:
      return `${service.from === service.to ? service.from : `${service.from}–${service.to}`} ${service.protocol}`
  }
}
