import { t } from 'i18next'
import { labelOf } from './labels.ts'
import type { Path } from './shape.ts'

/** `Peers 2`; its whole name is for those who hear it out of its place. */
export function Legend({ path, label }: { readonly path: Path; readonly label: string }) {
  const last = path.at(-1)
  const list = path.findLast((step) => typeof step === 'string') ?? ''
  const short =
    typeof last === 'number' ? t('form.numbered', { what: labelOf(list), n: last + 1 }) : labelOf(last ?? '')
  return (
    <legend>
      <span aria-hidden="true">{short}</span>
      <span className="vh">{label}</span>
    </legend>
  )
}
