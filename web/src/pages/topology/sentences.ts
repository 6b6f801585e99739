/** The facts of the map in sentences: the heading, the lead, and what the picture says to who cannot see it. */
import { t } from 'i18next'
import type { Topology } from '../../../../src/model/topology.ts'
import { bytes, count, countWord, probability } from '../../format.ts'
import { isAtRisk } from './differs.ts'
import type { Span } from './state.ts'

const dropped = ({ edges }: Topology) => edges.filter((edge) => edge.verdicts.deny > 0).length
const would = ({ edges }: Topology) =>
  edges.filter((edge) => edge.verdicts.deny === 0 && edge.verdicts.wouldDeny > 0).length

export function title(topology: Topology): string {
  const workloads = { count: topology.workloads, n: count(topology.workloads) }
  if (topology.workloads === 0) return t('topology.first')
  if (topology.edges.length === 0) return t('topology.title.silent')
  if (topology.judgedBy === null) return t('topology.title.unjudged', workloads)
  const [cut, counted] = [dropped(topology), would(topology)]
  if (cut === 0 && counted === 0) return t('topology.title.quiet', workloads)
  return [
    ...(cut > 0 ? [t('topology.title.drops', { count: cut, n: countWord(cut) })] : []),
    ...(counted > 0 ? [t('topology.title.would', { count: counted, n: countWord(counted) })] : []),
  ].join(' ')
}

export function lead(topology: Topology, span: Span): string | undefined {
  if (topology.workloads === 0) return undefined
  const flows = topology.edges.reduce((sum, edge) => sum + edge.flows, topology.folded.flows)
  const sum = topology.edges.reduce((total, edge) => total + edge.bytes, topology.folded.bytes)
  const parts = [
    t('topology.lead.flows', { flows: count(flows), bytes: bytes(sum), span: t(`topology.spanWords.${span}`) }),
  ]
  const risky = atRisk(topology)
  if (risky[0] !== undefined)
    parts.push(
      t('topology.lead.risk', {
        name: risky[0].evidence?.name ?? risky[0].name,
        risk: probability(risky[0].risk ?? 0),
      }),
    )
  const fresh = topology.edges.filter((edge) => edge.fresh).length
  if (fresh > 0) parts.push(t('topology.lead.fresh', { count: fresh, n: countWord(fresh) }))
  return parts.join(' ')
}

function atRisk(topology: Topology) {
  return topology.nodes.filter(isAtRisk).sort((a, b) => (b.risk ?? 0) - (a.risk ?? 0))
}

export function mapLabel(topology: Topology): string {
  const [cut, counted] = [dropped(topology), would(topology)]
  const risky = atRisk(topology).slice(0, 3)
  return [
    t('topology.mapLabel.start', {
      nodes: topology.nodes.length,
      edges: topology.edges.length,
      segments: t('topology.segments', { count: topology.segments.length, n: topology.segments.length }),
    }),
    ...(cut > 0 ? [t('topology.mapLabel.deny', { count: cut })] : []),
    ...(counted > 0 ? [t('topology.mapLabel.would', { count: counted })] : []),
    ...(risky.length > 0 ? [t('topology.mapLabel.risk', { names: risky.map((node) => node.name).join(', ') })] : []),
    t('topology.mapLabel.list'),
  ].join(' ')
}
