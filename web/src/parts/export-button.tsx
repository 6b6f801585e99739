/** Every table can be taken away: what the filter shows, in the order it is shown, as CSV or JSON. */
import { t } from 'i18next'
import { count } from '../format.ts'
import type { Column } from './columns.ts'
import { download, fileName, toCsv, toJson } from './export.ts'
import { Icon } from './icon.tsx'
import { Menu } from './menu.tsx'
import { say } from './toast.tsx'

export function ExportButton<T>({
  name,
  rows,
  columns,
}: {
  /** of the file: `agents` */
  readonly name: string
  readonly rows: readonly T[]
  readonly columns: readonly Column<T>[]
}) {
  const write = (kind: 'csv' | 'json') => {
    const file = fileName(name, Date.now(), kind)
    if (kind === 'csv') download(file, 'text/csv;charset=utf-8', toCsv(rows, columns))
    else download(file, 'application/json', toJson(rows))
    say(t('export.done', { name: file }))
  }
  return (
    <Menu label={t('export.open')} icon="export">
      {(close) =>
        (['csv', 'json'] as const).map((kind) => (
          <button
            key={kind}
            type="button"
            onClick={() => {
              write(kind)
              close()
            }}
          >
            <Icon name="export" size={14} />
            {t(`export.${kind}`, { n: count(rows.length) })}
          </button>
        ))
      }
    </Menu>
  )
}
