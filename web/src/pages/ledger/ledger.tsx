/** The ledger: what was done by whom, newest first, as far back as it goes; is the chain whole; one record whole beside it. */
import { t } from 'i18next'
import { useEffect, useMemo, useRef } from 'react'
import { serverNow } from '../../api/client.ts'
import { absolute, clockSeconds, count, day } from '../../format.ts'
import { type Grammar, matchTerms, parseTerms } from '../../grammar.ts'
import type { AuditRecord } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import type { Column } from '../../parts/columns.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { ExportButton } from '../../parts/export-button.tsx'
import { FilterField } from '../../parts/filter-field.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { useNarrow } from '../../parts/media.ts'
import { Peek } from '../../parts/peek.tsx'
import { problemTitle } from '../../parts/problem.ts'
import { SavedFilters } from '../../parts/saved-filters.tsx'
import { Segments } from '../../parts/segments.tsx'
import { Empty } from '../../parts/states.tsx'
import { personName } from '../../person.ts'
import { useKeys } from '../../shell/keys.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { Chain } from './chain.tsx'
import './ledger.css'
import { DecisionPeek, RecordPeek } from './peeks.tsx'
import { askOf, useNewest, useRecords } from './queries.ts'
import { type Row, SPANS, type Span, spanMs } from './record.ts'
import { words } from './words.ts'

addWords(words)

const GRAMMAR: Grammar<Row> = {
  words: (row) => [row.actor, row.action, row.object, row.summary],
  fields: {
    actor: (row) => [personName(row.actor)],
    action: (row) => [row.action],
    object: (row) => [row.object],
  },
}

const COLUMNS: readonly Column<Row>[] = [
  {
    name: 'at',
    title: t('ledger.column.at'),
    width: 138,
    value: (row) => new Date(row.at).toISOString(),
    cell: (row) => <Moment at={row.at} />,
  },
  {
    name: 'actor',
    title: t('ledger.column.actor'),
    width: 130,
    value: (row) => personName(row.actor),
    cell: (row) => <b className="name cut">{personName(row.actor)}</b>,
  },
  {
    name: 'action',
    title: t('ledger.column.action'),
    width: 136,
    value: (row) => row.action,
    cell: (row) => <span className="mono cut">{row.action}</span>,
  },
  {
    name: 'object',
    title: t('ledger.column.object'),
    width: 160,
    minor: true,
    value: (row) => row.object,
    cell: (row) => <span className="mono cut q">{row.object}</span>,
  },
  {
    name: 'summary',
    title: t('ledger.column.summary'),
    value: (row) => row.summary,
    cell: (row) => <span className="two-lines">{row.summary}</span>,
  },
  {
    name: 'n',
    title: t('ledger.column.n'),
    width: 72,
    num: true,
    minor: true,
    value: (row) => row.n,
    cell: (row) => <span className="qq">{count(row.n)}</span>,
  },
]
const HASH: Column<Row> = { name: 'hash', title: t('ledger.column.hash'), value: (row) => row.hash, cell: () => null }
/** The server gives them in the order they were written: sorting what was read so far would mislead. */
const SHOWN = COLUMNS.map(({ value: _value, ...column }): Column<Row> => column)
const BESIDE_PEEK = SHOWN.filter((column) => column.minor !== true)
const NO_SORT = { name: '', descending: false } as const

export default function Ledger() {
  const address = useAddress()
  const [q, spanText] = [address.get('q'), address.get('span')]
  const span: Span = SPANS.find((one) => one === spanText) ?? 'any'
  // Fixed while the question is the same, or every render would be another question.
  const from = useMemo(() => {
    const ms = spanMs(span)
    return ms === null ? null : Math.floor((serverNow() - ms) / 60_000) * 60_000
  }, [span])
  const ask = useMemo(() => askOf(q, from), [q, from])
  const query = useRecords(ask)
  const latest = useNewest(NOTHING_ASKED).data ?? null
  return (
    <>
      <PageHead
        title={t('nav.ledger')}
        heading={latest === null ? t('ledger.heading') : t('ledger.headingIs', { n: count(latest.n) })}
        lead={t('ledger.lead')}
        crumbs={[{ name: t('nav.ledger') }]}
      />
      <Chain newest={latest} />
      <Loaded
        query={{ ...query, data: query.data?.pages.flatMap((page) => page.items) }}
        what={t('ledger.part')}
        rows={12}
      >
        {(records) => <Records records={records} query={query} q={q} span={span} ask={ask} />}
      </Loaded>
    </>
  )
}
const NOTHING_ASKED = new URLSearchParams()

type RecordsProps = {
  readonly records: readonly AuditRecord[]
  readonly query: ReturnType<typeof useRecords>
  readonly q: string
  readonly span: Span
  readonly ask: URLSearchParams
}

