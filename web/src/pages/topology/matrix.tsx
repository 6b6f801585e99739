/** Persona by persona. A cell: the harshest verdict as a sign, and how many flows; it opens the conversations behind it. */
import { t } from 'i18next'
import type { Topology } from '../../../../src/model/topology.ts'
import { count } from '../../format.ts'
import { PersonaName, VerdictMark } from '../../parts/marks.tsx'
import { ScrollBox } from '../../parts/scroll-box.tsx'
import { cellId } from './chosen.ts'
import { countOf, verdictOf } from './differs.ts'
import { type Axis, cellKey, toMatrix } from './matrix-cells.ts'

export function MatrixTable({
  topology,
  selected,
  onSelect,
}: {
  readonly topology: Topology
  readonly selected: string
  readonly onSelect: (id: string) => void
}) {
  const { rows, columns, cells } = toMatrix(topology)
  return (
    <ScrollBox className="surface scroll-x matrix-box" label={t('topology.matrix.label')}>
      <table className="matrix" aria-label={t('topology.matrix.label')}>
        <thead>
          <tr>
            <td className="qq">{t('topology.matrix.corner')}</td>
            {columns.map((axis) => (
              <th key={axis.name} scope="col">
                <AxisName axis={axis} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">
                <AxisName axis={row} />
              </th>
              {columns.map((column) => {
                const cell = cells.get(cellKey(row.name, column.name))
                if (cell === undefined) return <td key={column.name} />
                const verdict = verdictOf(cell.verdicts)
                const id = cellId(row.name, column.name)
                const words = {
                  from: row.name,
                  to: column.name,
                  verdict: t(`verdict.${verdict}`),
                  flows: count(cell.flows),
                }
                return (
                  <td key={column.name}>
                    <button
                      type="button"
                      className={`cell ${verdict}`}
                      aria-pressed={selected === id}
                      aria-label={t('topology.matrix.cell', words)}
                      title={t('topology.matrix.cell', words)}
                      onClick={() => onSelect(selected === id ? '' : id)}
                    >
                      <VerdictMark verdict={verdict} word={count(countOf(cell.verdicts, verdict))} />
                    </button>
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  )
}

function AxisName({ axis }: { readonly axis: Axis }) {
  return axis.isPersona ? <PersonaName name={axis.name} /> : <span className="q nw">{axis.name}</span>
}
