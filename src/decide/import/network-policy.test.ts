/**
 * What a NetworkPolicy means, written anew from its documentation (kubernetes.io, "Network Policies": isolation by direction once a
 * pod is selected, additive, both ends must let it), beside what comes of the import: the same verdict for every pod, port and policy set.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { cidrContains, parseAddress, parseCidr } from '../../model/address.ts'
import type { PolicyManifest } from '../../model/manifest.ts'
import { judge } from '../judge.ts'
import { fitsLabels } from '../label-match.ts'
import { fleetPortNames, ownPortLabels } from '../named-ports.ts'
import { resolve } from '../resolve.ts'
import { importPolicies } from './import-policies.ts'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from './kube-schemas.ts'

type Selector = {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[]
}
type Pod = { namespace: string; labels: Record<string, string>; address: string; web: number }
const NAMESPACES: Record<string, Record<string, string>> = { x: { ns: 'x' }, y: { ns: 'y', team: 'a' }, z: {} }
const PODS: Pod[] = Object.keys(NAMESPACES).flatMap((namespace, n) =>
  ['a', 'b', 'c'].map((pod, i) => ({
    namespace,
    labels: pod === 'c' ? {} : { pod },
    address: `10.${n}.0.${i + 1}`,
    web: i === 1 ? 80 : 81,
  })),
)

function selects(selector: Selector | undefined, labels: Record<string, string>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {}
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key in labels
      if (operator === 'DoesNotExist') return !(key in labels)
      const isIn = key in labels && values.includes(labels[key]!)
      return operator === 'In' ? isIn : !isIn
    })
  )
}

function isPeer(peer: NetworkPolicyPeer, home: string, pod: Pod): boolean {
  if (peer.ipBlock !== undefined) {
    const inside = (cidr: string) => cidrContains(parseCidr(cidr)!, parseAddress(pod.address)!)
    return inside(peer.ipBlock.cidr) && !(peer.ipBlock.except ?? []).some(inside)
  }
  const isPlaced =
    peer.namespaceSelector === undefined
      ? pod.namespace === home
      : selects(peer.namespaceSelector as Selector, {
          ...NAMESPACES[pod.namespace]!,
          'kubernetes.io/metadata.name': pod.namespace,
        })
  return isPlaced && (peer.podSelector === undefined || selects(peer.podSelector as Selector, pod.labels))
}

/** `target` is the pod whose port it is. */
function isPort({ protocol = 'TCP', port, endPort }: NetworkPolicyPort, target: Pod, proto: string, number: number) {
  if (protocol !== proto) return false
  if (port === undefined) return true
  if (typeof port === 'string') return port === 'web' && proto === 'TCP' && target.web === number
  return number >= (port as number) && number <= (endPort ?? (port as number))
}

function kubernetes(policies: NetworkPolicy[], from: Pod, to: Pod, proto: string, port: number): boolean {
  const side = (own: Pod, other: Pod, type: 'Ingress' | 'Egress') => {
    const isolating = policies.filter(({ metadata, spec }) => {
      const types = spec.policyTypes ?? ['Ingress', ...((spec.egress ?? []).length > 0 ? ['Egress'] : [])]
      return (
        metadata.namespace === own.namespace &&
        types.includes(type) &&
        selects(spec.podSelector as Selector, own.labels)
      )
    })
    if (isolating.length === 0) return true
    return isolating.some(({ metadata, spec }) => {
      const rules =
        type === 'Ingress'
          ? (spec.ingress ?? []).map(({ from: peers, ports }) => ({ peers, ports }))
          : (spec.egress ?? []).map(({ to: peers, ports }) => ({ peers, ports }))
      return rules.some(({ peers = [], ports = [] }) => {
        // Ports have no names in a block of addresses outside; whose port it is has its own names whoever calls.
        const isWho = (named: boolean) =>
          peers.length === 0 ||
          peers.some(
            (peer) =>
              isPeer(peer, metadata.namespace as string, other) &&
              !(named && type === 'Egress' && peer.ipBlock !== undefined),
          )
        if (ports.length === 0) return isWho(false)
        return ports.some((one) => isPort(one, to, proto, port) && isWho(typeof one.port === 'string'))
      })
    })
  }
  return side(from, to, 'Egress') && side(to, from, 'Ingress')
}

const labelsOf = (pod: Pod) => ({
  ...pod.labels,
  ...Object.fromEntries(Object.entries(NAMESPACES[pod.namespace]!).map(([key, value]) => [`namespace/${key}`, value])),
  namespace: pod.namespace,
  'port/web': `${pod.web}/tcp`,
})

