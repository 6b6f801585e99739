/** Names of what is on this map only: its personas, and the signs the lens uses. */
import { t } from 'i18next'
import type { Topology, TopologyLens } from '../../../../src/model/topology.ts'
import { PersonaName } from '../../parts/marks.tsx'
import { personaColor } from '../../persona.ts'
import { isAtRisk, markEdge } from './differs.ts'

const MOST = 8

export function Legend({ topology, lens }: { readonly topology: Topology; readonly lens: TopologyLens }) {
  const personas = [...new Set(topology.nodes.flatMap((node) => node.persona ?? []))]
    .filter((name) => personaColor(name) !== null)
    .sort()
    .slice(0, MOST)
  const unknown = topology.nodes.some(
    (node) =>
      (node.kind === 'workload' || node.kind === 'persona') &&
      (node.persona === null || personaColor(node.persona) === null),
  )
  const judged = topology.judgedBy !== null
  const marks = new Set(topology.edges.map((edge) => markEdge(edge, lens, judged)))
  return (
    <ul className="map-legend">
      {personas.map((name) => (
        <li key={name}>
          <PersonaName name={name} />
        </li>
      ))}
      {unknown ? (
        <li>
          <PersonaName name="unknown" />
        </li>
      ) : null}
      {lens === 'risk' || topology.nodes.some(isAtRisk) ? (
        <li>
          <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
            <circle cx="9" cy="9" r="7" fill="none" stroke="var(--line-2)" strokeWidth="1.5" />
            <path d="M9 2A7 7 0 0 1 14 14" fill="none" stroke="var(--risk-3)" strokeWidth="3" />
          </svg>
          {t('topology.legend.risk')}
        </li>
      ) : null}
      {(['deny', 'would-deny', 'unjudged', 'evidence', 'fresh'] as const)
        .filter((mark) => marks.has(mark))
        .map((mark) => (
          <li key={mark}>
            <svg width="24" height="8" aria-hidden="true">
              <line x1="1" x2="23" y1="4" y2="4" className={`line-${mark}`} />
            </svg>
            {t(`topology.mark.${mark}`)}
          </li>
        ))}
    </ul>
  )
}
