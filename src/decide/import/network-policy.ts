/**
 * A NetworkPolicy (networking.k8s.io/v1) becomes up to two of our policies: what it allows, and the end of everything else
 * in the directions it is about. Several of them add up, as they do there, because every allow stands before every end.
 */
import type { PolicyManifest } from '../../model/manifest.ts'
import type { PeerSelector, PolicyRule, PortMatch } from '../../model/policy.ts'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from './kube-schemas.ts'
import { importedPolicy, networkOf, peerOf } from './our-policy.ts'
import { type Importing, NAMESPACE_LABEL, namespaceQuery, type Path, podQuery, podsOf } from './selectors.ts'

/** Behind policies written for here (1000 unless they say otherwise); the ends behind every allow. */
const ALLOW_PRIORITY = 5000
const END_PRIORITY = 9000
/** Of several ends, all but the first have nothing left to end; that is how these policies add up. */
export const END_DESCRIPTION = 'selected, and no NetworkPolicy allows it'

export function fromNetworkPolicy(object: NetworkPolicy, at: Importing): PolicyManifest[] {
  const { metadata, spec } = object
  const namespace = metadata.namespace ?? 'default'
  const subjects = podsOf(
    { labels: { [NAMESPACE_LABEL]: namespace } },
    podQuery(spec.podSelector, ['spec', 'podSelector'], at),
  )
  const types = spec.policyTypes ?? ['Ingress', ...((spec.egress ?? []).length > 0 ? ['Egress' as const] : [])]
  for (const type of ['Ingress', 'Egress'] as const) {
    const key = type === 'Ingress' ? 'ingress' : 'egress'
    if (!types.includes(type) && (spec[key] ?? []).length > 0)
      at.note(['spec', key], `policyTypes leaves ${type} out, so these rules do nothing`)
  }
  const allows = types.flatMap((type) =>
    type === 'Ingress'
      ? (spec.ingress ?? []).flatMap((rule, i) =>
          allowsOf('ingress', rule.from, rule.ports, namespace, ['spec', 'ingress', i], at),
        )
      : (spec.egress ?? []).flatMap((rule, i) =>
          allowsOf('egress', rule.to, rule.ports, namespace, ['spec', 'egress', i], at),
        ),
  )
  const ends = types.map(
    (type): PolicyRule => ({
      action: 'deny',
      direction: type === 'Ingress' ? 'ingress' : 'egress',
      peers: [{ any: true }],
      description: END_DESCRIPTION,
      origin: at.origin(['spec', 'podSelector']),
    }),
  )
  const name = `np.${namespace}.${metadata.name}`
  const what = `NetworkPolicy ${namespace}/${metadata.name}`
  return [
    ...importedPolicy({ name, what, at, tier: 'policies', priority: ALLOW_PRIORITY, subjects, rules: allows }),
    ...importedPolicy({
      name: `${name}.end`,
      what: `the end of ${what}`,
      at,
      tier: 'policies',
      priority: END_PRIORITY,
      subjects,
      rules: ends,
    }),
  ]
}

function allowsOf(
  direction: PolicyRule['direction'],
  peers: readonly NetworkPolicyPeer[] | undefined,
  ports: readonly NetworkPolicyPort[] | undefined,
  namespace: string,
  path: Path,
  at: Importing,
): PolicyRule[] {
  const key = direction === 'ingress' ? 'from' : 'to'
  const who: PeerSelector[] =
    peers === undefined || peers.length === 0
      ? [{ any: true }]
      : peers.flatMap((peer, i) => peersOf(peer, namespace, [...path, key, i], at))
  const which = (ports ?? []).map((port, i) => portOf(port, [...path, 'ports', i], at))
  const origin = at.origin(path)
  const rule = (some: PeerSelector[], matches: PortMatch[]): PolicyRule[] =>
    some.length === 0
      ? []
      : [{ action: 'allow', direction, peers: some, ...(matches.length === 0 ? {} : { ports: matches }), origin }]
  if (direction === 'ingress' || !which.some((port) => 'name' in port)) return rule(who, which)
  // A block of addresses has no pods that could give a port its name: those pairs match nothing there either.
  const numbered = which.filter((port) => !('name' in port))
  const [blocks, pods] = [who.filter((peer) => 'cidr' in peer), who.filter((peer) => !('cidr' in peer))]
  if (blocks.length > 0)
    at.note([...path, 'ports'], 'an ipBlock gives ports no names, so a named port matches nothing in it')
  return [...rule(pods, which), ...(numbered.length === 0 ? [] : rule(blocks, numbered))]
}

function peersOf(peer: NetworkPolicyPeer, namespace: string, path: Path, at: Importing): PeerSelector[] {
  const { ipBlock, namespaceSelector, podSelector } = peer
  if (ipBlock !== undefined) {
    if (namespaceSelector !== undefined || podSelector !== undefined)
      at.problem(path, 'an ipBlock stands alone in its peer', 'make two peers of it')
    const cidr = networkOf(ipBlock.cidr, [...path, 'ipBlock', 'cidr'], at)
    const except = (ipBlock.except ?? []).map((text, i) => networkOf(text, [...path, 'ipBlock', 'except', i], at))
    return [{ cidr, ...(except.length === 0 ? {} : { except }) }]
  }
  if (namespaceSelector === undefined && podSelector === undefined) {
    at.problem(path, 'the peer says nobody', 'give podSelector, namespaceSelector or ipBlock')
    return []
  }
  const namespaces =
    namespaceSelector === undefined
      ? { labels: { [NAMESPACE_LABEL]: namespace } }
      : namespaceQuery(namespaceSelector, [...path, 'namespaceSelector'], at)
  return [peerOf(podsOf(namespaces, podQuery(podSelector, [...path, 'podSelector'], at)))]
}

function portOf({ protocol = 'TCP', port, endPort }: NetworkPolicyPort, path: Path, at: Importing): PortMatch {
  const word = protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp'
  if (endPort !== undefined && typeof port !== 'number')
    at.problem(
      [...path, 'endPort'],
      'endPort needs a port that is a number',
      'give port as a number, or leave endPort out',
    )
  if (port === undefined) return { protocol: word }
  if (typeof port === 'string' && !/^\d+$/.test(port)) return { name: port, protocol: word }
  const number = Number(port)
  if (!Number.isInteger(number) || number < 1 || number > 65535)
    at.problem([...path, 'port'], `${JSON.stringify(port)} is no port`, 'give 1 to 65535, or the name of a port')
  if (endPort !== undefined && endPort < number)
    at.problem(
      [...path, 'endPort'],
      `the range ${number} to ${endPort} runs backwards`,
      'give an endPort of at least port',
    )
  return { protocol: word, port: number, ...(endPort === undefined ? {} : { to: endPort }) }
}
