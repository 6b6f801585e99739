/** Whom a model takes for whom: a table whose cells are shaded by their share of the row; the numbers are always there. */
import { t } from 'i18next'
import type { CSSProperties } from 'react'
import type { ModelMetrics } from '../../../../src/model/model-record.ts'
import { count } from '../../format.ts'
import { Swatch } from '../../parts/marks.tsx'
import { ScrollBox } from '../../parts/scroll-box.tsx'
import { monogram } from '../../persona.ts'

/** Per cent of colour in a full cell: ink on it keeps its contrast in both themes, also while the page is pale for want of a server. */
const DEEPEST = 28
const LEAST = 6

type Props = { readonly personas: readonly string[]; readonly metrics: ModelMetrics }

export function Confusion({ personas, metrics }: Props) {
  const { confusion, silent } = metrics
  return (
    <section className="surface" aria-labelledby="confusion">
      <div className="panel-head">
        <h2 id="confusion">{t('models.confusion')}</h2>
      </div>
      <ScrollBox className="scroll-x confusion-box" label={t('models.matrix')}>
        <table className="confusion">
          <thead>
            <tr>
              <th scope="col">{t('models.is')}</th>
              {personas.map((name) => (
                <th key={name} scope="col" className="num" title={name}>
                  <Short name={name} />
                </th>
              ))}
              <th scope="col" className="num silent" title={t('models.silent')}>
                <span aria-hidden="true">?</span>
                <span className="vh">{t('models.silent')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {personas.map((truth, i) => {
              const row = confusion[i] ?? []
              const all = row.reduce((sum, n) => sum + n, 0)
              return (
                <tr key={truth}>
                  <th scope="row">
                    <span className="persona">
                      <Swatch name={truth} />
                      <span aria-hidden="true" className="monogram">
                        {monogram(truth)}
                      </span>
                      <span className="whole">{truth}</span>
                    </span>
                  </th>
                  {personas.map((told, j) => (
                    <Cell
                      key={told}
                      n={row[j] ?? 0}
                      of={all}
                      kind={i === j ? 'hit' : 'miss'}
                      says={t('models.cell', { n: count(row[j] ?? 0), count: all, truth, told })}
                    />
                  ))}
                  <Cell
                    n={silent[i] ?? 0}
                    of={all}
                    kind="silent"
                    says={t('models.silentCell', { n: count(silent[i] ?? 0), count: all, truth })}
                  />
                </tr>
              )
            })}
          </tbody>
        </table>
      </ScrollBox>
      <p className="model-key">
        {t('models.confusionKey')}
        <span className="monograms">
          {personas.map((name) => (
            <span key={name}>
              <b>{monogram(name)}</b> {name}
            </span>
          ))}
        </span>
      </p>
    </section>
  )
}

function Short({ name }: { readonly name: string }) {
  return (
    <>
      <span aria-hidden="true">{monogram(name)}</span>
      <span className="vh">{name}</span>
    </>
  )
}

type CellProps = {
  readonly n: number
  readonly of: number
  readonly kind: 'hit' | 'miss' | 'silent'
  readonly says: string
}

function Cell({ n, of, kind, says }: CellProps) {
  const depth = n === 0 ? 0 : Math.round(LEAST + (DEEPEST - LEAST) * (n / Math.max(1, of)))
  return (
    <td className={`num ${kind}`} style={{ '--depth': `${depth}%` } as CSSProperties} title={says}>
      {n === 0 ? <span className="qq">0</span> : count(n)}
    </td>
  )
}
