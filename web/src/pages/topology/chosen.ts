/** What `?sel=` names: a node, a segment, an edge, a cell of the matrix, or something that is not there any more. */
import { t } from 'i18next'
import type { Topology, TopologyEdge, TopologyNode } from '../../../../src/model/topology.ts'
import { cellKey, toMatrix } from './matrix-cells.ts'

export type Chosen =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'node'; readonly node: TopologyNode }
  | { readonly kind: 'edges'; readonly edges: readonly TopologyEdge[]; readonly title: string }

const CELL = 'cell:'
export const cellId = (from: string, to: string): string => `${CELL}${cellKey(from, to)}`

export function findChosen(topology: Topology, sel: string): Chosen {
  if (sel === '') return { kind: 'nothing' }
  if (sel.startsWith(CELL)) {
    const cell = toMatrix(topology).cells.get(sel.slice(CELL.length))
    if (cell === undefined) return { kind: 'gone' }
    return { kind: 'edges', edges: cell.edges, title: t('topology.panel.edge', { from: cell.from, to: cell.to }) }
  }
  const node = topology.nodes.find((one) => one.id === sel)
  if (node !== undefined) return { kind: 'node', node }
  const edge = topology.edges.find((one) => one.id === sel)
  if (edge !== undefined)
    return {
      kind: 'edges',
      edges: [edge],
      title:
        edge.from === edge.to
          ? t('topology.panel.inner', { name: endName(topology, edge.from) })
          : t('topology.panel.edge', { from: endName(topology, edge.from), to: endName(topology, edge.to) }),
    }
  const segment = sel.startsWith('s:') ? sumSegment(topology, sel.slice(2)) : null
  return segment === null ? { kind: 'gone' } : { kind: 'node', node: segment }
}

export function endName(topology: Topology, id: string): string {
  const node = topology.nodes.find((one) => one.id === id)
  if (node === undefined) return id
  const segment = topology.segments.find((one) => one.id === node.segment)?.name ?? node.segment
  if (node.kind === 'persona') return `${node.persona ?? 'unknown'}, ${segment}`
  return node.name
}

/** A segment whose nodes are drawn: it stands for them together. */
function sumSegment(topology: Topology, id: string): TopologyNode | null {
  const segment = topology.segments.find((one) => one.id === id)
  if (segment === undefined) return null
  const inside = topology.nodes.filter((node) => node.segment === id)
  const worst = [...inside].sort((a, b) => (b.risk ?? 0) - (a.risk ?? 0)).find((node) => node.evidence !== null)
  const sum = (of: (node: TopologyNode) => number) => inside.reduce((total, node) => total + of(node), 0)
  return {
    id: `s:${id}`,
    kind: id === 'outside' ? 'outside' : 'segment',
    name: segment.name,
    segment: id,
    persona: null,
    workload: null,
    members: segment.workloads,
    rest: false,
    bytes: sum((node) => node.bytes),
    flows: sum((node) => node.flows),
    risk: segment.risk,
    evidence: worst?.evidence ?? null,
    contained: sum((node) => node.contained),
  }
}

/** The node ids at both ends, and those behind a segment that is drawn as a field. */
export function ends(edges: readonly TopologyEdge[]): { readonly a: string; readonly b: string } {
  return {
    a: [...new Set(edges.map((edge) => edge.from))].join(','),
    b: [...new Set(edges.map((edge) => edge.to))].join(','),
  }
}

export function membersOf(topology: Topology, node: TopologyNode): string {
  if (node.kind !== 'segment' && node.id !== 's:outside') return node.id
  if (topology.nodes.some((one) => one.id === node.id)) return node.id
  return topology.nodes
    .filter((one) => one.segment === node.segment)
    .map((one) => one.id)
    .join(',')
}
