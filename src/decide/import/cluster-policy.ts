/**
 * A ClusterNetworkPolicy (policy.networking.k8s.io/v1alpha2), and what it was before (AdminNetworkPolicy and
 * BaselineAdminNetworkPolicy of v1alpha1), becomes one of our policies in the tier of the same name, rule for rule.
 */
import type { PolicyManifest } from '../../model/manifest.ts'
import type { PeerSelector, PolicyRule, PortMatch } from '../../model/policy.ts'
import type { LabelQuery } from '../label-match.ts'
import type { AdminPort, ClusterPeer, ClusterPolicy, ClusterProtocol, NamespacedPods } from './kube-schemas.ts'
import { importedPolicy, networkOf, peerOf } from './our-policy.ts'
import { type Importing, namespaceQuery, type Path, podQuery, podsOf } from './selectors.ts'

export type ClusterKind = 'ClusterNetworkPolicy' | 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy'

export function fromClusterPolicy(kind: ClusterKind, object: ClusterPolicy, at: Importing): PolicyManifest[] {
  const { metadata, spec } = object
  const tier = tierOf(kind, spec.tier, at)
  if (spec.priority === undefined && kind !== 'BaselineAdminNetworkPolicy')
    at.problem(['spec'], 'the policy has no priority', 'add priority, 0 to 1000')
  const rules = [
    ...(spec.ingress ?? []).flatMap((rule, i) => ruleOf(rule, rule.from, 'ingress', tier, ['spec', 'ingress', i], at)),
    ...(spec.egress ?? []).flatMap((rule, i) => ruleOf(rule, rule.to, 'egress', tier, ['spec', 'egress', i], at)),
  ]
  if (rules.length === 0) at.note(['spec'], 'it has no rules, so nothing comes of it')
  const prefix = { ClusterNetworkPolicy: 'cnp', AdminNetworkPolicy: 'anp', BaselineAdminNetworkPolicy: 'banp' }[kind]
  return importedPolicy({
    name: `${prefix}.${metadata.name}`,
    what: `${kind} ${metadata.name}`,
    at,
    tier,
    priority: spec.priority ?? 1000,
    subjects: selected(spec.subject, ['spec', 'subject'], at),
    rules,
  })
}

function tierOf(kind: ClusterKind, tier: 'Admin' | 'Baseline' | undefined, at: Importing): 'admin' | 'baseline' {
  if (kind !== 'ClusterNetworkPolicy') return kind === 'AdminNetworkPolicy' ? 'admin' : 'baseline'
  if (tier === undefined) at.problem(['spec'], 'the policy has no tier', 'add tier: Admin or tier: Baseline')
  return tier === 'Baseline' ? 'baseline' : 'admin'
}

type Selected = { readonly namespaces?: ClusterPeer['namespaces']; readonly pods?: NamespacedPods }

/** Exactly one of the two; a namespace stands for all of its pods. */
function selected({ namespaces, pods }: Selected, path: Path, at: Importing): LabelQuery {
  if ((namespaces === undefined) === (pods === undefined))
    at.problem(path, `it says ${pods === undefined ? 'neither' : 'both'} namespaces and pods`, 'give one of the two')
  return pods === undefined
    ? podsOf(namespaceQuery(namespaces, [...path, 'namespaces'], at), {})
    : podsOf(
        namespaceQuery(pods.namespaceSelector, [...path, 'pods', 'namespaceSelector'], at),
        podQuery(pods.podSelector, [...path, 'pods', 'podSelector'], at),
      )
}

type Rule = {
  readonly name?: string
  readonly action: 'Accept' | 'Allow' | 'Deny' | 'Pass'
  readonly protocols?: readonly ClusterProtocol[]
  readonly ports?: readonly AdminPort[]
}

