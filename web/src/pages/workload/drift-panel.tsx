/** Drift: every metric of the last hour beside what was expected of it, as small pictures or as a table. */
import { t } from 'i18next'
import { useMemo, useState } from 'react'
import { useDrift } from '../../api/queries.ts'
import { clock, probability } from '../../format.ts'
import type { Drift, DriftSeries } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import { Waiting } from '../../parts/loaded.tsx'
import { PlainTable } from '../../parts/plain-table.tsx'
import { ScrollBox } from '../../parts/scroll-box.tsx'
import { Empty } from '../../parts/states.tsx'
import { TableToggle } from '../../parts/table-toggle.tsx'
import { addWords } from '../../words/words.ts'
import { metricAmount } from './amount.ts'
import { MetricFigure, usualWords } from './drift-metric.tsx'
import { isOutside, regimeChanges, since } from './drift-series.ts'
import { driftWords } from './drift-words.ts'
import { Panel } from './panel.tsx'
import { SmallMultiples } from './small-multiples.tsx'
import './drift.css'

addWords(driftWords)

const QUARTER_MS = 900_000

export function DriftPanel({ id }: { readonly id: string }) {
  const asked = useDrift(id)
  const isShort = useAddress().get('span') === '15m'
  const { drift = null, series = null } = asked.data ?? {}
  const shown = useMemo(
    () => (series === null ? null : since(series, (series.at.at(-1) ?? 0) - (isShort ? QUARTER_MS : series.keptMs))),
    [series, isShort],
  )
  const note = t('drift.kept', { span: t(isShort ? 'drift.spans.quarter' : 'drift.spans.hour') })
  return (
    <Panel id="drift" title={t('drift.title')} note={note}>
      {asked.data === undefined ? (
        <Waiting query={asked} what={t('drift.title')} rows={5} />
      ) : drift === null ? (
        <Empty title={t('drift.none')}>
          <p>{t('drift.noneWhy')}</p>
        </Empty>
      ) : shown === null ? (
        <>
          <p className="say">{driftSentence(drift)}</p>
          <Empty title={t('drift.noRoom')}>
            <p>{t('drift.noRoomWhy')}</p>
          </Empty>
        </>
      ) : drift.windows < shown.warmUp && shown.at.length < 2 ? (
        <Warming drift={drift} series={shown} />
      ) : (
        <Known drift={drift} series={shown} />
      )}
    </Panel>
  )
}

function Warming({ drift, series }: { readonly drift: Drift; readonly series: DriftSeries }) {
  return (
    <Empty title={t('drift.warming', { n: drift.windows, of: series.warmUp })}>
      <p>{t('drift.warmingWhy')}</p>
    </Empty>
  )
}

function Known({ drift, series }: { readonly drift: Drift; readonly series: DriftSeries }) {
  const [table, setTable] = useState(false)
  const isWarm = drift.windows >= series.warmUp
  return (
    <>
      {isWarm ? <p className="say">{driftSentence(drift)}</p> : <Warming drift={drift} series={series} />}
      {table ? <Table series={series} /> : <Figures series={series} />}
      <p className="key metrics-key">
        {table ? null : (
          <>
            <span>
              <i className="swatch expected" />
              {t('drift.key.band')}
            </span>
            <span>
              <i className="swatch outside" />
              {t('drift.key.outside')}
            </span>
            <span>
              <i className="swatch regime" />
              {t('drift.key.regime')}
            </span>
          </>
        )}
        <TableToggle isTable={table} onToggle={setTable} />
      </p>
    </>
  )
}

export function driftSentence({ since: from, score, windows, cause }: Drift): string {
  if (from === null || cause === null) return t('drift.quiet', { score: probability(score), n: windows })
  const words = {
    metric: cause.metric,
    seen: metricAmount(cause.seen, cause.unit),
    low: metricAmount(cause.low, cause.unit),
    high: metricAmount(cause.high, cause.unit),
  }
  return t('drift.strange', { at: clock(from), cause: t(`drift.cause.${cause.side}`, words) })
}

function Figures({ series }: { readonly series: DriftSeries }) {
  const changes = useMemo(() => regimeChanges(series), [series])
  return (
    <SmallMultiples at={series.at} everyMs={series.everyMs}>
      {(place) =>
        series.metrics.map((metric) => (
          <MetricFigure key={metric.name} metric={metric} regimes={changes} place={place} />
        ))
      }
    </SmallMultiples>
  )
}

function Table({ series: { at, metrics } }: { readonly series: DriftSeries }) {
  const last = at.length - 1
  const rows = metrics.map((metric) => ({
    metric,
    value: metric.value[last] ?? null,
    outside: at.filter((_, i) => isOutside(metric, i)),
  }))
  return (
    <ScrollBox className="history-table metrics-table" label={t('drift.table')}>
      <PlainTable
        rows={rows}
        keyOf={({ metric }) => metric.name}
        columns={[
          { title: t('drift.metric'), cell: ({ metric }) => metric.name },
          {
            title: t('drift.value'),
            num: true,
            cell: ({ metric, value }) => (value === null ? t('drift.notSeen') : metricAmount(value, metric.unit)),
          },
          { title: t('drift.usual'), look: 'n', cell: ({ metric }) => usualWords(metric, last) },
          { title: t('drift.windows'), num: true, cell: ({ outside }) => outside.length },
          {
            title: t('drift.last'),
            look: 'n',
            cell: ({ outside }) => (outside.length === 0 ? '' : clock(outside.at(-1)!)),
          },
        ]}
      />
    </ScrollBox>
  )
}
