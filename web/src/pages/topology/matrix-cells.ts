/** Persona by persona: the edges of the map added up by who asks and who answers. */
import type { Topology, TopologyEdge, VerdictCounts } from '../../../../src/model/topology.ts'

export type MatrixCell = {
  readonly from: string
  readonly to: string
  readonly edges: readonly TopologyEdge[]
  readonly bytes: number
  readonly flows: number
  readonly verdicts: VerdictCounts
}
export type Axis = { readonly name: string; readonly isPersona: boolean }
export type Matrix = {
  readonly rows: readonly Axis[]
  readonly columns: readonly Axis[]
  readonly cells: ReadonlyMap<string, MatrixCell>
}

export const cellKey = (from: string, to: string) => `${from}>${to}`

export function toMatrix({ nodes, edges }: Pick<Topology, 'nodes' | 'edges'>): Matrix {
  const axisOf = new Map(
    nodes.map((node) => [
      node.id,
      node.kind === 'outside'
        ? { name: node.id.startsWith('a:') ? 'Outside, named' : node.name, isPersona: false }
        : node.kind === 'segment'
          ? { name: node.name, isPersona: false }
          : { name: node.persona ?? 'unknown', isPersona: true },
    ]),
  )
  const cells = new Map<string, MatrixCell & { edges: TopologyEdge[] }>()
  for (const edge of edges) {
    const [from, to] = [axisOf.get(edge.from)?.name, axisOf.get(edge.to)?.name]
    if (from === undefined || to === undefined) continue
    const cell = cells.get(cellKey(from, to))
    cells.set(cellKey(from, to), {
      from,
      to,
      edges: [...(cell?.edges ?? []), edge],
      bytes: (cell?.bytes ?? 0) + edge.bytes,
      flows: (cell?.flows ?? 0) + edge.flows,
      verdicts: add(cell?.verdicts, edge.verdicts),
    })
  }
  const axes = (side: 'from' | 'to') => {
    const used = new Set([...cells.values()].map((cell) => cell[side]))
    const found = new Map([...axisOf.values()].map((axis) => [axis.name, axis]))
    return [...found.values()]
      .filter((axis) => used.has(axis.name))
      .sort((a, b) => Number(b.isPersona) - Number(a.isPersona) || (a.name < b.name ? -1 : 1))
  }
  return { rows: axes('from'), columns: axes('to'), cells }
}

function add(a: VerdictCounts | undefined, b: VerdictCounts): VerdictCounts {
  if (a === undefined) return b
  return {
    allow: a.allow + b.allow,
    deny: a.deny + b.deny,
    wouldDeny: a.wouldDeny + b.wouldDeny,
    unjudged: a.unjudged + b.unjudged,
  }
}