function ruleOf(
  rule: Rule,
  peers: readonly ClusterPeer[],
  direction: PolicyRule['direction'],
  tier: 'admin' | 'baseline',
  path: Path,
  at: Importing,
): PolicyRule[] {
  const key = direction === 'ingress' ? 'from' : 'to'
  const who = peers.flatMap((peer, i) => peersOf(peer, [...path, key, i], at))
  const ports = [
    ...(rule.protocols ?? []).flatMap((one, i) => protocolOf(one, [...path, 'protocols', i], at)),
    ...(rule.ports ?? []).flatMap((one, i) => adminPortOf(one, [...path, 'ports', i], at)),
  ]
  if (direction === 'egress' && ports.some((port) => 'name' in port) && who.some((peer) => 'cidr' in peer))
    at.problem(path, 'networks give ports no names', 'give the number of the port, or make two rules of it')
  if (who.length === 0) return []
  return [
    {
      action: actionOf(rule.action, tier),
      direction,
      peers: who,
      ...(ports.length === 0 ? {} : { ports }),
      ...(rule.name === undefined || rule.name === '' ? {} : { description: rule.name }),
      origin: at.origin(path),
    },
  ]
}

/** What Baseline passes on, the default of Kubernetes lets through. */
function actionOf(action: Rule['action'], tier: 'admin' | 'baseline'): PolicyRule['action'] {
  if (action === 'Deny') return 'deny'
  return action === 'Pass' && tier === 'admin' ? 'pass' : 'allow'
}

function peersOf(peer: ClusterPeer, path: Path, at: Importing): PeerSelector[] {
  const { networks, nodes, domainNames, ...rest } = peer
  for (const [word, given] of Object.entries({ nodes, domainNames }))
    if (given !== undefined) {
      at.problem(
        [...path, word],
        word === 'nodes'
          ? 'nodes are no workloads here, so nobody would match'
          : 'nobody here knows the addresses of a domain',
        'use networks, namespaces or pods',
      )
      return []
    }
  if (networks === undefined) return [peerOf(selected(rest, path, at))]
  if (rest.namespaces !== undefined || rest.pods !== undefined)
    at.problem(path, 'a peer is one of networks, namespaces and pods', 'make two peers of it')
  return networks.map((text, i) => ({ cidr: networkOf(text, [...path, 'networks', i], at) }))
}

function protocolOf(one: ClusterProtocol, path: Path, at: Importing): PortMatch[] {
  const given = Object.keys(one)
  if (given.length !== 1) {
    at.problem(path, `it says ${given.length === 0 ? 'no protocol' : given.join(' and ')}`, 'give exactly one')
    return []
  }
  if (one.destinationNamedPort !== undefined) return [{ name: one.destinationNamedPort }]
  const protocol = given[0] as 'tcp' | 'udp' | 'sctp'
  const { number, range } = one[protocol]!.destinationPort
  if ((number === undefined) === (range === undefined)) {
    at.problem([...path, protocol], 'destinationPort is a number or a range', 'give one of the two')
    return []
  }
  return range === undefined ? [{ protocol, port: number! }] : [rangeOf(protocol, range, [...path, protocol], at)]
}

function adminPortOf({ portNumber, portRange, namedPort }: AdminPort, path: Path, at: Importing): PortMatch[] {
  const word = (protocol: string | undefined) => (protocol ?? 'TCP').toLowerCase() as 'tcp' | 'udp' | 'sctp'
  const found = [
    ...(portNumber === undefined ? [] : [{ protocol: word(portNumber.protocol), port: portNumber.port }]),
    ...(portRange === undefined ? [] : [rangeOf(word(portRange.protocol), portRange, path, at)]),
    ...(namedPort === undefined ? [] : [{ name: namedPort }]),
  ]
  if (found.length !== 1) at.problem(path, 'a port is one of portNumber, portRange and namedPort', 'give exactly one')
  return found
}

function rangeOf(
  protocol: 'tcp' | 'udp' | 'sctp',
  { start, end }: { readonly start: number; readonly end: number },
  path: Path,
  at: Importing,
): PortMatch {
  if (end < start) at.problem(path, `the range ${start} to ${end} runs backwards`, 'give start before end')
  return { protocol, port: start, to: end }
}
