/** What no plan may cut, pinned before every rule: control plane, DNS, DHCP, router and neighbour discovery, loopback. */
import { parseCidr } from '../model/address.ts'
import type { AgentState } from '../model/desired.ts'
import type { RuleMatch } from '../model/rule-match.ts'

export type FailSafe = AgentState['failSafe'][number]
export type Endpoint = { readonly cidr: string; readonly port: number }

export function failSafePaths(controlPlane: readonly Endpoint[]): FailSafe[] {
  const path = (id: string, direction: FailSafe['direction'], match: RuleMatch, text: string): FailSafe => ({
    id: `failsafe/${id}`,
    direction,
    match,
    why: { rule: `failsafe/${id}`, text },
  })
  const any = { kind: 'any' } as const
  const service = (protocol: 'tcp' | 'udp', from: number, to = from) => ({ protocol, from, to })
  const control = controlPlane
    .filter((one) => parseCidr(one.cidr) !== null)
    .map((one, i) =>
      path(
        `control-${i}`,
        'egress',
        { peer: { kind: 'cidr', cidr: one.cidr }, service: service('tcp', one.port) },
        'the control plane stays reachable',
      ),
    )
  return [
    ...control,
    path('dns-udp', 'egress', { peer: any, service: service('udp', 53) }, 'names can always be looked up'),
    path('dns-tcp', 'egress', { peer: any, service: service('tcp', 53) }, 'names can always be looked up'),
    path('dhcp', 'both', { peer: any, service: service('udp', 67, 68) }, 'addresses can always be leased (RFC 2131)'),
    path(
      'dhcp6',
      'both',
      { peer: any, service: service('udp', 546, 547) },
      'addresses can always be leased (RFC 8415)',
    ),
    ...[133, 134, 135, 136, 137].map((type) =>
      path(
        `nd-${type}`,
        'both',
        { peer: any, service: { protocol: 'icmp', type } },
        'IPv6 needs neighbour discovery (RFC 4861)',
      ),
    ),
    path(
      'loopback4',
      'both',
      { peer: { kind: 'cidr', cidr: '127.0.0.0/8' }, service: null },
      'a host may talk to itself',
    ),
    path('loopback6', 'both', { peer: { kind: 'cidr', cidr: '::1/128' }, service: null }, 'a host may talk to itself'),
  ]
}
