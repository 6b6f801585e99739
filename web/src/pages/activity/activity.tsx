/** Activity: what changed, by whom, and is it over. New lines wait while someone reads further down. */
import { t } from 'i18next'
import { useMemo, useRef, useState } from 'react'
import { Link } from 'react-router'
import { useAudit, usePlans, useShifts, useWorkloads } from '../../api/queries.ts'
import { absolute, clockSeconds, count, countWord, day } from '../../format.ts'
import { useAddress } from '../../parts/address.ts'
import type { Column } from '../../parts/columns.ts'
import { ExportButton } from '../../parts/export-button.tsx'
import { SearchBox } from '../../parts/filter-field.tsx'
import { Icon, type IconName } from '../../parts/icon.tsx'
import { SavedFilters } from '../../parts/saved-filters.tsx'
import { Segments } from '../../parts/segments.tsx'
import { Empty, Failed, SkeletonRows } from '../../parts/states.tsx'
import { paths } from '../../paths.ts'
import { useKeys } from '../../shell/keys.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import './activity.css'
import { buildStream, type Entry, filterStream, STREAM_KINDS, type StreamKind } from './stream.ts'
import { words } from './words.ts'

addWords(words)

const ICONS: Record<StreamKind, IconName> = { shift: 'persona', plan: 'plan', evidence: 'risk', audit: 'ledger' }
const FIRST = 100

const asText = (name: string, value: Column<Entry>['value']): Column<Entry> => ({
  name,
  title: name,
  cell: () => null,
  ...(value === undefined ? {} : { value }),
})
/** A stream is no table; taken away it is one. */
const EXPORTED: readonly Column<Entry>[] = [
  asText('at', (entry) => new Date(entry.at).toISOString()),
  asText('kind', (entry) => entry.kind),
  asText('what', (entry) => entry.title),
  asText('detail', (entry) => entry.detail),
  asText('actor', (entry) => entry.actor),
]

export default function Activity() {
  const [workloads, plans, shifts, audit] = [useWorkloads(), usePlans(), useShifts(), useAudit()]
  const sources = [workloads, plans, shifts, audit]
  const address = useAddress()
  const field = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => field.current?.focus() })
  const q = address.get('q')
  const kind = STREAM_KINDS.find((one) => one === address.get('kind')) ?? null
  const all = useMemo(
    () => buildStream(workloads.data ?? [], plans.data ?? [], shifts.data ?? [], audit.data ?? []),
    [workloads.data, plans.data, shifts.data, audit.data],
  )
  const entries = useMemo(() => filterStream(all, kind, q), [all, kind, q])
  const set = (name: string, value: string) => address.set({ [name]: value })
  const failed = sources.find((source) => source.isError && source.data === undefined)
  const open = (plans.data ?? []).filter((p) => p.state === 'confirming' || p.state === 'applying').length
  const ready = sources.some((source) => source.data !== undefined)
  return (
    <>
      <PageHead
        title={t('nav.activity')}
        heading={ready ? t('activity.heading', { count: open, n: countWord(open) }) : t('nav.activity')}
        lead={t('activity.lead')}
        crumbs={[{ name: t('nav.activity') }]}
      />
      <div className="section-head activity-head">
        <h2>{t('nav.activity')}</h2>
        <SearchBox
          ref={field}
          value={q}
          onChange={(value) => set('q', value)}
          label={t('activity.filter')}
          placeholder={t('activity.placeholder')}
        />
        <Segments
          label={t('activity.kind')}
          of={['', ...STREAM_KINDS]}
          chosen={kind ?? ''}
          word={(one) => (one === '' ? t('activity.all') : t(`activity.kinds.${one}`))}
          onChoose={(one) => set('kind', one)}
        />
        <span className="right tools">
          <SavedFilters page="activity" />
          <ExportButton name="activity" rows={entries} columns={EXPORTED} />
        </span>
      </div>
      <div className="surface">
        {failed !== undefined ? (
          <Failed error={failed.error} retry={() => void failed.refetch()} what={t('activity.part')} />
        ) : null}
        {!ready && failed === undefined ? <SkeletonRows rows={10} /> : null}
        {ready && entries.length === 0 ? (
          <Empty title={all.length === 0 ? t('activity.none') : t('activity.noMatch', { q: q || (kind ?? '') })}>
            {all.length === 0 ? (
              <p>{t('activity.noneWhy')}</p>
            ) : (
              <p>
                <button type="button" className="link" onClick={() => address.set({ q: '', kind: '' })}>
                  {t('filter.clear')}
                </button>
              </p>
            )}
          </Empty>
        ) : null}
        {entries.length > 0 ? <Stream key={`${kind} ${q}`} entries={entries} /> : null}
      </div>
    </>
  )
}

function Stream({ entries }: { readonly entries: readonly Entry[] }) {
  const [most, setMost] = useState(FIRST)
  const [seenUpTo, setSeenUpTo] = useState(entries[0]?.at ?? 0)
  const held = scrollY > 60
  const fresh = held ? entries.filter((entry) => entry.at > seenUpTo).length : 0
  const shown = (held ? entries.slice(fresh) : entries).slice(0, most)
  const days = Map.groupBy(shown, (entry) => day(entry.at))
  return (
    <>
      {fresh > 0 ? (
        <p className="more">
          <button
            type="button"
            className="link"
            onClick={() => {
              setSeenUpTo(entries[0]?.at ?? 0)
              scrollTo({ top: 0 })
            }}
          >
            {t('table.fresh', { count: fresh })}
          </button>
        </p>
      ) : null}
      {[...days].map(([name, lines]) => (
        <section key={name} aria-label={name}>
          <h2 className="day">{name}</h2>
          <ol className="stream">
            {lines.map((entry) => (
              <Line key={entry.id} entry={entry} />
            ))}
          </ol>
        </section>
      ))}
      {entries.length - fresh > shown.length ? (
        <p className="more">
          <button type="button" className="link" onClick={() => setMost(most + 200)}>
            {t('table.showMore', { n: count(entries.length - fresh - shown.length) })}
          </button>
        </p>
      ) : null}
    </>
  )
}

function Line({ entry }: { readonly entry: Entry }) {
  return (
    <li>
      <time className="n qq" dateTime={new Date(entry.at).toISOString()} title={absolute(entry.at)}>
        {clockSeconds(entry.at)}
      </time>
      <span className="kind-mark" title={t(`activity.one.${entry.kind}`)}>
        <Icon name={ICONS[entry.kind]} />
        <span className="vh">{t(`activity.one.${entry.kind}`)}</span>
      </span>
      <div>
        {entry.workload === null ? (
          <span className="line">{entry.title}</span>
        ) : (
          <Link className="line to" to={paths.workload(entry.workload)}>
            {entry.title}
          </Link>
        )}
        {entry.detail === null ? null : <span className="sub">{entry.detail}</span>}
      </div>
      <span className="actor qq cut">{entry.actor}</span>
    </li>
  )
}
