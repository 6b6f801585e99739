/** A rule as its author would say it: `deny egress to reputation below 0.3 on tcp 443`. */
import { limitOf, limitText } from '../model/limit-words.ts'
import type { PeerSelector, PolicyRule, PortMatch } from '../model/policy.ts'
import { labelsText } from './label-match.ts'
import { placeText } from './places.ts'

export function ruleText(rule: PolicyRule): string {
  const peers = rule.peers.map(peerText).join(', ')
  const ports = rule.ports === undefined ? '' : ` on ${rule.ports.map(portText).join(', ')}`
  return `${rule.action} ${rule.direction} ${rule.direction === 'egress' ? 'to' : 'from'} ${peers}${ports}${boundText(rule)}${whereText(rule)}`
}

function peerText(peer: PeerSelector): string {
  if ('any' in peer) return 'anyone'
  if ('cidr' in peer) return `${peer.cidr}${peer.except === undefined ? '' : ` except ${peer.except.join(', ')}`}`
  if ('persona' in peer) return `persona ${peer.persona}`
  if ('service' in peer) return `port ${peer.service.port} of ${labelsText(peer.service)}`
  if ('geo' in peer) return placeText({ country: peer.geo })
  if ('asn' in peer) return placeText(peer)
  if ('domain' in peer) return `domain ${peer.domain}${peer.inside === true ? ' (inside too)' : ''}`
  if ('reputation' in peer) return `reputation below ${peer.reputation.below} (unrated: ${peer.reputation.unrated})`
  return labelsText(peer)
}

function portText(port: PortMatch): string {
  if ('name' in port) return port.protocol === undefined ? `port ${port.name}` : `${port.protocol} port ${port.name}`
  if (port.protocol === 'icmp' || port.protocol === 'icmp6')
    return port.type === undefined ? port.protocol : `${port.protocol} type ${port.type}`
  return `${port.protocol}${port.port === undefined ? '' : ` ${port.port}`}${port.to === undefined ? '' : `-${port.to}`}`
}

function boundText({ limit }: PolicyRule): string {
  return limit === undefined ? '' : `, at most ${limitText(limitOf(limit))}`
}

function whereText({ to }: PolicyRule): string {
  if (to === undefined) return ''
  return `, led to ${to.address}${to.port === undefined ? '' : ` port ${to.port}`}`
}
