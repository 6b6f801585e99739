/** Names that somebody gives, each with a text. */
import { t } from 'i18next'
import type { FieldProps } from './edits.ts'
import { Legend } from './legend.tsx'
import { Wrong, wrongAt } from './wrong.tsx'

export function Names({ edits, path, value, label }: FieldProps) {
  const entries = Object.entries(typeof value === 'object' && value !== null ? value : {})
  return (
    <fieldset className="form-list">
      <Legend path={path} label={label} />
      <Wrong edits={edits} path={path} />
      {entries.map(([key, one], i) => {
        const what = t('form.numbered', { what: label, n: i + 1 })
        const wrong = wrongAt(edits.faults, [...path, key], 'under')
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: its name is being written
          <div key={i} className="form-item">
            <div className="form-item-body form-control">
              <input
                className="text-input"
                aria-label={t('form.name', { what })}
                value={key}
                onChange={({ currentTarget }) => edits.rename(path, key, currentTarget.value)}
              />
              <input
                className="text-input"
                aria-label={what}
                aria-invalid={wrong !== null}
                value={String(one ?? '')}
                onChange={({ currentTarget }) => edits.set([...path, key], currentTarget.value)}
              />
              {wrong === null ? null : <span className="wrong">{wrong}</span>}
            </div>
            <button
              type="button"
              className="link"
              aria-label={t('form.remove', { what })}
              onClick={() => edits.remove(entries.length === 1 ? path : [...path, key])}
            >
              {t('form.removeWord')}
            </button>
          </div>
        )
      })}
      <button
        type="button"
        className="link form-add"
        aria-label={t('form.add', { what: label })}
        onClick={() => edits.set([...path, freeName(entries.map(([key]) => key))], '')}
      >
        {t('form.addWord')}
      </button>
    </fieldset>
  )
}

function freeName(taken: readonly string[]): string {
  for (let n = 1; ; n++) if (!taken.includes(`name${n}`)) return `name${n}`
}
