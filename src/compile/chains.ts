/**
 * Rules as content-addressed chains: equal rules are one chain, whoever wears them, and a name never changes meaning.
 * `e_` egress, `i_` ingress, `f_` fail-safe, `r_` reflex, `c_` containment, `n_` everyone but, `d_` deny with its log.
 * Every match is on the conntrack original tuple, so both directions of a flow obey the same rule.
 */
import type { Direction, Family, ListNode, PeerNode, Prefix, RuleNode, SetNode } from './tree.ts'
import { digest, encodeId, encodeSetName, maskText } from './words.ts'

/** NFLOG group of every deny, with the rule id as prefix. The kernel gives one group to one reader per namespace. */
export const LOG_GROUP = 7
/** A flood of denied packets must not become a flood of log messages: per deny chain. */
export const LOG_LIMIT = 'limit rate 20/second burst 40 packets'

export type Chains = {
  readonly all: Map<string, readonly string[]>
  /** Encoded id, as comments carry it → the id itself. */
  readonly ids: Map<string, string>
  /** In any mode but enforce a deny counts and lets pass. */
  readonly enforce: 'drop' | 'count'
}

function addChain(chains: Chains, kind: string, lines: readonly string[]): string {
  const name = `${kind}_${digest(lines.join('\n'))}`
  if (!chains.all.has(name)) chains.all.set(name, Object.freeze([...lines]))
  return name
}

function comment(chains: Chains, id: string): string {
  const encoded = encodeId(id)
  chains.ids.set(encoded, id)
  return `comment "${encoded}"`
}

function verdictText(chains: Chains, verdict: 'allow' | 'deny', id: string): string {
  if (verdict === 'allow') return `counter accept ${comment(chains, id)}`
  return `counter goto ${denyChain(chains, id)} ${comment(chains, id)}`
}

function denyChain(chains: Chains, id: string): string {
  return addChain(chains, 'd', [
    `${LOG_LIMIT} log prefix "${encodeId(id)}" group ${LOG_GROUP} snaplen 128`,
    `counter ${chains.enforce === 'drop' ? 'drop' : 'accept'} ${comment(chains, id)}`,
  ])
}

export function listChain(chains: Chains, list: ListNode): string {
  const lines = list.rules.flatMap((rule) => ruleLines(chains, list.direction, rule))
  lines.push(verdictText(chains, list.otherwise.verdict, list.otherwise.id))
  return addChain(chains, list.direction === 'egress' ? 'e' : 'i', lines)
}

export function safeChain(chains: Chains, direction: Direction, rules: readonly RuleNode[]): string {
  return addChain(
    chains,
    'f',
    rules.flatMap((rule) => ruleLines(chains, direction, rule)),
  )
}

/** Entered by `jump`: a flow with a never-block address at either end returns, and only the authored rules judge it. */
export function automaticDenyChain(chains: Chains, kind: 'c' | 'r', never: SetNode, id: string): string {
  return addChain(chains, kind, [
    ...(['daddr', 'saddr'] as const).flatMap((end) => insideSet(never, end).map(({ text }) => `${text} return`)),
    verdictText(chains, 'deny', id),
  ])
}

function ruleLines(chains: Chains, direction: Direction, rule: RuleNode): string[] {
  const end = direction === 'egress' ? 'daddr' : 'saddr'
  const verdict = verdictText(chains, rule.verdict, rule.id)
  const { peers, target } = peerText(chains, rule.peer, end, verdict)
  const lines: string[] = []
  for (const service of serviceText(rule.service)) {
    for (const peer of peers) {
      if (service.family !== null && peer.family !== null && service.family !== peer.family) continue
      lines.push([service.text, peer.text, target].filter((part) => part !== '').join(' '))
    }
  }
  return lines
}

type Match = { readonly family: Family | null; readonly text: string }

/** Alternatives, any of which leads to `target`. What needs an "and not" goes through a chain of returns. */
function peerText(
  chains: Chains,
  peer: PeerNode,
  end: 'daddr' | 'saddr',
  verdict: string,
): { peers: readonly Match[]; target: string } {
  switch (peer.kind) {
    case 'anyone':
      return { peers: [{ family: null, text: '' }], target: verdict }
    case 'inside':
      return { peers: insideSet(peer.set, end), target: verdict }
    case 'outside': {
      const returns = insideSet(peer.set, end).map(({ text }) => `${text} return`)
      return {
        peers: [{ family: null, text: '' }],
        target: `jump ${addChain(chains, 'n', [...returns, verdict])}`,
      }
    }
    case 'within': {
      const peers = [{ family: peer.prefix.family, text: prefixText(peer.prefix, end) }]
      if (peer.except.length === 0) return { peers, target: verdict }
      const returns = peer.except.map((prefix) => `${prefixText(prefix, end)} return`)
      return { peers, target: `jump ${addChain(chains, 'n', [...returns, verdict])}` }
    }
  }
}

function serviceText(service: RuleNode['service']): Match[] {
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

function ctAddress(family: Family, end: 'daddr' | 'saddr'): string {
  return `ct original ${family === 4 ? 'ip' : 'ip6'} ${end}`
}

function prefixText(prefix: Prefix, end: 'daddr' | 'saddr'): string {
  if (prefix.length === 0) return `meta nfproto ipv${prefix.family}`
  const whole = prefix.length === (prefix.family === 4 ? 32 : 128)
  return `${ctAddress(prefix.family, end)} ${prefix.address}${whole ? '' : `/${prefix.length}`}`
}

function insideSet(set: SetNode, end: 'daddr' | 'saddr'): Match[] {
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
