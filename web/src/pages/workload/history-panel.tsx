/** Belief and risk over a chosen span: as a picture, or as a table of the same numbers. */
import { t } from 'i18next'
import { useState } from 'react'
import { useHistory, useShifts } from '../../api/queries.ts'
import { clock, day, probability } from '../../format.ts'
import type { HistoryPoint, WorkloadRecord } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import { Waiting } from '../../parts/loaded.tsx'
import { useNow } from '../../parts/now.ts'
import { PlainTable } from '../../parts/plain-table.tsx'
import { ScrollBox } from '../../parts/scroll-box.tsx'
import { Segments } from '../../parts/segments.tsx'
import { Empty } from '../../parts/states.tsx'
import { TableToggle } from '../../parts/table-toggle.tsx'
import { useKeys } from '../../shell/keys.ts'
import { BeliefRiskChart } from './chart.tsx'
import type { NumberedTerm } from './evidence.ts'

const HOUR = 3_600_000
const SPANS = [
  ['15m', HOUR / 4],
  ['1h', HOUR],
  ['3h', 3 * HOUR],
  ['24h', 24 * HOUR],
  ['7d', 168 * HOUR],
] as const
/** Three hours, or less for a workload that is younger: an almost empty picture explains nothing. */
function defaultSpan(ageMs: number): (typeof SPANS)[number][0] {
  if (ageMs < HOUR / 4) return '15m'
  return ageMs < HOUR ? '1h' : '3h'
}

type Props = {
  readonly workload: WorkloadRecord
  readonly terms: readonly NumberedTerm[]
  readonly lit: number | null
  readonly onLight: (n: number | null) => void
}

export function HistoryPanel({ workload: w, terms, lit, onLight }: Props) {
  const address = useAddress()
  const [table, setTable] = useState(false)
  const standard = defaultSpan(w.lastSeen - w.firstSeen)
  const name = SPANS.find(([span]) => span === address.get('span'))?.[0] ?? standard
  const spanMs = SPANS.find(([span]) => span === name)![1]
  const history = useHistory(w.id, spanMs)
  const shifts = (useShifts().data ?? []).filter((shift) => shift.workload === w.id)
  // A minute is finer than a pixel here: the axis does not crawl every second.
  const now = Math.ceil(useNow() / 30_000) * 30_000
  // A workload younger than its usual span fills the picture; a span somebody chose is kept as it is.
  const from = name === standard ? Math.max(now - spanMs, Math.min(w.firstSeen, now - 120_000)) : now - spanMs
  const choose = (span: string) => address.set({ span: span === standard ? '' : span })
  const at = SPANS.findIndex(([span]) => span === name)
  useKeys({
    '[': () => choose(SPANS[Math.min(SPANS.length - 1, at + 1)]![0]),
    ']': () => choose(SPANS[Math.max(0, at - 1)]![0]),
  })
  return (
    <section className="surface" aria-labelledby="history">
      <div className="panel-head">
        <h2 id="history">{t('chart.title')}</h2>
        <Segments
          className="right"
          label={t('chart.span')}
          of={SPANS.map(([span]) => span)}
          chosen={name}
          word={(span) => t(`chart.spans.${span}`)}
          onChoose={choose}
        />
      </div>
      {history.data === undefined ? (
        <Waiting query={history} what={t('chart.title')} rows={6} />
      ) : history.data.length < 2 ? (
        <Empty title={t('chart.none')}>
          <p>{t('chart.noneWhy')}</p>
        </Empty>
      ) : table ? (
        <Table points={history.data} />
      ) : (
        <BeliefRiskChart
          points={history.data}
          from={from}
          to={now}
          worn={w.worn?.name ?? null}
          terms={terms}
          shifts={shifts}
          lit={lit}
          onLight={onLight}
        />
      )}
      <p className="key">
        {terms
          .filter((term) => term.n !== null && term.at >= now - spanMs)
          .sort((a, b) => (a.n ?? 0) - (b.n ?? 0))
          .map((term) => (
            <span key={term.n}>
              <i className="ring">{term.n}</i>
              {t(`evidence.${term.evidence.kind as 'beacon'}`)}
            </span>
          ))}
        {shifts.length === 0 ? null : (
          <span>
            <svg width="12" height="12" viewBox="0 0 14 14" aria-hidden="true">
              <path d="M7 0l7 7-7 7-7-7z" fill="var(--ink)" />
            </svg>
            {t('chart.shift')}
          </span>
        )}
        <TableToggle isTable={table} onToggle={setTable} />
      </p>
    </section>
  )
}

const MOST_ROWS = 60

function Table({ points }: { readonly points: readonly HistoryPoint[] }) {
  const every = Math.max(1, Math.ceil(points.length / MOST_ROWS))
  const shown = points.filter((_, i) => i % every === 0 || i === points.length - 1).reverse()
  const long = points.at(-1)!.at - points[0]!.at > 20 * HOUR
  return (
    <ScrollBox className="history-table" label={t('chart.title')}>
      <PlainTable
        rows={shown}
        keyOf={({ at }) => at}
        columns={[
          {
            title: t('chart.time'),
            look: 'n nw',
            cell: ({ at }) => (long ? `${day(at)} ${clock(at)}` : clock(at)),
          },
          { title: t('column.belief'), look: 'n', cell: ({ belief }) => (belief === null ? '' : beliefWords(belief)) },
          { title: t('column.risk'), num: true, cell: ({ risk }) => (risk === null ? '' : probability(risk)) },
        ]}
      />
    </ScrollBox>
  )
}

function beliefWords({ personas, unknown }: NonNullable<HistoryPoint['belief']>): string {
  const likely = personas.filter(({ p }) => p >= 0.03).map(({ persona, p }) => `${persona} ${probability(p)}`)
  return [...likely, `unknown ${probability(unknown)}`].join(', ')
}
