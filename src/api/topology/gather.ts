/**
 * Rows of class and class to nodes and edges. Both ends of a flow between two of our workloads may have counted it: per pair
 * of nodes and service, the end that counted more is believed and the other left out, so nothing is counted twice.
 */
import type { EvidenceRecord } from '../../model/records.ts'
import { OUTSIDE } from '../../model/segment.ts'
import {
  type ClassTalk,
  type Face,
  MAX_EDGES,
  type Topology,
  type TopologyEdge,
  type TopologyNode,
  type TopologyService,
} from '../../model/topology.ts'
import { add, addTalk, figures, type Sum, type SumVerdict, topServices, zero } from './figures.ts'
import type { Groups } from './group.ts'
import { OUTSIDE_NAMES, type OutsideGroup } from './outside.ts'

/** A row with its ends as nodes and its verdict: what the classes were for. */
export type JudgedTalk = ClassTalk & {
  /** Index of the group of the workload that counted it. */
  readonly ownGroup: number
  /** The other end: a group, or an address. */
  readonly otherGroup: number | null
  readonly verdict: SumVerdict
}
export type GatherInput = {
  readonly groups: Groups
  readonly faces: readonly Face[]
  readonly talks: readonly JudgedTalk[]
  readonly evidence: readonly EvidenceRecord[]
  readonly outsideOf: (address: string) => OutsideGroup
  /** Addresses of the outside that stand alone: those that evidence names or rules cut, at most this many. */
  readonly outsideAlone: number
  readonly infrastructure: 'show' | 'hide'
}
export type Gathered = Pick<Topology, 'nodes' | 'edges' | 'folded' | 'hidden'> & {
  /** Of each edge, some of the pairs behind it. */
  readonly samples: ReadonlyMap<string, readonly string[]>
}

/** DNS, mDNS, LLMNR, DNS over TLS, NTP, DHCP for both families, SSDP: how hosts live, not what they do. */
const INFRASTRUCTURE_PORTS: ReadonlySet<number> = new Set([53, 67, 68, 123, 546, 547, 853, 1900, 5353, 5355])
export const isInfrastructure = (proto: number, port: number): boolean =>
  proto === 1 || proto === 58 || proto === 2 || INFRASTRUCTURE_PORTS.has(port)

const SAMPLES = 6

type Line = {
  readonly initiated: Sum
  readonly served: Sum
  readonly proto: number
  readonly port: number
  service: string | null
}
type Pair = {
  readonly from: string
  readonly to: string
  readonly lines: Map<string, Line>
  readonly samples: string[]
  last: number
}

export function gather(input: GatherInput): Gathered {
  const outside = nameOutside(input)
  const pairs = new Map<string, Pair>()
  const hiddenPairs = new Map<string, Pair>()
  for (const talk of input.talks) {
    const own = input.groups.groups[talk.ownGroup]!.id
    const other = talk.otherGroup === null ? outside.nodeOf(talk.peer!) : input.groups.groups[talk.otherGroup]!.id
    const [from, to] = talk.direction === 'initiated' ? [own, other] : [other, own]
    const isHidden =
      input.infrastructure === 'hide' &&
      isInfrastructure(talk.proto, talk.port) &&
      talk.verdict !== 'deny' &&
      talk.verdict !== 'would-deny'
    count(isHidden ? hiddenPairs : pairs, from, to, talk)
  }
  const accusations = accuse(input, outside.nodeOf)
  const all = [...pairs.values()].map((pair) => toEdge(pair, accusations.byPair))
  const drawn = [...all].sort(mostDifferent).slice(0, MAX_EDGES)
  const kept = new Set(drawn)
  const rest = all.filter((edge) => !kept.has(edge))
  return {
    nodes: [...workloadNodes(input, all, accusations.byGroup), ...outside.nodes(all)],
    edges: drawn.map(({ sum: _sum, ...edge }) => edge).sort((a, b) => (a.id < b.id ? -1 : 1)),
    folded: {
      ...figures(rest.reduce((sum, edge) => add(sum, edge.sum), zero())),
      edges: rest.length,
      workloads: input.groups.folded,
      addresses: outside.folded,
    },
    hidden: {
      ...figures([...hiddenPairs.values()].reduce((sum, pair) => add(sum, sumOf(pair)), zero())),
      edges: hiddenPairs.size,
    },
    samples: new Map(drawn.map((edge) => [edge.id, pairs.get(edge.id)!.samples])),
  }
}

function count(pairs: Map<string, Pair>, from: string, to: string, talk: JudgedTalk): void {
  const id = `${from}>${to}`
  const pair: Pair = pairs.get(id) ?? { from, to, lines: new Map(), samples: [], last: 0 }
  pairs.set(id, pair)
  const name = `${talk.proto}/${talk.port}`
  const line = pair.lines.get(name) ?? {
    initiated: zero(),
    served: zero(),
    proto: talk.proto,
    port: talk.port,
    service: null,
  }
  pair.lines.set(name, line)
  line.service ??= talk.service
  addTalk(line[talk.direction], talk.bytesOut + talk.bytesIn, talk)
  pair.last = Math.max(pair.last, talk.last)
  if (pair.samples.length < SAMPLES) pair.samples.push(talk.sample)
}

const believed = (line: Line): Sum => (line.served.flows > line.initiated.flows ? line.served : line.initiated)
const sumOf = (pair: Pair): Sum => [...pair.lines.values()].reduce((sum, line) => add(sum, believed(line)), zero())

type DraftEdge = TopologyEdge & { readonly sum: Sum }

