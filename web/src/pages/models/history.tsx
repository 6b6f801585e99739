/** What was in force when: the newest first, with who said so and why. */
import { t } from 'i18next'
import type { ModelList } from '../../../../src/model/model-record.ts'
import { absolute, clock, day } from '../../format.ts'
import { personName } from '../../person.ts'

export function History({ list }: { readonly list: ModelList }) {
  const names = new Map(list.items.map(({ id, name }) => [id, name]))
  return (
    <section className="surface model-history" aria-labelledby="model-history">
      <div className="panel-head">
        <h2 id="model-history">{t('models.history')}</h2>
      </div>
      <ol>
        {list.history.map(({ n, model, act, by, at, why }, i) => (
          <li key={n} className={i === 0 ? 'now' : undefined}>
            <time className="n" dateTime={new Date(at).toISOString()} title={absolute(at)}>
              {day(at)} {clock(at)}
            </time>
            <span>
              <b className="name">{names.get(model) ?? model}</b> {t(`models.act.${act}`)}{' '}
              <span className="q">{t('models.by', { name: personName(by) })}</span>
              {why === '' ? null : <span className="sub">{why}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}
