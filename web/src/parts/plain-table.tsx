/** A table to be read: no order to choose and nothing to open. DataTable is the one whose rows are walked. */
import type { ReactNode } from 'react'

export type PlainColumn<T> = {
  /** the header; no two of a table are the same */
  readonly title: string
  readonly cell: (row: T) => ReactNode
  readonly num?: true
  /** it names the row: a header too */
  readonly head?: true
  /** further classes of its cells: `nw` */
  readonly look?: string | ((row: T) => string)
  /** what a cell says when it is pointed at */
  readonly hint?: (row: T) => string
  /** px, or a share; the columns without one take the rest */
  readonly width?: number | string
  /** left out where there is little room */
  readonly wide?: true
}

export function PlainTable<T>({
  rows,
  columns,
  keyOf,
  className,
  rowLook,
}: {
  readonly rows: readonly T[]
  readonly columns: readonly PlainColumn<T>[]
  readonly keyOf: (row: T) => string | number
  readonly className?: string
  /** classes of a row */
  readonly rowLook?: (row: T) => string | undefined
}) {
  return (
    <table className={className}>
      {columns.some(({ width }) => width !== undefined) ? (
        <colgroup>
          {columns.map(({ title, width }) => (
            <col key={title} style={width === undefined ? undefined : { width }} />
          ))}
        </colgroup>
      ) : null}
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.title} scope="col" className={classes(column, '')}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} className={rowLook?.(row)}>
            {columns.map((column) => (
              <Cell key={column.title} column={column} row={row} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Cell<T>({ column, row }: { readonly column: PlainColumn<T>; readonly row: T }) {
  const { cell, head, look = '', hint } = column
  const className = classes(column, typeof look === 'string' ? look : look(row))
  return head ? (
    <th scope="row" className={className}>
      {cell(row)}
    </th>
  ) : (
    <td className={className} title={hint?.(row)}>
      {cell(row)}
    </td>
  )
}

function classes<T>({ num, wide }: PlainColumn<T>, look: string): string | undefined {
  return [num && 'num', wide && 'wide', look].filter(Boolean).join(' ') || undefined
}