function toEdge(pair: Pair, accusations: ReadonlyMap<string, string>): DraftEdge {
  const id = `${pair.from}>${pair.to}`
  const sum = sumOf(pair)
  const services: TopologyService[] = [...pair.lines.values()].map((line) => {
    const { bytes, flows } = believed(line)
    return { port: line.port, proto: line.proto, service: line.service, bytes, flows }
  })
  return {
    id,
    from: pair.from,
    to: pair.to,
    ...figures(sum),
    services: topServices(services),
    conversations: sum.conversations,
    last: pair.last,
    fresh: false,
    evidence: accusations.get(id) ?? accusations.get(`${pair.to}>${pair.from}`) ?? null,
    sum,
  }
}

/** What is dropped, accused or would be dropped first; then by bytes: what goes first is the least different. */
function mostDifferent(a: DraftEdge, b: DraftEdge): number {
  const rank = ({ sum, evidence }: DraftEdge) =>
    (sum.deny > 0 ? 4 : 0) + (evidence !== null ? 2 : 0) + (sum.wouldDeny > 0 ? 1 : 0)
  return rank(b) - rank(a) || b.bytes - a.bytes || b.flows - a.flows || (a.id < b.id ? -1 : 1)
}

/** Evidence by the edge it names, and the strongest against anyone in a node. */
function accuse({ groups, faces, evidence }: GatherInput, outsideNodeOf: (address: string) => string) {
  const groupOf = new Map(faces.map((face, i) => [face.id, groups.of[i]!]))
  const nameOf = new Map(faces.map((face) => [face.id, face.name]))
  const byAddress = new Map(
    faces.flatMap((face, i) => face.addresses.map((address) => [address.split('/')[0]!, groups.of[i]!] as const)),
  )
  const byPair = new Map<string, string>()
  const byGroup = new Map<number, NonNullable<TopologyNode['evidence']> & { readonly weight: number }>()
  for (const { workload, evidence: one } of evidence) {
    const group = groupOf.get(workload)
    if (group === undefined || one.weight <= 0) continue
    if ((byGroup.get(group)?.weight ?? 0) < one.weight)
      byGroup.set(group, { workload, name: nameOf.get(workload) ?? workload, why: one.why, weight: one.weight })
    if (one.peer === null) continue
    const address = addressOf(one.peer)
    const other = byAddress.get(address)
    const node = other === undefined ? outsideNodeOf(address) : groups.groups[other]!.id
    byPair.set(`${groups.groups[group]!.id}>${node}`, one.why)
  }
  return { byPair, byGroup }
}

/** `203.0.113.7:443` and `[fd00::7]:443` → the address. */
export function addressOf(peer: string): string {
  return /^\[([^\]]+)\]/.exec(peer)?.[1] ?? /^([\d.]+):\d+$/.exec(peer)?.[1] ?? peer
}

type Accused = ReturnType<typeof accuse>['byGroup']

function workloadNodes({ groups }: GatherInput, edges: readonly DraftEdge[], accused: Accused): TopologyNode[] {
  const sums = sumByNode(edges)
  return groups.groups.map((group, i) => {
    const found = accused.get(i)
    const evidence = found === undefined ? null : { workload: found.workload, name: found.name, why: found.why }
    return { ...group, ...(sums.get(group.id) ?? { bytes: 0, flows: 0 }), evidence }
  })
}

function sumByNode(edges: readonly DraftEdge[]): Map<string, { bytes: number; flows: number }> {
  const sums = new Map<string, { bytes: number; flows: number }>()
  for (const edge of edges)
    for (const id of new Set([edge.from, edge.to])) {
      const sum = sums.get(id) ?? { bytes: 0, flows: 0 }
      sums.set(id, { bytes: sum.bytes + edge.bytes, flows: sum.flows + edge.flows })
    }
  return sums
}

/** Which node an address of the outside is drawn in. */
function nameOutside({ talks, evidence, outsideOf, outsideAlone }: GatherInput) {
  const named = new Set(
    evidence.flatMap(({ evidence: one }) => (one.peer === null || one.weight <= 0 ? [] : addressOf(one.peer))),
  )
  const bytes = new Map<string, { bytes: number; cut: number }>()
  for (const talk of talks) {
    if (talk.peer === null) continue
    const sum = bytes.get(talk.peer) ?? { bytes: 0, cut: 0 }
    sum.bytes += talk.bytesOut + talk.bytesIn
    if (talk.verdict === 'deny' || talk.verdict === 'would-deny') sum.cut += talk.flows
    bytes.set(talk.peer, sum)
  }
  const alone = new Set(
    [...bytes]
      .filter(([address, sum]) => named.has(address) || sum.cut > 0)
      .sort(
        ([a, x], [b, y]) =>
          Number(named.has(b)) - Number(named.has(a)) || y.cut - x.cut || y.bytes - x.bytes || (a < b ? -1 : 1),
      )
      .slice(0, outsideAlone)
      .map(([address]) => address),
  )
  const nodeOf = (address: string) => (alone.has(address) ? `a:${address}` : `o:${outsideOf(address)}`)
  const nodes = (edges: readonly DraftEdge[]): TopologyNode[] => {
    const members = new Map<string, number>()
    for (const address of bytes.keys()) members.set(nodeOf(address), (members.get(nodeOf(address)) ?? 0) + 1)
    const sums = sumByNode(edges)
    return [...members]
      .filter(([id]) => sums.has(id))
      .map(([id, n]) => ({
        id,
        kind: 'outside' as const,
        name: id.startsWith('a:') ? id.slice(2) : OUTSIDE_NAMES[id.slice(2) as OutsideGroup],
        segment: OUTSIDE.id,
        persona: null,
        workload: null,
        members: n,
        rest: false,
        ...sums.get(id)!,
        risk: null,
        evidence: null,
        contained: 0,
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }
  return { nodeOf, nodes, folded: bytes.size - alone.size }
}