function Records({ records, query, q, span, ask }: RecordsProps) {
  const address = useAddress()
  const field = useRef<HTMLInputElement>(null)
  const section = useRef<HTMLElement>(null)
  useKeys({ '/': () => field.current?.focus() })
  const rows = useMemo(() => {
    const terms = parseTerms(q, GRAMMAR).filter((term) => term.kind !== 'unknown' && term.not)
    return records
      .map((record): Row => ({ ...record, id: String(record.n) }))
      .filter((row) => matchTerms(terms, row, GRAMMAR))
  }, [records, q])
  const newest = useNewest(ask).data ?? null
  const first = records[0]
  const fresh = newest !== null && first !== undefined && newest.n > first.n
  const sel = address.get('sel')
  const decision = address.get('decision')
  const shown = decision === '' ? rows.find((row) => row.id === sel) : undefined
  const select = (id: string) => {
    if (id === '') section.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(sel)}"] .row-link`)?.focus()
    address.set({ sel: id, decision: '' })
  }
  const isOpen = shown !== undefined || decision !== ''
  return (
    <section ref={section} aria-labelledby="records" className={isOpen ? 'listing with-peek' : 'listing'}>
      <div className="section-head">
        <h2 id="records">{t('ledger.title')}</h2>
        <FilterField
          ref={field}
          value={q}
          onChange={(value) => address.set({ q: value })}
          label={t('ledger.filter')}
          placeholder={t('ledger.placeholder')}
          grammar={GRAMMAR}
          rows={rows}
        />
        <Spans span={span} />
        {fresh ? (
          <button type="button" className="link" onClick={() => void query.refetch()}>
            {t('ledger.fresh')}
          </button>
        ) : null}
        <span className="right tools">
          <SavedFilters page="ledger" />
          <ExportButton name="ledger" rows={rows} columns={[...COLUMNS, HASH]} />
        </span>
      </div>
      <div className="listing-body">
        <div className="listing-rows">
          {rows.length === 0 && !query.hasNextPage ? (
            <Nothing q={q} span={span} />
          ) : (
            <DataTable
              label={t('ledger.title')}
              rows={rows}
              columns={isOpen ? BESIDE_PEEK : SHOWN}
              sort={NO_SORT}
              onSort={() => {}}
              minWidth={isOpen ? 0 : 720}
              opens={{ kind: 'peek', selected: decision === '' ? sel : '', select }}
              lines={(row) => <Lines row={row} />}
            />
          )}
          <Older query={query} shown={rows.length} asked={q !== '' || span !== 'any'} />
        </div>
        {shown !== undefined ? (
          <Peek title={t('ledger.record', { n: count(shown.n) })} onClose={() => select('')}>
            <RecordPeek row={shown} />
          </Peek>
        ) : decision !== '' ? (
          <Peek title={t('ledger.decision.title', { id: decision })} onClose={() => select('')}>
            <DecisionPeek id={decision} />
          </Peek>
        ) : null}
      </div>
    </section>
  )
}

function Spans({ span }: { readonly span: Span }) {
  const address = useAddress()
  return (
    <Segments
      label={t('ledger.span')}
      of={SPANS}
      chosen={span}
      word={(one) => t(`ledger.spans.${one}`)}
      onChoose={(one) => address.set({ span: one === 'any' ? '' : one })}
    />
  )
}

function Nothing({ q, span }: { readonly q: string; readonly span: Span }) {
  const address = useAddress()
  if (q === '' && span === 'any') {
    return (
      <div className="surface">
        <Empty title={t('ledger.none')}>
          <p>{t('ledger.noneWhy')}</p>
        </Empty>
      </div>
    )
  }
  return (
    <div className="surface">
      <Empty
        title={q === '' ? t('ledger.noMatchSpan', { span: t(`ledger.spans.${span}`) }) : t('ledger.noMatch', { q })}
      >
        <p>
          <button type="button" className="link" onClick={() => address.set({ q: '', span: '' })}>
            {t('ledger.clear')}
          </button>
        </p>
      </Empty>
    </div>
  )
}

/** Near the end more is read by itself; on a small screen, whose list grows only when asked, by a button. */
function Older({ query, shown, asked }: { query: RecordsProps['query']; shown: number; asked: boolean }) {
  const narrow = useNarrow()
  const mark = useRef<HTMLDivElement>(null)
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage, error } = query
  const auto = hasNextPage && !isFetchingNextPage && !isFetchNextPageError && !narrow
  useEffect(() => {
    if (!auto || mark.current === null) return
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void fetchNextPage()
      },
      { rootMargin: '1200px' },
    )
    watch.observe(mark.current)
    return () => watch.disconnect()
  }, [auto, fetchNextPage])
  return (
    <div ref={mark} className="older qq" role="status">
      {isFetchNextPageError ? (
        <>
          {t('ledger.stopped', { why: problemTitle(error) })}{' '}
          <button type="button" className="link" onClick={() => void fetchNextPage()}>
            {t('state.retry')}
          </button>
        </>
      ) : isFetchingNextPage ? (
        t('ledger.loading')
      ) : hasNextPage && narrow ? (
        <button type="button" className="link" onClick={() => void fetchNextPage()}>
          {t('ledger.older')}
        </button>
      ) : shown > 0 && !hasNextPage ? (
        `${t('ledger.shown', { n: count(shown) })} ${t(asked ? 'ledger.endsFiltered' : 'ledger.ends')}`
      ) : null}
    </div>
  )
}

/** An audit says when before all else, and says it whole. */
function Moment({ at }: { readonly at: number }) {
  return (
    <time className="n nw" dateTime={new Date(at).toISOString()} title={absolute(at)}>
      {day(at)} {clockSeconds(at)}
    </time>
  )
}

function Lines({ row }: { readonly row: Row }) {
  return (
    <>
      <span className="l1">
        <b className="name cut">{row.summary}</b>
      </span>
      <span className="l2">
        <span className="n">
          {day(row.at)} {clockSeconds(row.at)} · {personName(row.actor)}
        </span>
        <span className="mono cut">{row.action}</span>
      </span>
    </>
  )
}
