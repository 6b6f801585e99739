/** What a query shows while it loads, when it failed and when it is old: old data stays and says how old it is. */
import { t } from 'i18next'
import { type ReactNode, useDeferredValue } from 'react'
import { clockSeconds } from '../format.ts'
import { problemTitle } from './problem.ts'
import { Failed, SkeletonRows } from './states.tsx'
import './parts.css'

/** The part of a TanStack query that is looked at here. */
export type Asked<T> = {
  readonly data: T | undefined
  readonly isError: boolean
  readonly error: unknown
  readonly dataUpdatedAt: number
  readonly refetch: () => unknown
}

export function Loaded<T>({
  query,
  what,
  rows = 8,
  children,
}: {
  readonly query: Asked<T>
  /** what cannot be shown, for the sentence of an error: `the list of agents` */
  readonly what: string
  /** how many rows of placeholder */
  readonly rows?: number
  readonly children: (data: T) => ReactNode
}) {
  // In the background, in slices: ten thousand rows that arrive at once must not stop the page.
  const data = useDeferredValue(query.data)
  if (data === undefined) {
    return (
      <div className="surface page-state">
        <Waiting query={query} what={what} rows={rows} />
      </div>
    )
  }
  return (
    <>
      {query.isError ? <Old query={query} /> : null}
      {children(data)}
    </>
  )
}

/** In the place of data that is not there: placeholder, or why it cannot be shown. A panel, which is a surface already, has it as it is. */
export function Waiting<T>({
  query,
  what,
  rows,
}: {
  readonly query: Asked<T>
  readonly what: string
  readonly rows: number
}) {
  return query.isError ? (
    <Failed error={query.error} retry={() => void query.refetch()} what={what} />
  ) : (
    <SkeletonRows rows={rows} />
  )
}

/** Above data that could not be read again. */
export function Old<T>({ query }: { readonly query: Asked<T> }) {
  return (
    <p className="old-note" role="status">
      {t('table.old', { at: clockSeconds(query.dataUpdatedAt), why: problemTitle(query.error) })}{' '}
      <button type="button" className="link" onClick={() => void query.refetch()}>
        {t('state.retry')}
      </button>
    </p>
  )
}
