/** A label and its control, what it means and what is wrong with it. */
import { t } from 'i18next'
import { useId } from 'react'
import type { FieldProps } from './edits.ts'
import { Input } from './input.tsx'
import { labelOf, meaningOf } from './labels.ts'
import type { SingleControl } from './shape.ts'
import { wrongAt } from './wrong.tsx'

export function Single(props: FieldProps & { readonly control: SingleControl }) {
  const { edits, schema, path, control, isRequired } = props
  const id = useId()
  const key = path.findLast((step) => typeof step === 'string') ?? ''
  const wrong = wrongAt(edits.faults, path, 'under')
  const hint = meaningOf(key, schema)
  const described = [hint === null ? '' : `${id}-hint`, wrong === null ? '' : `${id}-wrong`].filter(Boolean).join(' ')
  const isItem = typeof path.at(-1) === 'number'
  const behind: Readonly<Record<string, string>> = t('form.behind', { returnObjects: true })
  return (
    <div className={isItem ? 'form-row item' : 'form-row'}>
      <label htmlFor={id} title={path.join('.')}>
        {isItem ? Number(path.at(-1)) + 1 : labelOf(key)}
        {isRequired && !isItem && isBlank(props.value) ? <span className="sub need"> {t('form.needed')}</span> : null}
      </label>
      <div className="form-control">
        <Input {...props} id={id} described={described === '' ? undefined : described} isWrong={wrong !== null} />
        {Object.hasOwn(behind, key) && control.is === 'number' ? <span className="sub unit">{behind[key]}</span> : null}
        {hint === null ? null : (
          <span className="vh" id={`${id}-hint`}>
            {hint}
          </span>
        )}
        {wrong === null ? null : (
          <span className="wrong" id={`${id}-wrong`}>
            {wrong}
          </span>
        )}
      </div>
    </div>
  )
}

const isBlank = (value: unknown) => value === undefined || value === null || value === ''
