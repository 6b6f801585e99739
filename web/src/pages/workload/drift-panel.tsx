/** Drift: every metric of the last hour beside what was expected of it, as small pictures or as a table. */
import { t } from 'i18next'
import { useMemo, useState } from 'react'
import { useSearchParams } from 'react-router'
import { useDrift } from '../../api/queries.ts'
import { clock, probability } from '../../format.ts'
import type { Drift, DriftSeries } from '../../nouns.ts'
import { Empty, Failed, SkeletonRows } from '../../parts/states.tsx'
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
  const [params] = useSearchParams()
  const isShort = params.get('span') === '15m'
  const { drift = null, series = null } = asked.data ?? {}
  const shown = useMemo(
    () => (series === null ? null : since(series, (series.at.at(-1) ?? 0) - (isShort ? QUARTER_MS : series.keptMs))),
    [series, isShort],
  )
  const note = t('drift.kept', { span: t(isShort ? 'drift.spans.quarter' : 'drift.spans.hour') })
  return (
    <Panel id="drift" title={t('drift.title')} note={note}>
      {asked.data === undefined ? (
        asked.isError ? (
          <Failed error={asked.error} retry={() => void asked.refetch()} what={t('drift.title')} />
        ) : (
          <SkeletonRows rows={5} />
        )
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
        <button type="button" className="link quiet-link right" onClick={() => setTable(!table)}>
          {t(table ? 'chart.asChart' : 'chart.asTable')}
        </button>
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
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it must take the focus
    <section className="history-table metrics-table" tabIndex={0} aria-label={t('drift.table')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('drift.metric')}</th>
            <th scope="col" className="num">
              {t('drift.value')}
            </th>
            <th scope="col">{t('drift.usual')}</th>
            <th scope="col" className="num">
              {t('drift.windows')}
            </th>
            <th scope="col">{t('drift.last')}</th>
          </tr>
        </thead>
        <tbody>
          {metrics.map((metric) => {
            const outside = at.flatMap((_, i) => (isOutside(metric, i) ? [i] : []))
            const value = metric.value[last] ?? null
            return (
              <tr key={metric.name}>
                <td>{metric.name}</td>
                <td className="num">{value === null ? t('drift.notSeen') : metricAmount(value, metric.unit)}</td>
                <td className="n">{usualWords(metric, last)}</td>
                <td className="num">{outside.length}</td>
                <td className="n">{outside.length === 0 ? '' : clock(at[outside.at(-1)!]!)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
