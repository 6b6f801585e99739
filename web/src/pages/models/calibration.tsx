/** A reliability diagram: what it said against how often it was right, with the number of windows; or the same as a table. */
import { t } from 'i18next'
import { useState } from 'react'
import type { ModelMetrics, ReliabilityBin } from '../../../../src/model/model-record.ts'
import { count, probability } from '../../format.ts'
import { PlainTable } from '../../parts/plain-table.tsx'
import { TableToggle } from '../../parts/table-toggle.tsx'
import { useWidth } from '../../parts/width.ts'

const LEFT = 34
const RIGHT = 12
const TOP = 12
const PLOT = 220
const COUNTS = 22
const AXIS = 34
const HEIGHT = TOP + PLOT + COUNTS + AXIS

export function Calibration({ metrics }: { readonly metrics: ModelMetrics }) {
  const [isTable, setTable] = useState(false)
  return (
    <section className="surface" aria-labelledby="calibration">
      <div className="panel-head">
        <h2 id="calibration">{t('models.calibration')}</h2>
      </div>
      {isTable ? <Table bins={metrics.bins} /> : <Diagram metrics={metrics} />}
      <p className="model-key">
        {t('models.calibrationKey')}{' '}
        <b className="n">
          {t('models.ece')} {probability(metrics.ece)}
        </b>
        <TableToggle isTable={isTable} onToggle={setTable} chart={t('models.asChart')} table={t('models.asTable')} />
      </p>
    </section>
  )
}

/** `0.8`: the edge of a bin. */
const edge = (i: number, bins: number) => (i / bins).toFixed(1)

function describe({ ece, windows, bins }: ModelMetrics): string {
  const most = bins.reduce((best, bin, i) => (bin.n > (bins[best]?.n ?? 0) ? i : best), 0)
  return t('models.calibrationIs', { ece: probability(ece), windows: count(windows), most: binWords(bins, most) })
}

function binWords(bins: readonly ReliabilityBin[], i: number): string {
  const { n = 0, accuracy = 0 } = bins[i] ?? {}
  return t('models.calibrationBin', {
    from: edge(i, bins.length),
    to: edge(i + 1, bins.length),
    right: count(Math.round(n * accuracy)),
    n: count(n),
  })
}

function Diagram({ metrics }: { readonly metrics: ModelMetrics }) {
  const [box, width] = useWidth(420, 260)
  const { bins } = metrics
  const plot = width - LEFT - RIGHT
  const x = (p: number) => LEFT + p * plot
  const y = (p: number) => TOP + PLOT * (1 - p)
  return (
    <div ref={box} className="reliability">
      <svg width={width} height={HEIGHT} role="img" aria-label={describe(metrics)}>
        {[0, 0.5, 1].map((p) => (
          <g key={p}>
            <line x1={LEFT} x2={x(1)} y1={y(p)} y2={y(p)} stroke="var(--line-2)" />
            <text x={LEFT - 8} y={y(p) + 4} textAnchor="end">
              {p === 0.5 ? '.5' : p}
            </text>
          </g>
        ))}
        {bins.map((bin, i) => (
          <Bar key={edge(i, bins.length)} bin={bin} i={i} bins={bins} x={x} y={y} />
        ))}
        <line className="said" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
        {[0, 0.2, 0.4, 0.6, 0.8, 1].map((p) => (
          <text key={p} x={x(p)} y={TOP + PLOT + COUNTS + 10} textAnchor="middle">
            {p === 0 || p === 1 ? p : p.toFixed(1).slice(1)}
          </text>
        ))}
        <text x={x(0.5)} y={HEIGHT - 4} textAnchor="middle">
          {t('models.axisSaid')}
        </text>
        <text x={LEFT + 6} y={TOP + 12} className="halo">
          {t('models.axisRight')}
        </text>
      </svg>
    </div>
  )
}

function Bar(props: {
  readonly bin: ReliabilityBin
  readonly i: number
  readonly bins: readonly ReliabilityBin[]
  readonly x: (p: number) => number
  readonly y: (p: number) => number
}) {
  const { bin, i, bins, x, y } = props
  const [left, right] = [x(i / bins.length) + 1, x((i + 1) / bins.length) - 1]
  const middle = (left + right) / 2
  return (
    <g>
      <title>{binWords(bins, i)}</title>
      {bin.n === 0 ? null : (
        <>
          <rect
            className="was"
            x={left}
            width={right - left}
            y={Math.min(y(bin.accuracy), y(0) - 1)}
            height={Math.max(1, y(0) - y(bin.accuracy))}
          />
          <circle className="mean" cx={x(bin.p)} cy={y(bin.accuracy)} r="3.5" />
        </>
      )}
      <text x={middle} y={TOP + PLOT + 14} textAnchor="middle" className={bin.n === 0 ? '' : 'second n'}>
        {count(bin.n)}
      </text>
    </g>
  )
}

function Table({ bins }: { readonly bins: readonly ReliabilityBin[] }) {
  const rows = bins.map((bin, i) => ({ ...bin, from: edge(i, bins.length), to: edge(i + 1, bins.length) }))
  return (
    <PlainTable
      className="reliability-table"
      rows={rows}
      keyOf={({ from }) => from}
      columns={[
        { title: t('models.said'), head: true, look: 'n', cell: ({ from, to }) => `${from} – ${to}` },
        { title: t('models.meanP'), num: true, cell: ({ n, p }) => (n === 0 ? '–' : probability(p)) },
        { title: t('models.wasRight'), num: true, cell: ({ n, accuracy }) => (n === 0 ? '–' : probability(accuracy)) },
        { title: t('models.windows'), num: true, cell: ({ n }) => count(n) },
      ]}
    />
  )
}
