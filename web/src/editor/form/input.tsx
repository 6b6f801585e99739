/** Where one value is written or chosen. */
import { t } from 'i18next'
import type { Edits, FieldProps } from './edits.ts'
import { middle, numberOf, type Path, type SingleControl, splitUnit } from './shape.ts'

type InputProps = FieldProps & {
  readonly control: SingleControl
  readonly id: string
  readonly described: string | undefined
  readonly isWrong: boolean
}

export function Input({ edits, path, value, label, isRequired, control, id, described, isWrong }: InputProps) {
  // The label beside it is short; this is its place, too.
  const more = { id, 'aria-label': label, 'aria-describedby': described, 'aria-invalid': isWrong }
  const write = (next: unknown) =>
    next === '' && !isRequired && typeof path.at(-1) === 'string' ? edits.remove(path) : edits.set(path, next)
  const text = value === undefined || value === null || typeof value === 'object' ? '' : String(value)
  if (control.is === 'choice') {
    const chosen = control.options.indexOf(value as string)
    return (
      <select
        {...more}
        value={chosen < 0 ? '' : String(chosen)}
        onChange={({ currentTarget }) =>
          write(currentTarget.value === '' ? '' : control.options[Number(currentTarget.value)])
        }
      >
        {isRequired && chosen >= 0 ? null : <option value="">{text === '' ? t('form.none') : text}</option>}
        {control.options.map((one, i) => (
          <option key={String(one)} value={String(i)}>
            {String(one)}
          </option>
        ))}
      </select>
    )
  }
  if (control.is === 'secret')
    return <Secret edits={edits} path={path} value={value} isRequired={isRequired} more={more} />
  if (control.is === 'unit') {
    const { amount, unit } = splitUnit(text, control.units)
    const of = unit ?? middle(control.units)
    const units: Readonly<Record<string, string>> = t('form.units', { returnObjects: true })
    return (
      <>
        <input
          className="text-input amount"
          inputMode="decimal"
          autoComplete="off"
          {...more}
          value={amount}
          onChange={({ currentTarget }) => write(currentTarget.value === '' ? '' : `${currentTarget.value}${of}`)}
        />
        <select
          aria-label={t('form.unit', { what: label })}
          value={of}
          disabled={amount === ''}
          onChange={({ currentTarget }) => write(`${amount}${currentTarget.value}`)}
        >
          {control.units.map((one) => (
            <option key={one} value={one}>
              {units[one] ?? one}
            </option>
          ))}
        </select>
      </>
    )
  }
  const isName = path.at(-1) === 'persona'
  return (
    <>
      <input
        className={control.is === 'number' ? 'text-input amount' : 'text-input'}
        inputMode={control.is === 'number' ? 'decimal' : undefined}
        autoComplete="off"
        spellCheck={false}
        list={isName ? `${id}-names` : undefined}
        {...more}
        value={text}
        onChange={({ currentTarget }) =>
          write(
            control.is === 'number' || typeof value === 'number' ? numberOf(currentTarget.value) : currentTarget.value,
          )
        }
      />
      {isName ? (
        <datalist id={`${id}-names`}>
          {edits.personas.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      ) : null}
    </>
  )
}

/** Its value is nobody's to see: it is chosen by its name. */
function Secret(props: {
  readonly edits: Edits
  readonly path: Path
  readonly value: unknown
  readonly isRequired: boolean
  readonly more: object
}) {
  const { edits, path, value, isRequired, more } = props
  const held = typeof value === 'object' && value !== null ? (value as { secret?: unknown }).secret : undefined
  const name = typeof held === 'string' ? held : ''
  const isKept = name === '' || edits.secrets.includes(name)
  return (
    <>
      <select
        {...more}
        value={name}
        onChange={({ currentTarget }) =>
          currentTarget.value === '' ? edits.remove(path) : edits.set(path, { secret: currentTarget.value })
        }
      >
        {isRequired && name !== '' ? null : <option value="">{t('form.none')}</option>}
        {isKept ? null : <option value={name}>{t('form.missingSecret', { name })}</option>}
        {edits.secrets.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      {edits.secrets.length === 0 ? <span className="sub">{t('form.noSecrets')}</span> : null}
    </>
  )
}
