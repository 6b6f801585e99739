/** What of a node or an edge stands out under a lens, in one word each; the rest stays grey. Pure: the map, the list and the matrix agree. */
import type { TopologyEdge, TopologyLens, TopologyNode, VerdictCounts } from '../../../../src/model/topology.ts'
import type { Verdict } from '../../nouns.ts'

export type Mark = 'deny' | 'would-deny' | 'unjudged' | 'evidence' | 'fresh' | null

/** The harshest thing rules say of some of it. */
export function verdictOf(verdicts: VerdictCounts): Verdict {
  if (verdicts.deny > 0) return 'deny'
  if (verdicts.wouldDeny > 0) return 'would-deny'
  return verdicts.allow > 0 ? 'allow' : 'unjudged'
}

export function countOf(verdicts: VerdictCounts, verdict: Verdict): number {
  switch (verdict) {
    case 'allow':
      return verdicts.allow
    case 'deny':
      return verdicts.deny
    case 'would-deny':
      return verdicts.wouldDeny
    case 'unjudged':
      return verdicts.unjudged
  }
}

/** `judged`: some rules are in force. Without any, nothing was left unjudged by mistake. */
export function markEdge(edge: TopologyEdge, lens: TopologyLens, judged: boolean): Mark {
  switch (lens) {
    case 'traffic':
      // What is dropped never looks like what passes, whatever is looked for.
      if (edge.verdicts.deny > 0) return 'deny'
      if (edge.verdicts.wouldDeny > 0) return 'would-deny'
      return edge.fresh ? 'fresh' : null
    case 'policy':
      if (edge.verdicts.deny > 0) return 'deny'
      if (edge.verdicts.wouldDeny > 0) return 'would-deny'
      return judged && edge.verdicts.unjudged > 0 && edge.verdicts.allow === 0 ? 'unjudged' : null
    case 'risk':
      return edge.evidence === null ? null : 'evidence'
  }
}

const RAISED = 0.4
export function isAtRisk(node: TopologyNode): boolean {
  return node.risk !== null && node.risk >= RAISED
}

/** What a person should look at first, whatever the lens. */
export function rankEdge(edge: TopologyEdge): number {
  return (
    (edge.verdicts.deny > 0 ? 8 : 0) +
    (edge.evidence !== null ? 4 : 0) +
    (edge.verdicts.wouldDeny > 0 ? 2 : 0) +
    (edge.fresh ? 1 : 0)
  )
}

export function mostDifferent(edges: readonly TopologyEdge[], most: number): TopologyEdge[] {
  return edges
    .filter((edge) => rankEdge(edge) > 0)
    .sort((a, b) => rankEdge(b) - rankEdge(a) || b.bytes - a.bytes || (a.id < b.id ? -1 : 1))
    .slice(0, most)
}

/** 1 to 4 px by the logarithm of bytes: up to 100 kB is a hair, 10 GB a rope. */
export function edgeWidth(bytes: number): number {
  const magnitude = Math.log10(Math.max(1, bytes))
  return Math.round(Math.min(4, Math.max(1, 1 + ((magnitude - 5) / 5) * 3)) * 10) / 10
}

/** Three sizes: with the most traffic, a tenth of it, less. */
export function nodeSize(bytes: number, most: number): 0 | 1 | 2 {
  if (bytes <= 0 || most <= 0) return 0
  return bytes > most / 10 ? 2 : bytes > most / 200 ? 1 : 0
}
