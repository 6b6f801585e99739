/** Several fields under one name. */
import { t } from 'i18next'
import { sentence } from '../../sentence.ts'
import type { Schema } from '../schema-words.ts'
import type { FieldProps } from './edits.ts'
import { Field } from './field.tsx'
import { labelOf } from './labels.ts'
import { Legend } from './legend.tsx'
import { blank, type Control, controlOf, isSingle, isUnder } from './shape.ts'
import { Wrong } from './wrong.tsx'

export function Group({
  edits,
  path,
  value,
  label,
  control,
}: FieldProps & { control: Extract<Control, { is: 'map' }> }) {
  return (
    <fieldset className="form-group">
      <Legend path={path} label={label} />
      <Fields edits={edits} path={path} value={value} label={label} control={control} />
    </fieldset>
  )
}

/** What has a control of its own stands there empty; what holds more is asked for by name. */
export function Fields({
  edits,
  path,
  value,
  label,
  control,
}: Pick<FieldProps, 'edits' | 'path' | 'value' | 'label'> & { control: Extract<Control, { is: 'map' }> }) {
  const held = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  const isThere = (key: string) => Object.hasOwn(held, key)
  const absent = control.fields.filter(({ key, schema }) => !isThere(key) && !isSingle(controlOf(schema)))
  const unknown = edits.faults.filter(
    (one) =>
      isUnder(one.path, path) &&
      one.path.length > path.length &&
      !control.fields.some(
        ({ key }) => key === one.path[path.length] && (isThere(key) || isSingle(controlOf(schemaOf(control, key)))),
      ),
  )
  return (
    <>
      <Wrong edits={edits} path={path} />
      {unknown.map(({ why, cure }) => (
        <p key={why} className="wrong">
          {sentence(why)} {sentence(cure)}
        </p>
      ))}
      {control.fields.map(({ key, schema, isRequired }) =>
        isThere(key) || isSingle(controlOf(schema)) ? (
          <div key={key} className={isSingle(controlOf(schema)) ? undefined : 'form-part'}>
            <Field
              edits={edits}
              schema={schema}
              path={[...path, key]}
              value={held[key]}
              label={`${label}, ${labelOf(key).toLowerCase()}`}
              isRequired={isRequired}
            />
            {isSingle(controlOf(schema)) || isRequired ? null : (
              <button
                type="button"
                className="link form-drop"
                aria-label={t('form.remove', { what: `${label}, ${labelOf(key).toLowerCase()}` })}
                onClick={() => edits.remove([...path, key])}
              >
                {t('form.removeWord')}
              </button>
            )}
          </div>
        ) : null,
      )}
      {absent.length === 0 ? null : (
        <p className="form-more">
          {absent.map(({ key, schema }) => (
            <button
              key={key}
              type="button"
              className="link"
              aria-label={t('form.add', { what: `${label}, ${labelOf(key).toLowerCase()}` })}
              onClick={() => edits.set([...path, key], blank(schema, edits.secrets[0] ?? ''))}
            >
              <span aria-hidden="true">+ </span>
              {labelOf(key).toLowerCase()}
            </button>
          ))}
        </p>
      )}
    </>
  )
}

const schemaOf = (control: Extract<Control, { is: 'map' }>, key: string): Schema =>
  control.fields.find((one) => one.key === key)?.schema ?? {}
