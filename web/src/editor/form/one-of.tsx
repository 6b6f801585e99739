/** One of several shapes: which, then its fields. */
import { t } from 'i18next'
import { useId } from 'react'
import type { FieldProps } from './edits.ts'
import { Field } from './field.tsx'
import { labelOf } from './labels.ts'
import { Fields } from './map.tsx'
import { blank, type Control, controlOf, type Path, whichOf } from './shape.ts'
import { Wrong } from './wrong.tsx'

const shortOf = (path: Path, label: string) => {
  const key = path.at(-1)
  return typeof key === 'string' ? labelOf(key) : label
}

export function OneOf(props: FieldProps & { control: Extract<Control, { is: 'oneOf' }> }) {
  const { edits, path, value, label, control, isRequired } = props
  const id = useId()
  const at = whichOf(control.of, value)
  const chosen = control.of[at]!
  const inner = controlOf(chosen.schema)
  return (
    <div className="form-one-of">
      <div className="form-row">
        <label htmlFor={id}>{shortOf(path, label)}</label>
        <div className="form-control">
          <select
            id={id}
            aria-label={t('form.kind', { what: label })}
            value={at}
            onChange={({ currentTarget }) =>
              edits.set(path, blank(control.of[Number(currentTarget.value)]!.schema, edits.secrets[0] ?? ''))
            }
          >
            {control.of.map((one, i) => (
              <option key={one.name} value={i}>
                {one.name.split(', ').map(labelOf).join(', ')}
              </option>
            ))}
          </select>
        </div>
      </div>
      {chosen.schema.const !== undefined ? (
        <Wrong edits={edits} path={path} />
      ) : inner.is === 'map' ? (
        <Fields edits={edits} path={path} value={value} label={label} control={inner} />
      ) : (
        <Field {...props} schema={chosen.schema} isRequired={isRequired} />
      )}
    </div>
  )
}
