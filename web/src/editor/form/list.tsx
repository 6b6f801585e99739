/** More of the same, one behind the other; what is whole of its own may be moved up. */
import { t } from 'i18next'
import type { FieldProps } from './edits.ts'
import { Field } from './field.tsx'
import { Legend } from './legend.tsx'
import { blank, type Control, controlOf } from './shape.ts'
import { Wrong } from './wrong.tsx'

export function List({
  edits,
  path,
  value,
  label,
  isRequired,
  control,
}: FieldProps & { control: Extract<Control, { is: 'list' }> }) {
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  const inner = controlOf(control.item).is
  const isPlain = inner !== 'map' && inner !== 'oneOf' && inner !== 'list'
  return (
    <fieldset className={isPlain ? 'form-list' : 'form-list deep'}>
      <Legend path={path} label={label} />
      <Wrong edits={edits} path={path} />
      {items.map((one, i) => {
        const what = t('form.numbered', { what: label, n: i + 1 })
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a place in the text is what an item is
          <div key={i} className="form-item">
            <div className="form-item-body">
              <Field edits={edits} schema={control.item} path={[...path, i]} value={one} label={what} isRequired />
            </div>
            {isPlain || i === 0 ? null : (
              <button
                type="button"
                className="link"
                aria-label={t('form.up', { what })}
                onClick={() => edits.raise(path, i)}
              >
                {t('form.upWord')}
              </button>
            )}
            <button
              type="button"
              className="link"
              aria-label={t('form.remove', { what })}
              onClick={() => (items.length === 1 && !isRequired ? edits.remove(path) : edits.remove([...path, i]))}
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
        onClick={() => edits.add(path, blank(control.item, edits.secrets[0] ?? ''))}
      >
        {t('form.addWord')}
      </button>
    </fieldset>
  )
}
