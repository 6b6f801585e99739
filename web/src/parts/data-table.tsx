/**
 * Rows as a real table: sorted from its headers, walked with the keyboard, drawn only where it is seen; on a small screen
 * the same rows as a list of two lines. Out: what was opened or selected. Order, filter and selection belong to the caller.
 */
import { t } from 'i18next'
import {
  Fragment,
  type KeyboardEvent,
  memo,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useRef,
  useState,
} from 'react'
import { Link } from 'react-router'
import { count } from '../format.ts'
import { useKeys } from '../shell/keys.ts'
import type { Column, Sort } from './columns.ts'
import { useNarrow } from './media.ts'
import './parts.css'
import { useWindow } from './window.ts'

/** Below this the whole list is in the page: browser search and printing work. */
const VIRTUAL_FROM = 200

export type Row = { readonly id: string }

/** What Enter and a click do: go to the row's page, or show it beside the table. */
export type Opens<T> =
  | { readonly kind: 'page'; readonly to: (row: T) => string }
  | { readonly kind: 'peek'; readonly selected: string; readonly select: (id: string) => void }

export type TableProps<T extends Row> = {
  /** what the table holds, for a screen reader */
  readonly label: string
  readonly rows: readonly T[]
  /** the newest record of a row, when `rows` are some moments old */
  readonly newest?: (row: T) => T
  readonly columns: readonly Column<T>[]
  readonly sort: Sort
  readonly onSort: (sort: string) => void
  readonly opens: Opens<T>
  /** the two lines of a small screen; the first should begin with the row's name */
  readonly lines: (row: T) => ReactNode
  /** px of a row: 44 for two lines of text, 36 for one */
  readonly rowHeight?: number
  /** px below which the table scrolls sideways in its own box */
  readonly minWidth?: number
  /** further keys on the row that has the focus: `w`, `c` */
  readonly rowKeys?: Readonly<Record<string, (row: T) => void>>
  /** What of a row is tinted for a second when it changes: a verdict, a persona, a step; never a number. */
  readonly tint?: (row: T) => string
}

export function DataTable<T extends Row>(props: TableProps<T>) {
  return useNarrow() ? <TwoLines {...props} /> : <Table {...props} />
}

/** Where the tab stop is, by id: it stays with its row through sorting and scrolling. */
function useWalk<T extends Row>(
  box: RefObject<HTMLElement | null>,
  { rows, opens, rowKeys }: TableProps<T>,
  show: (index: number) => void,
) {
  const [active, setActive] = useState<string | null>(null)
  const at = active === null ? -1 : rows.findIndex((row) => row.id === active)
  const move = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to))
    const row = rows[index]
    if (row === undefined) return
    setActive(row.id)
    show(index)
    if (opens.kind === 'peek' && opens.selected !== '') opens.select(row.id)
    const focus = () => {
      const stop = box.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(row.id)}"] .row-link`)
      stop?.focus({ preventScroll: true })
      stop?.scrollIntoView({ block: 'nearest' })
      return stop !== null && stop !== undefined
    }
    // A row that is not drawn yet is, one frame after the scroll.
    if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus))
  }
  const chosen = rows[at]
  const keys: Record<string, () => void> = { j: () => move(at + 1), k: () => move(at - 1) }
  if (chosen !== undefined) {
    for (const [key, act] of Object.entries(rowKeys ?? {})) keys[key] = () => act(chosen)
  }
  useKeys(keys)
  const onKeyDown = (event: KeyboardEvent) => {
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: at + 10,
      PageUp: at - 10,
    }[event.key]
    if (to === undefined) return
    event.preventDefault()
    move(to)
  }
  return { stop: chosen?.id ?? rows[0]?.id ?? null, at, onKeyDown, setActive }
}

