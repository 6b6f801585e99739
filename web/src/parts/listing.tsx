/**
 * A page of rows, whole: filter, kept filters, export, held order, table or list, peek, and what is shown when there is
 * nothing to show. In: the rows and how they are asked and drawn. Everything a person chooses is in the address
 * (`q` filter, `s` sort, `sel` peek).
 */
import { t } from 'i18next'
import { type ReactNode, useCallback, useDeferredValue, useMemo, useRef } from 'react'
import { count } from '../format.ts'
import { type Grammar, matchTerms, parseTerms } from '../grammar.ts'
import { useKeys } from '../shell/keys.ts'
import { useAddress } from './address.ts'
import { useCalmRows } from './calm.ts'
import { type Column, parseSort, sortRows } from './columns.ts'
import { DataTable, type Row, type TableProps } from './data-table.tsx'
import { ExportButton } from './export-button.tsx'
import { FilterField } from './filter-field.tsx'
import { useHeldOrder } from './held-order.ts'
import './parts.css'
import { Peek } from './peek.tsx'
import { SavedFilters } from './saved-filters.tsx'
import { Empty } from './states.tsx'

type PeekOf<T> = {
  readonly title: (row: T) => string
  readonly body: (row: T) => ReactNode
  readonly actions?: (row: T) => ReactNode
}

export type ListingProps<T extends Row> = Pick<
  TableProps<T>,
  'lines' | 'rowHeight' | 'minWidth' | 'rowKeys' | 'tint'
> & {
  /** of the page, for kept filters and file names: `agents` */
  readonly name: string
  /** heading of the section and label of the table: `Agents` */
  readonly title: string
  /** stands behind the filter: which of them are shown */
  readonly toggles?: ReactNode
  readonly rows: readonly T[]
  readonly columns: readonly Column<T>[]
  /** sort when the address says none: `-risk` */
  readonly sort: string
  readonly grammar: Grammar<T>
  /** examples in the filter field: `host: mode: silent` */
  readonly placeholder: string
  /** what comes closest when nothing matches; its name is enough */
  readonly nearest?: (row: T) => string
  /** rows open their page, or are shown beside the table */
  readonly opens:
    | { readonly kind: 'page'; readonly to: (row: T) => string }
    | { readonly kind: 'peek'; readonly peek: PeekOf<T> }
  /** shown instead when there are no rows at all: a sentence, one command to copy, a picture of what will stand here */
  readonly firstRun: ReactNode
}

export function Listing<T extends Row>(props: ListingProps<T>) {
  const { name, title, toggles, rows, columns, grammar, placeholder, opens } = props
  const address = useAddress()
  const field = useRef<HTMLInputElement>(null)
  const section = useRef<HTMLElement>(null)
  const q = address.get('q')
  const sort = parseSort(address.get('s') || null, columns, props.sort)
  const asked = useDeferredValue(q)
  const known = useCalmRows(rows)
  const wanted = useMemo(() => {
    const terms = parseTerms(asked, grammar)
    const found = terms.length === 0 ? known : known.filter((row) => matchTerms(terms, row, grammar))
    return sortRows(found, columns, { name: sort.name, descending: sort.descending })
  }, [known, asked, grammar, columns, sort.name, sort.descending])
  const held = useHeldOrder(wanted, `${asked}\n${sort.name}\n${sort.descending}`, useReading(section))
  const newest = useNewest(rows, known)
  useKeys({ '/': () => field.current?.focus() })
  const sel = address.get('sel')
  const select = (id: string) => {
    // The focus goes back to where the panel was opened from.
    if (id === '') section.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(sel)}"] .row-link`)?.focus()
    address.set({ sel: id })
  }
  const major = useMemo(() => columns.filter((column) => column.minor !== true), [columns])
  if (rows.length === 0) return <div className="surface page-state">{props.firstRun}</div>
  const shown = opens.kind === 'peek' && sel !== '' ? rows.find((row) => row.id === sel) : undefined
  const beside = shown !== undefined
  return (
    <section
      ref={section}
      aria-labelledby={`${name}-title`}
      className={shown === undefined ? 'listing' : 'listing with-peek'}
    >
      <div className="section-head">
        <h2 id={`${name}-title`}>{title}</h2>
        <FilterField
          ref={field}
          value={q}
          onChange={(value) => address.set({ q: value })}
          label={`${t('keys.filter')}: ${title}`}
          placeholder={placeholder}
          grammar={grammar}
          rows={known}
        />
        {toggles}
        <HeldNote {...held} />
        <span className="right tools">
          <SavedFilters page={name} />
          <ExportButton name={name} rows={held.rows} columns={columns} />
        </span>
      </div>
      <div className="listing-body">
        <div className="listing-rows">
          {wanted.length === 0 ? (
            <NoMatch q={q} nearest={nearestOf(props, q)} clear={() => address.set({ q: '' })} />
          ) : (
            <>
              <DataTable
                {...props}
                label={title}
                columns={beside ? major : columns}
                {...(beside ? { minWidth: 0 } : {})}
                rows={held.rows}
                newest={newest}
                sort={sort}
                onSort={(value) => address.set({ s: value === props.sort ? '' : value })}
                opens={opens.kind === 'page' ? opens : { kind: 'peek', selected: sel, select }}
              />
              <p className="foot qq wide">
                <span className="n">
                  {q === ''
                    ? t('table.all', { count: rows.length, n: count(rows.length) })
                    : t('table.matching', { n: count(wanted.length), all: count(rows.length) })}
                </span>
                <span>
                  <kbd>j</kbd> <kbd>k</kbd> {t('keys.move')} <kbd>Enter</kbd>{' '}
                  {t(opens.kind === 'page' ? 'keys.open' : 'table.peek')} <kbd>?</kbd> {t('keys.help')}
                </span>
              </p>
            </>
          )}
        </div>
        {shown === undefined || opens.kind !== 'peek' ? null : (
          <Peek title={opens.peek.title(shown)} onClose={() => select('')} actions={opens.peek.actions?.(shown)}>
            {opens.peek.body(shown)}
          </Peek>
        )}
      </div>
    </section>
  )
}

