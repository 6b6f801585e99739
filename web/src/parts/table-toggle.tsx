/** A picture is a table as well: the button between the two, named for the one that is not shown. */
import { t } from 'i18next'

export function TableToggle({
  isTable,
  onToggle,
  chart = t('table.asChart'),
  table = t('table.asTable'),
}: {
  readonly isTable: boolean
  readonly onToggle: (isTable: boolean) => void
  /** what the picture is called, when it is no chart */
  readonly chart?: string
  readonly table?: string
}) {
  return (
    <button type="button" className="link quiet-link right" onClick={() => onToggle(!isTable)}>
      {isTable ? chart : table}
    </button>
  )
}
