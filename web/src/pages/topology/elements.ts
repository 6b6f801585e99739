/** Nodes and edges of the answer as the map draws them under a lens. Pure; places come from the layout. */
import type { Topology, TopologyEdge, TopologyLens, TopologyNode } from '../../../../src/model/topology.ts'
import { monogram, personaColor } from '../../persona.ts'
import { edgeWidth, isAtRisk, type Mark, markEdge, nodeSize } from './differs.ts'

export type DrawnNode = {
  readonly id: string
  readonly label: string
  readonly size: number
  /** A token, `var(--persona-3)`. */
  readonly ring: string
  readonly classes: string
  /** In the middle: two letters, `+29`, or how many. */
  readonly inside: string
  readonly isUnknown: boolean
  readonly isSquare: boolean
  /** Share of the ring around it, 0 to 1; 0 = none. */
  readonly arc: number
}
export type DrawnEdge = {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly width: number
  readonly isTwoWay: boolean
  readonly mark: Mark
  readonly label: string
}
export type Words = Readonly<Record<Exclude<Mark, null>, string>> & {
  readonly more: (n: number) => string
}

/** Words on more lines than these would cover the names under them: then one of each kind says it, and the legend the rest. */
const MOST_WORDS = 8
/** Below this is quiet: a whole fleet has a little. */
const LOW = 0.2
const SIZES = [30, 36, 44] as const
const SEGMENT_SIZES = [42, 48, 60] as const

export function drawNodes(topology: Topology, lens: TopologyLens, words: Words): DrawnNode[] {
  const most = Math.max(0, ...topology.nodes.map((node) => node.bytes))
  return topology.nodes.map((node) => drawNode(node, most, lens, words))
}

function drawNode(node: TopologyNode, most: number, lens: TopologyLens, words: Words): DrawnNode {
  const color = node.persona === null ? null : personaColor(node.persona)
  const isUnknown = (node.kind === 'persona' || node.kind === 'workload') && color === null
  const step = nodeSize(node.bytes, most)
  const arc = node.risk !== null && (isAtRisk(node) || (lens === 'risk' && node.risk >= LOW)) ? node.risk : 0
  return {
    id: node.id,
    label: node.rest
      ? words.more(node.members)
      : node.kind === 'persona' && node.members > 1
        ? `${node.name} ${short(node.members)}`
        : node.name,
    size: node.kind === 'outside' ? 20 : node.kind === 'segment' ? SEGMENT_SIZES[step] : SIZES[step],
    ring: color ?? 'var(--unknown)',
    classes: [node.kind, arc > 0 || node.contained > 0 ? 'differs' : ''].filter(Boolean).join(' '),
    inside: insideOf(node),
    isUnknown,
    isSquare: node.kind === 'outside',
    arc,
  }
}

function insideOf(node: TopologyNode): string {
  if (node.kind === 'outside') return node.members > 1 ? short(node.members) : ''
  if (node.kind === 'segment') return short(node.members)
  if (node.rest) return `+${short(node.members)}`
  return node.persona === null || personaColor(node.persona) === null ? '?' : monogram(node.persona)
}

function short(n: number): string {
  return n < 1_000
    ? String(n)
    : n < 10_000
      ? `${(n / 1_000).toFixed(1).replace(/\.0$/, '')}k`
      : `${Math.round(n / 1_000)}k`
}

export function drawEdges(topology: Topology, lens: TopologyLens, words: Words): DrawnEdge[] {
  const judged = topology.judgedBy !== null
  const ids = new Set(topology.nodes.map((node) => node.id))
  const both = new Set(topology.edges.map((edge) => edge.id))
  const edges = topology.edges
    .filter((edge) => edge.from !== edge.to && ids.has(edge.from) && ids.has(edge.to))
    .map((edge) => drawEdge(edge, lens, judged, both.has(`${edge.to}>${edge.from}`), words))
  if (edges.filter(({ mark }) => mark !== null).length <= MOST_WORDS) return edges
  const heaviest = new Map<Mark, DrawnEdge>()
  for (const edge of edges) if (edge.width > (heaviest.get(edge.mark)?.width ?? -1)) heaviest.set(edge.mark, edge)
  return edges.map((edge) => (heaviest.get(edge.mark) === edge ? edge : { ...edge, label: '' }))
}

function drawEdge(edge: TopologyEdge, lens: TopologyLens, judged: boolean, isTwoWay: boolean, words: Words): DrawnEdge {
  const mark = markEdge(edge, lens, judged)
  return {
    id: edge.id,
    from: edge.from,
    to: edge.to,
    width: edgeWidth(edge.bytes),
    isTwoWay,
    mark,
    label: mark === null ? '' : words[mark],
  }
}