/** The record as it is now, of a row whose place was decided a moment ago; most often it is where it was then. */
function useNewest<T extends Row>(rows: readonly T[], known: readonly T[]): (row: T) => T {
  const last = useRef<{ readonly of: readonly T[]; readonly byId: ReadonlyMap<string, number> } | null>(null)
  const places = useMemo(() => {
    // Most often only figures are new; where each record stands is the same.
    const was = last.current
    const isSame = was !== null && was.of.length === known.length && was.of.every((row, i) => row.id === known[i]!.id)
    last.current = { of: known, byId: isSame ? was.byId : new Map(known.map((row, i) => [row.id, i])) }
    return last.current.byId
  }, [known])
  return (row) => {
    if (rows === known) return row
    const there = rows[places.get(row.id) ?? -1]
    return there?.id === row.id ? there : (rows.find((one) => one.id === row.id) ?? row)
  }
}

/** Somebody reads: the pointer or the focus is in the table, text is selected, or the page is scrolled. */
export function useReading(section: React.RefObject<HTMLElement | null>): () => boolean {
  return useCallback(() => {
    const selection = getSelection()
    return (
      section.current?.matches(':hover') === true ||
      section.current?.contains(document.activeElement) === true ||
      (selection !== null && !selection.isCollapsed) ||
      scrollY > 60
    )
  }, [section])
}

export function HeldNote({ wouldMove, fresh, catchUp }: { wouldMove: number; fresh: number; catchUp: () => void }) {
  if (wouldMove === 0 && fresh === 0) return null
  const parts = [
    ...(fresh > 0 ? [t('table.fresh', { count: fresh })] : []),
    ...(wouldMove > 0 ? [t('table.wouldMove', { count: wouldMove })] : []),
  ]
  return (
    <span className="held qq">
      <span className="wide">{t('table.held')} </span>
      <button type="button" className="link" onClick={catchUp}>
        {parts.join(', ')}
      </button>
    </span>
  )
}

/** The rows that meet all terms but the last: what a person was one word away from. */
function nearestOf<T extends Row>({ rows, grammar, nearest }: ListingProps<T>, q: string): readonly string[] {
  if (nearest === undefined) return []
  const terms = parseTerms(q, grammar).slice(0, -1)
  return rows
    .filter((row) => matchTerms(terms, row, grammar))
    .slice(0, 3)
    .map(nearest)
}

export function NoMatch({ q, nearest, clear }: { q: string; nearest: readonly string[]; clear: () => void }) {
  return (
    <div className="surface">
      <Empty title={t('table.noMatch', { q })}>
        {nearest.length === 0 ? null : <p>{t('table.nearest', { names: nearest.join(', ') })}</p>}
        <p>
          <button type="button" className="link" onClick={clear}>
            {t('table.clear')}
          </button>
        </p>
      </Empty>
    </div>
  )
}