function Table<T extends Row>(props: TableProps<T>) {
  const { label, rows, columns, sort, onSort, opens, rowHeight = 44, minWidth, tint, newest } = props
  const body = useRef<HTMLTableSectionElement>(null)
  const virtual = rows.length > VIRTUAL_FROM
  const { from, to } = useWindow(body, virtual, rows.length, rowHeight)
  // The row is brought near the screen first; then it is drawn, takes the focus and is scrolled to exactly.
  const show = (index: number) => {
    if (!virtual || body.current === null || (index >= from && index < to)) return
    const rowsTop = body.current.getBoundingClientRect().top + scrollY
    scrollTo({ top: rowsTop + index * rowHeight - innerHeight / 2 })
  }
  const { stop, at, onKeyDown, setActive } = useWalk(body, props, show)
  const shown = useSomeAtATime(rows, from, to, at)
  const onFocus = useCallback((id: string) => setActive(id), [setActive])
  const gap = (from: number, to: number) =>
    to > from ? (
      <tr>
        <td colSpan={columns.length} style={{ height: (to - from) * rowHeight, padding: 0 }} />
      </tr>
    ) : null
  return (
    <div className="surface scroll-x">
      <table className="data" aria-label={label} aria-rowcount={rows.length + 1} style={{ minWidth }}>
        <Head columns={columns} sort={sort} onSort={onSort} />
        <tbody ref={body} onKeyDown={onKeyDown}>
          {shown.map((index, i) => {
            const placed = rows[index]
            if (placed === undefined) return null
            const row = newest?.(placed) ?? placed
            return (
              <Fragment key={row.id}>
                {gap(i === 0 ? 0 : shown[i - 1]! + 1, index)}
                <TableRow
                  row={row}
                  index={index}
                  columns={columns as readonly Column<Row>[]}
                  height={rowHeight}
                  opens={opens as Opens<Row>}
                  stop={row.id === stop}
                  tint={tint?.(row) ?? ''}
                  onFocus={onFocus}
                />
              </Fragment>
            )
          })}
          {gap((shown.at(-1) ?? -1) + 1, rows.length)}
        </tbody>
      </table>
    </div>
  )
}

/** Rows a frame can take that were not drawn before it; the browser needs about 1.5 ms for each. */
const NEW_ROWS = 16

/**
 * The rows to draw of `from` to `to`, some new ones a frame: another order of all of them would else hold the page up.
 * The row with the tab stop is always drawn, so that the focus is never lost by scrolling.
 */
function useSomeAtATime<T extends Row>(rows: readonly T[], from: number, to: number, stop: number): readonly number[] {
  const drawn = useRef<ReadonlySet<string>>(new Set())
  const [, drawMore] = useState(0)
  const shown: number[] = []
  let room = NEW_ROWS
  for (let i = from; i < to; i++) {
    if (drawn.current.has(rows[i]!.id)) shown.push(i)
    else if (room-- > 0 || i === stop) shown.push(i)
  }
  if (stop >= 0 && stop < from) shown.unshift(stop)
  else if (stop >= to) shown.push(stop)
  useEffect(() => {
    drawn.current = new Set(shown.map((i) => rows[i]?.id ?? ''))
    if (room >= 0) return
    const frame = requestAnimationFrame(() => drawMore((n) => n + 1))
    return () => cancelAnimationFrame(frame)
  })
  return shown
}

