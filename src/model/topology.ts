/**
 * Who talks to whom, folded until a person can see it: segments, personas in a segment, workloads, and the outside. Figures
 * are of one span; what was folded is counted, so that the sums of nodes, edges and folded stay those of the record.
 */
import type { AgentId, WorkloadId } from './ids.ts'
import type { Why } from './why.ts'

export const TOPOLOGY_LEVELS = ['segment', 'persona', 'workload'] as const
export type TopologyLevel = (typeof TOPOLOGY_LEVELS)[number]
export const TOPOLOGY_LENSES = ['traffic', 'policy', 'risk'] as const
export type TopologyLens = (typeof TOPOLOGY_LENSES)[number]

/** Above so many workloads a map opens with segments; nearer is one key away. */
const SEGMENTS_FROM = 500
export const usualLevel = (workloads: number): TopologyLevel => (workloads > SEGMENTS_FROM ? 'segment' : 'workload')

/** More than this and a picture is a knot. */
export const MAX_NODES = 250
export const MAX_EDGES = 600

/** Flows by what the rules in force now say of them. `wouldDeny`: a deny that the agent's mode only counts. */
export type VerdictCounts = {
  readonly allow: number
  readonly deny: number
  readonly wouldDeny: number
  readonly unjudged: number
}
export type TalkFigures = {
  /** bytes both ways */
  readonly bytes: number
  readonly flows: number
  readonly failed: number
  readonly verdicts: VerdictCounts
}

export type TopologySegment = {
  readonly id: string
  readonly name: string
  /** 0 clients, 1 edge, 2 services, 3 data, 4 outside: the columns of the map, in the order in which work flows. */
  readonly column: number
  readonly workloads: number
  /** The highest of its workloads; null = none was judged. */
  readonly risk: number | null
}

export type TopologyNode = {
  /** Stable over time: the same thing has the same id tomorrow, so it can stand at the same place. */
  readonly id: string
  readonly kind: 'segment' | 'persona' | 'workload' | 'outside'
  readonly name: string
  readonly segment: string
  /** Null: not known, or (a segment, the outside) more than one. */
  readonly persona: string | null
  readonly workload: WorkloadId | null
  /** Workloads it stands for, or addresses of the outside. */
  readonly members: number
  /** Others of the same persona and segment are drawn on their own: this is the rest, `+29`. */
  readonly rest: boolean
  readonly bytes: number
  readonly flows: number
  readonly risk: number | null
  /** The strongest evidence against one of its members, and whose it is. */
  readonly evidence: { readonly workload: WorkloadId; readonly name: string; readonly why: string } | null
  readonly contained: number
}

export type TopologyService = {
  readonly port: number
  readonly proto: number
  readonly service: string | null
  readonly bytes: number
  readonly flows: number
}

/** `from` asked, `to` answered. `from` = `to`: members of one node among themselves. */
export type TopologyEdge = TalkFigures & {
  readonly id: string
  readonly from: string
  readonly to: string
  /** The three with most bytes. */
  readonly services: readonly TopologyService[]
  /** Distinct pairs of service and rule class behind it are many; conversations are what was recorded, by 5 minutes. */
  readonly conversations: number
  readonly last: number
  /** None of the pairs looked at spoke before the span, as far back as conversations are kept. */
  readonly fresh: boolean
  /** Evidence that names the other end of this edge. */
  readonly evidence: string | null
}

export type Topology = {
  readonly from: number
  readonly to: number
  readonly level: TopologyLevel
  /** Conversations before this are not kept any more. */
  readonly keptSince: number
  /** Generation whose rules judged; null = none is in force. */
  readonly judgedBy: number | null
  readonly workloads: number
  /** Those that the filter holds for. */
  readonly matched: number
  readonly segments: readonly TopologySegment[]
  readonly nodes: readonly TopologyNode[]
  readonly edges: readonly TopologyEdge[]
  /** Left out of `edges`, least different first. */
  readonly folded: TalkFigures & { readonly edges: number; readonly workloads: number; readonly addresses: number }
  /** DNS, NTP, DHCP and the like, left out unless asked for; what was dropped is never left out. */
  readonly hidden: TalkFigures & { readonly edges: number }
  /** True: there were more kinds of conversation than are read at once; the smallest are missing from every figure. */
  readonly cut: boolean
}

/** One conversation behind an edge, with the verdict of the rules in force and what decided it. */
export type TopologyTalk = {
  readonly workload: WorkloadId
  readonly name: string
  readonly peer: string
  readonly peerName: string | null
  readonly peerWorkload: WorkloadId | null
  readonly direction: 'initiated' | 'served'
  readonly port: number
  readonly proto: number
  readonly service: string | null
  readonly bytes: number
  readonly flows: number
  readonly failed: number
  readonly last: number
  readonly verdict: 'allow' | 'deny' | 'would-deny' | null
  readonly why: Why | null
}
export type TopologyTalks = {
  readonly items: readonly TopologyTalk[]
  readonly next: null
  /** Flows of the last hour that the rules in force deny, among the conversations read. */
  readonly deniedLastHour: number
}

/** A workload as the map needs it. Personas by name; bytes per second both ways. */
export type Face = {
  readonly id: WorkloadId
  readonly agent: AgentId
  readonly key: string
  readonly name: string
  readonly kind: string
  readonly labels: Readonly<Record<string, string>>
  readonly addresses: readonly string[]
  readonly worn: string | null
  readonly assigned: string | null
  readonly believed: string | null
  readonly risk: number | null
  readonly containedUntil: number | null
  readonly rate: number
}

/** Conversations of one class of workloads with one class of addresses, or with one other address, by service. */
export type ClassTalk = {
  readonly own: number
  readonly other: number | null
  readonly peer: string | null
  readonly port: number
  readonly proto: number
  readonly direction: 'initiated' | 'served'
  readonly flows: number
  readonly failed: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly conversations: number
  readonly service: string | null
  readonly last: number
  /** One of the pairs behind it: `WORKLOAD PEER`. */
  readonly sample: string
}
