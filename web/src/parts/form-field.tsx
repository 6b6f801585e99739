/** A form's field: label, control, and what is wrong beside it, tied together for a screen reader. */
import { type ReactNode, useId } from 'react'
import './parts.css'

type Control = {
  readonly id: string
  readonly 'aria-invalid': boolean
  readonly 'aria-describedby': string | undefined
}

/** `<FormField label="Name" wrong={wrong}>{(control) => <input className="text-input" {...control} />}</FormField>` */
export function FormField({
  label,
  hint,
  wrong,
  children,
}: {
  readonly label: string
  readonly hint?: string
  /** fact, then cure; null when nothing is wrong */
  readonly wrong: string | null
  readonly children: (control: Control) => ReactNode
}) {
  const id = useId()
  const described = [hint === undefined ? null : `${id}-hint`, wrong === null ? null : `${id}-wrong`].filter(Boolean)
  return (
    <div className="form-field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        'aria-invalid': wrong !== null,
        'aria-describedby': described.length === 0 ? undefined : described.join(' '),
      })}
      {hint === undefined ? null : (
        <span id={`${id}-hint`} className="sub">
          {hint}
        </span>
      )}
      {wrong === null ? null : (
        <span id={`${id}-wrong`} className="wrong" role="alert">
          {wrong}
        </span>
      )}
    </div>
  )
}