function Head<T>({
  columns,
  sort,
  onSort,
}: Pick<TableProps<T & Row>, 'sort' | 'onSort'> & { columns: readonly Column<T>[] }) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map((column) => {
          const on = column.name === sort.name
          const next = on ? !sort.descending : column.num === true
          return (
            <th
              key={column.name}
              scope="col"
              className={column.num ? 'num' : undefined}
              style={{ width: column.width }}
              aria-sort={
                column.value === undefined ? undefined : on ? (sort.descending ? 'descending' : 'ascending') : 'none'
              }
            >
              {column.value === undefined ? (
                column.title
              ) : (
                <button type="button" onClick={() => onSort(`${next ? '-' : ''}${column.name}`)}>
                  {column.title}
                  <span aria-hidden="true">{on ? (sort.descending ? ' ↓' : ' ↑') : ''}</span>
                </button>
              )}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

/** Two names for one animation: the second change starts it anew. */
function useTint(value: string): string | undefined {
  const before = useRef(value)
  const [changed, setChanged] = useState(0)
  useEffect(() => {
    if (before.current !== value) setChanged((n) => n + 1)
    before.current = value
  }, [value])
  return changed === 0 ? undefined : changed % 2 === 0 ? 'tint' : 'tint again'
}

type RowProps = {
  readonly row: Row
  readonly index: number
  readonly columns: readonly Column<Row>[]
  readonly height: number
  readonly opens: Opens<Row>
  readonly stop: boolean
  readonly tint: string
  readonly onFocus: (id: string) => void
}

/** The first cell is the row's link or button; the rest of the row may be clicked too. */
const TableRow = memo(function TableRow({ row, index, columns, height, opens, stop, tint, onFocus }: RowProps) {
  const selected = opens.kind === 'peek' && opens.selected === row.id
  const changed = useTint(tint)
  const names = [changed, selected ? 'selected' : undefined, stop ? 'stop' : undefined].filter(Boolean).join(' ')
  return (
    <tr
      data-id={row.id}
      aria-rowindex={index + 2}
      className={names === '' ? undefined : names}
      style={{ height }}
      onFocus={() => onFocus(row.id)}
      onClick={(event) => {
        if (opens.kind !== 'peek' || (event.target as Element).closest('a, button, input') !== null) return
        if (String(getSelection()) === '') opens.select(selected ? '' : row.id)
      }}
    >
      {columns.map((column, i) => (
        <td key={column.name} className={column.num ? 'num nw' : undefined}>
          {i === 0 ? (
            <RowLink row={row} opens={opens} stop={stop}>
              {column.cell(row)}
            </RowLink>
          ) : (
            column.cell(row)
          )}
        </td>
      ))}
    </tr>
  )
}, sameRow)

/** `opens` is made anew by most callers: what of it a row shows is whether it is the selected one. */
function sameRow(a: RowProps, b: RowProps): boolean {
  const isSelected = ({ opens, row }: RowProps) => opens.kind === 'peek' && opens.selected === row.id
  return (
    a.row === b.row &&
    a.index === b.index &&
    a.columns === b.columns &&
    a.stop === b.stop &&
    a.tint === b.tint &&
    a.opens.kind === b.opens.kind &&
    isSelected(a) === isSelected(b)
  )
}

function RowLink({ row, opens, stop, children }: Pick<RowProps, 'row' | 'opens' | 'stop'> & { children: ReactNode }) {
  const tabIndex = stop ? 0 : -1
  if (opens.kind === 'page') {
    return (
      <Link to={opens.to(row)} className="row-link" tabIndex={tabIndex}>
        {children}
      </Link>
    )
  }
  const selected = opens.selected === row.id
  return (
    <button
      type="button"
      className="row-link"
      tabIndex={tabIndex}
      aria-expanded={selected}
      onClick={() => opens.select(selected ? '' : row.id)}
    >
      {children}
    </button>
  )
}

const FIRST = 50
/** Small screens: two lines a row, the same facts; all of them are in the tab order, since fingers have no arrow keys. */
function TwoLines<T extends Row>(props: TableProps<T>) {
  const { rows, label, opens, lines } = props
  const [shown, setShown] = useState(FIRST)
  const list = useRef<HTMLUListElement>(null)
  const { onKeyDown, setActive } = useWalk(list, props, (index) => setShown((most) => Math.max(most, index + 1)))
  return (
    <>
      <ul ref={list} className="surface two-line-list" aria-label={label} onKeyDown={onKeyDown}>
        {rows.slice(0, shown).map((row) => (
          <li key={row.id} data-id={row.id} onFocus={() => setActive(row.id)}>
            <RowLink row={row} opens={opens as Opens<Row>} stop>
              {lines(row)}
            </RowLink>
          </li>
        ))}
      </ul>
      {rows.length > shown ? (
        <p className="more">
          <button type="button" className="link" onClick={() => setShown(shown + 100)}>
            {t('table.showMore', { n: count(rows.length - shown) })}
          </button>
        </p>
      ) : null}
    </>
  )
}