function ours(manifests: readonly PolicyManifest[]) {
  const fleet = fleetPortNames(PODS.map((pod) => ({ labels: labelsOf(pod) })))
  const resolved = new Map(
    PODS.map((pod) => {
      const applying = manifests.filter(({ spec }) => fitsLabels(labelsOf(pod), spec.subjects ?? {}))
      const persona = { ref: { id: 'p' as never, name: 'P', version: 1 }, spec: {} }
      return [pod, resolve(persona, applying, { own: ownPortLabels(labelsOf(pod)), fleet })]
    }),
  )
  const side = (own: Pod, other: Pod, direction: 'egress' | 'ingress', proto: number, port: number) => {
    const { sets, ...lists } = resolved.get(own)!
    const members = (name: string) => {
      const meaning = sets.get(name)
      if (meaning?.kind !== 'labels') return []
      return PODS.filter((pod) => fitsLabels(labelsOf(pod), meaning.query)).map((pod) => pod.address)
    }
    return judge(lists[direction], { peer: other.address, proto, port }, members).verdict === 'allow'
  }
  return (from: Pod, to: Pod, proto: number, port: number) =>
    side(from, to, 'egress', proto, port) && side(to, from, 'ingress', proto, port)
}

const labels = fc.dictionary(fc.constantFrom('pod', 'app'), fc.constantFrom('a', 'b'), { maxKeys: 1 })
const expression = (keys: string[]) =>
  fc.oneof(
    fc.record({
      key: fc.constantFrom(...keys),
      operator: fc.constantFrom('In' as const, 'NotIn' as const),
      values: fc.subarray(['a', 'b', 'x', 'y'], { minLength: 1 }),
    }),
    fc.record({ key: fc.constantFrom(...keys), operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
  )
const podSelector = fc.oneof(
  fc.constant({}),
  labels.map((matchLabels) => ({ matchLabels })),
  fc.array(expression(['pod', 'app']), { maxLength: 2 }).map((matchExpressions) => ({ matchExpressions })),
)
const namespaceSelector = fc.oneof(
  fc.constant({}),
  fc.constantFrom('x', 'y').map((ns) => ({ matchLabels: { 'kubernetes.io/metadata.name': ns } })),
  fc
    .array(expression(['ns', 'team', 'kubernetes.io/metadata.name']), { maxLength: 2 })
    .map((matchExpressions) => ({ matchExpressions })),
)
const block = fc.constantFrom(
  { cidr: '10.0.0.0/8' },
  { cidr: '10.1.0.0/16', except: ['10.1.0.2/32'] },
  { cidr: '10.0.0.0/8', except: ['10.0.0.0/16', '10.2.0.0/31'] },
)
const peer = fc.oneof(
  podSelector.map((one) => ({ podSelector: one })),
  namespaceSelector.map((one) => ({ namespaceSelector: one })),
  fc.record({ podSelector, namespaceSelector }),
  block.map((ipBlock) => ({ ipBlock })),
)
const port = fc.oneof(
  fc.constant({}),
  fc.constantFrom('TCP', 'UDP', 'SCTP').map((protocol) => ({ protocol })),
  fc.record({ protocol: fc.constantFrom('TCP', 'UDP'), port: fc.constantFrom(80, 81) }),
  fc.constantFrom({ port: 80, endPort: 82 }, { port: 'web' }, { port: 'web', protocol: 'UDP' }, { port: 'nothing' }),
)
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })
const peers = maybe(fc.array(peer, { maxLength: 2 }))
const ports = maybe(fc.array(port, { maxLength: 2 }))
const policy = fc.record({
  namespace: fc.constantFrom(...Object.keys(NAMESPACES)),
  podSelector: maybe(podSelector),
  policyTypes: fc.constantFrom(undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']),
  ingress: maybe(fc.array(fc.record({ from: peers, ports }), { maxLength: 2 })),
  egress: maybe(fc.array(fc.record({ to: peers, ports }), { maxLength: 2 })),
})

test('an imported NetworkPolicy lets through what Kubernetes would, and nothing else', () => {
  let verdicts = 0
  let allowed = 0
  fc.assert(
    fc.property(fc.array(policy, { minLength: 1, maxLength: 3 }), (specs) => {
      const policies = specs.map(({ namespace, ...spec }, i) =>
        JSON.parse(
          JSON.stringify({
            apiVersion: 'networking.k8s.io/v1',
            kind: 'NetworkPolicy',
            metadata: { name: `p${i}`, namespace },
            spec,
          }),
        ),
      ) as NetworkPolicy[]
      const text = policies.map((one) => stringify(one)).join('---\n')
      const { manifests, problems } = importPolicies([{ file: 'np', text }])
      assert.deepEqual(problems, [])
      const lets = ours(manifests.map((one) => ({ ...one, spec: { ...one.spec, mode: 'enforce' as const } })))
      for (const from of PODS)
        for (const to of PODS) {
          if (from === to) continue
          for (const [proto, number] of [
            ['TCP', 80],
            ['TCP', 81],
            ['UDP', 80],
            ['SCTP', 80],
          ] as const) {
            const wanted = kubernetes(policies, from, to, proto, number)
            const found = lets(from, to, { TCP: 6, UDP: 17, SCTP: 132 }[proto], number)
            verdicts++
            if (wanted) allowed++
            if (wanted !== found)
              assert.fail(`${from.address} → ${to.address} ${proto} ${number}: ${wanted} there, ${found} here\n${text}`)
          }
        }
    }),
    { numRuns: 150 },
  )
  assert.ok(allowed > verdicts / 20 && allowed < (verdicts * 19) / 20, `${allowed} of ${verdicts} allowed`)
})
