/**
 * The policy kinds of Kubernetes as their own documents write them (networking.k8s.io/v1; policy.networking.k8s.io v1alpha2
 * and v1alpha1), closed: a field that is not here is told, never passed over. Metadata is open, and so is status.
 */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const Text = Type.String({ minLength: 1, maxLength: 400 })
const Words = Type.Record(Type.String(), Type.String(), { additionalProperties: false })

export const KubeSelector = Type.Object(
  {
    matchLabels: Type.Optional(Words),
    matchExpressions: Type.Optional(
      Type.Array(
        Type.Object(
          {
            key: Text,
            operator: Type.Union([
              Type.Literal('In'),
              Type.Literal('NotIn'),
              Type.Literal('Exists'),
              Type.Literal('DoesNotExist'),
            ]),
            values: Type.Optional(Type.Array(Type.String({ maxLength: 63 }))),
          },
          closed,
        ),
      ),
    ),
  },
  closed,
)
export type KubeSelector = Static<typeof KubeSelector>

/** `''` as a pattern takes every other key. */
const Open = { patternProperties: { '': {} } } as const
const Metadata = Type.Object({ name: Text, namespace: Type.Optional(Text) }, Open)

const Port = Type.Integer({ minimum: 1, maximum: 65535 })
const NetworkPolicyPort = Type.Object(
  {
    protocol: Type.Optional(Type.Union([Type.Literal('TCP'), Type.Literal('UDP'), Type.Literal('SCTP')])),
    /** A number, or the name of a port of the pod. */
    port: Type.Optional(Type.Unknown()),
    endPort: Type.Optional(Port),
  },
  closed,
)
const NetworkPolicyPeer = Type.Object(
  {
    podSelector: Type.Optional(KubeSelector),
    namespaceSelector: Type.Optional(KubeSelector),
    ipBlock: Type.Optional(Type.Object({ cidr: Text, except: Type.Optional(Type.Array(Text)) }, closed)),
  },
  closed,
)
const peers = Type.Optional(Type.Array(NetworkPolicyPeer))
const ports = Type.Optional(Type.Array(NetworkPolicyPort))

export const NetworkPolicy = Type.Object(
  {
    apiVersion: Text,
    kind: Text,
    metadata: Metadata,
    spec: Type.Object(
      {
        podSelector: Type.Optional(KubeSelector),
        policyTypes: Type.Optional(Type.Array(Type.Union([Type.Literal('Ingress'), Type.Literal('Egress')]))),
        ingress: Type.Optional(Type.Array(Type.Object({ from: peers, ports }, closed))),
        egress: Type.Optional(Type.Array(Type.Object({ to: peers, ports }, closed))),
      },
      closed,
    ),
    status: Type.Optional(Type.Unknown()),
  },
  closed,
)
export type NetworkPolicy = Static<typeof NetworkPolicy>
export type NetworkPolicyPeer = Static<typeof NetworkPolicyPeer>
export type NetworkPolicyPort = Static<typeof NetworkPolicyPort>

const NamespacedPods = Type.Object(
  { namespaceSelector: Type.Optional(KubeSelector), podSelector: Type.Optional(KubeSelector) },
  closed,
)
const Subject = Type.Object({ namespaces: Type.Optional(KubeSelector), pods: Type.Optional(NamespacedPods) }, closed)
/** nodes and domainNames are known so that they can be refused by name. */
const ClusterPeer = Type.Object(
  {
    namespaces: Type.Optional(KubeSelector),
    pods: Type.Optional(NamespacedPods),
    networks: Type.Optional(Type.Array(Text)),
    nodes: Type.Optional(Type.Unknown()),
    domainNames: Type.Optional(Type.Unknown()),
  },
  closed,
)
const Range = Type.Object({ start: Port, end: Port }, closed)
const Destination = Type.Object(
  { destinationPort: Type.Object({ number: Type.Optional(Port), range: Type.Optional(Range) }, closed) },
  closed,
)
/** v1alpha2 */
const Protocol = Type.Object(
  {
    tcp: Type.Optional(Destination),
    udp: Type.Optional(Destination),
    sctp: Type.Optional(Destination),
    destinationNamedPort: Type.Optional(Text),
  },
  closed,
)
const PROTOCOL = Type.Union([Type.Literal('TCP'), Type.Literal('UDP'), Type.Literal('SCTP')])
/** v1alpha1 */
const AdminPort = Type.Object(
  {
    portNumber: Type.Optional(Type.Object({ protocol: Type.Optional(PROTOCOL), port: Port }, closed)),
    portRange: Type.Optional(Type.Object({ protocol: Type.Optional(PROTOCOL), start: Port, end: Port }, closed)),
    namedPort: Type.Optional(Text),
  },
  closed,
)
const rule = {
  name: Type.Optional(Type.String({ maxLength: 100 })),
  action: Type.Union([Type.Literal('Accept'), Type.Literal('Allow'), Type.Literal('Deny'), Type.Literal('Pass')]),
  protocols: Type.Optional(Type.Array(Protocol)),
  ports: Type.Optional(Type.Array(AdminPort)),
}
const ClusterPeers = Type.Array(ClusterPeer, { minItems: 1 })

/** ClusterNetworkPolicy; AdminNetworkPolicy and BaselineAdminNetworkPolicy are the same with an older word here and there. */
export const ClusterPolicy = Type.Object(
  {
    apiVersion: Text,
    kind: Text,
    metadata: Metadata,
    spec: Type.Object(
      {
        tier: Type.Optional(Type.Union([Type.Literal('Admin'), Type.Literal('Baseline')])),
        priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
        subject: Subject,
        ingress: Type.Optional(Type.Array(Type.Object({ ...rule, from: ClusterPeers }, closed))),
        egress: Type.Optional(Type.Array(Type.Object({ ...rule, to: ClusterPeers }, closed))),
      },
      closed,
    ),
    status: Type.Optional(Type.Unknown()),
  },
  closed,
)
export type ClusterPolicy = Static<typeof ClusterPolicy>
export type ClusterPeer = Static<typeof ClusterPeer>
export type ClusterProtocol = Static<typeof Protocol>
export type AdminPort = Static<typeof AdminPort>
export type NamespacedPods = Static<typeof NamespacedPods>
