/** Rules in words: compiled ones (`10.20.0.0/16, 443 tcp`) and those a person wrote. */
import { t } from 'i18next'
import type { LabelExpression, PolicyRule } from '../../../src/model/policy.ts'
import type { RuleChange } from '../../../src/model/preview.ts'
import type { RuleMatch } from '../../../src/model/rule-match.ts'

export function ruleWords({ match }: Pick<RuleChange, 'match'>): string {
  if (match === null) return t('preview.otherwise')
  const service = serviceWords(match.service)
  return `${peerWords(match.peer)}${service === null ? '' : `, ${service}`}`
}

function peerWords(peer: RuleMatch['peer']): string {
  if (peer.kind === 'any') return t('rule.anyone')
  if (peer.kind === 'set') return t(peer.not === true ? 'rule.outsideSet' : 'rule.set', { set: peer.set })
  return peer.except === undefined || peer.except.length === 0
    ? peer.cidr
    : t('rule.except', { cidr: peer.cidr, count: peer.except.length })
}

function serviceWords(service: RuleMatch['service']): string | null {
  if (service === null) return null
  if ('type' in service) return service.type === null ? service.protocol : `${service.protocol} ${service.type}`
  if (!('from' in service)) return t('rule.all', { protocol: service.protocol.replace('-any', '') })
  const range = service.from === service.to ? `${service.from}` : `${service.from}–${service.to}`
  return `${range} ${service.protocol}`
}

/** A rule as a person wrote it: `drops out to persona Database, 5432 tcp`. */
export function authoredWords(rule: PolicyRule): string {
  const peers = rule.peers.map((peer) => {
    if ('any' in peer) return t('rule.anyone')
    if ('cidr' in peer)
      return peer.except === undefined || peer.except.length === 0
        ? peer.cidr
        : t('rule.except', { cidr: peer.cidr, count: peer.except.length })
    if ('persona' in peer) return t('authored.persona', { name: peer.persona })
    if ('reputation' in peer) return t('authored.reputation', { below: peer.reputation.below })
    if ('geo' in peer) return t('authored.country', { code: peer.geo })
    if ('asn' in peer) return `AS${peer.asn}`
    if ('domain' in peer) return t('authored.domain', { name: peer.domain })
    return 'service' in peer ? `${labelWords(peer.service)}, ${peer.service.port}` : labelWords(peer)
  })
  const ports = (rule.ports ?? []).map((port) => {
    if ('name' in port) return port.name
    if (port.protocol === 'icmp' || port.protocol === 'icmp6')
      return port.type === undefined ? port.protocol : `${port.protocol} ${port.type}`
    if (port.port === undefined) return port.protocol
    return `${port.port}${port.to === undefined ? '' : `–${port.to}`} ${port.protocol}`
  })
  return `${peers.join(t('authored.or'))}${ports.length === 0 ? '' : `, ${ports.join(', ')}`}${elsewhere(rule)}`
}

/** Of what is let through, where else it goes. */
function elsewhere({ action, to }: PolicyRule): string {
  if (action === 'mirror') return t('authored.mirrored')
  return to === undefined ? '' : ` → ${to.address}${to.port === undefined ? '' : ` ${to.port}`}`
}

type LabelPeer = {
  readonly labels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly LabelExpression[]
}

/** `app=shop + tier In web, api` */
function labelWords({ labels = {}, matchExpressions = [] }: LabelPeer): string {
  return [
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => `${key} ${operator} ${values.join(', ')}`.trim()),
  ].join(' + ')
}
