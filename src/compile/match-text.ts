/** Who and what a rule matches, in nft's words: alternatives, and for the peer what it leaves out. Always the original tuple. */
import type { Family, PeerNode, Prefix, RuleNode, SetNode } from './tree.ts'
import { encodeSetName, maskText } from './words.ts'

/** `family` null: both. */
export type Match = { readonly family: Family | null; readonly text: string }
export type End = 'daddr' | 'saddr'

/** Any of `inside`, and none of `except`: an "and not" of many parts is no single rule, so the caller spends a chain on it. */
export function peerText(
  peer: PeerNode,
  end: End,
): { readonly inside: readonly Match[]; readonly except: readonly string[] } {
  switch (peer.kind) {
    case 'anyone':
      return { inside: [{ family: null, text: '' }], except: [] }
    case 'inside':
      return { inside: insideSet(peer.set, end), except: [] }
    case 'outside':
      return { inside: [{ family: null, text: '' }], except: insideSet(peer.set, end).map(({ text }) => text) }
    case 'within':
      return {
        inside: [{ family: peer.prefix.family, text: prefixText(peer.prefix, end) }],
        except: peer.except.map((prefix) => prefixText(prefix, end)),
      }
  }
}

export function serviceText(service: RuleNode['service']): Match[] {
  if (service === null) return [{ family: null, text: '' }]
  switch (service.protocol) {
    case 'tcp':
    case 'udp':
    case 'sctp': {
      const ports = service.from === service.to ? `${service.from}` : `${service.from}-${service.to}`
      return [{ family: null, text: `meta l4proto ${service.protocol} ct original proto-dst ${ports}` }]
    }
    case 'tcp-any':
      return [{ family: null, text: 'meta l4proto tcp' }]
    case 'udp-any':
      return [{ family: null, text: 'meta l4proto udp' }]
    case 'sctp-any':
      return [{ family: null, text: 'meta l4proto sctp' }]
    case 'icmp6':
      return [{ family: 6, text: `meta l4proto ipv6-icmp${icmpType(service.type)}` }]
    case 'icmp':
      return [
        { family: 4, text: `meta l4proto icmp${icmpType(service.type)}` },
        { family: 6, text: `meta l4proto ipv6-icmp${icmpType(service.type === 8 ? 128 : service.type)}` },
      ]
  }
}

/** conntrack keeps type and code of an ICMP query where ports have the destination: type · 256 + code. */
function icmpType(type: number | null): string {
  return type === null ? '' : ` ct original proto-dst ${type * 256}-${type * 256 + 255}`
}

function ctAddress(family: Family, end: End): string {
  return `ct original ${family === 4 ? 'ip' : 'ip6'} ${end}`
}

export function prefixText(prefix: Prefix, end: End): string {
  if (prefix.length === 0) return `meta nfproto ipv${prefix.family}`
  const whole = prefix.length === (prefix.family === 4 ? 32 : 128)
  return `${ctAddress(prefix.family, end)} ${prefix.address}${whole ? '' : `/${prefix.length}`}`
}

export function insideSet(set: SetNode, end: End): Match[] {
  return set.buckets.map(({ family, length }) => {
    if (length === 0) return { family, text: `meta nfproto ipv${family}` }
    const whole = length === (family === 4 ? 32 : 128)
    const masked = whole ? '' : ` & ${maskText(family, length)}`
    return { family, text: `${ctAddress(family, end)}${masked} @${bucketName(set.name, family, length)}` }
  })
}

export function bucketName(set: string, family: Family, length: number): string {
  return `${encodeSetName(set)}_${family}_${length}`
}
