/** What was seen, then what is expected in its two bands, on one axis of time. */
import { t } from 'i18next'
import { type PointerEvent, useId, useState } from 'react'
import type { ExpectedStep, ForecastReport } from '../../../src/model/forecast.ts'
import { clock, day, duration, rate } from '../format.ts'
import { timeTicks } from '../pages/workload/stack.ts'
import { useWidth } from '../parts/width.ts'
import { type Picture, pictureOf, summaryOf } from './picture.ts'

const LEFT = 62
const RIGHT = 14
const TOP = 16
const PLOT = 150
const AXIS = 22
const HEIGHT = TOP + PLOT + AXIS

type Place = { readonly x: (at: number) => number; readonly y: (value: number) => number }

export function ForecastChart({ report }: { readonly report: ForecastReport }) {
  const [box, width] = useWidth(820, 260)
  const clip = useId()
  const [cursor, setCursor] = useState<number | null>(null)
  const { expected } = report
  const picture = pictureOf(report)
  const { from, now, to, top } = picture
  const plot = width - LEFT - RIGHT
  const place: Place = {
    x: (at) => LEFT + ((at - from) / (to - from)) * plot,
    y: (value) => TOP + PLOT * (1 - value / top),
  }
  const half = (to - now) / expected.length / 2
  const onMove = (event: PointerEvent<SVGSVGElement>) =>
    setCursor(from + ((event.nativeEvent.offsetX - LEFT) / plot) * (to - from))
  return (
    <div ref={box} className="forecast-chart">
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={describe(report)}
        onPointerMove={onMove}
        onPointerLeave={() => setCursor(null)}
      >
        <Axes picture={picture} place={place} edge={LEFT + plot} most={width < 560 ? 3 : 7} />
        <clipPath id={clip}>
          <rect x={LEFT} y={TOP} width={plot} height={PLOT} />
        </clipPath>
        <g clipPath={`url(#${clip})`}>
          <path className="in95" d={area(expected, half, place, 'low95', 'high95')} />
          <path className="in80" d={area(expected, half, place, 'low80', 'high80')} />
          {picture.seen.map((run) => (
            <path key={run[0]![0]} className="seen" d={path(run, place)} />
          ))}
          <path
            className="expected"
            d={path(
              expected.map(({ at, value }) => [at + half, value] as const),
              place,
            )}
          />
        </g>
        <line className="now" x1={place.x(now)} x2={place.x(now)} y1={TOP - 4} y2={TOP + PLOT} />
        <text x={place.x(now)} y={TOP - 6} textAnchor="middle" className="strong">
          {t('forecast.now')}
        </text>
        {cursor === null || cursor < from || cursor > to ? null : (
          <line className="cursor" x1={place.x(cursor)} x2={place.x(cursor)} y1={TOP} y2={TOP + PLOT} />
        )}
      </svg>
      <p className="readout n" aria-hidden="true">
        {cursor === null ? '\u00a0' : readout(report, cursor, 2 * half)}
      </p>
    </div>
  )
}

function describe(report: ForecastReport): string {
  const { spanMs, mean, low, high } = summaryOf(report)
  return t('forecast.describe', { span: duration(spanMs), mean: rate(mean), low: rate(low), high: rate(high) })
}

function readout({ seen, expected }: ForecastReport, at: number, stepMs: number): string {
  const inside = (start: number) => at >= start && at < start + stepMs
  const ahead = expected.find((one) => inside(one.at))
  if (ahead !== undefined) {
    const within = t('forecast.to', { low: rate(ahead.low95), high: rate(ahead.high95) })
    return `${day(ahead.at)} ${clock(ahead.at)}  ${t('forecast.expected')} ${rate(ahead.value)}, ${within}`
  }
  const past = seen.find(([start]) => inside(start))
  if (past === undefined) return '\u00a0'
  return `${day(past[0])} ${clock(past[0])}  ${past[1] === null ? t('forecast.nobody') : rate(past[1])}`
}

type AxesProps = { readonly picture: Picture; readonly place: Place; readonly edge: number; readonly most: number }

function Axes({ picture: { from, to, top }, place, edge, most }: AxesProps) {
  const long = to - from > 36 * 3_600_000
  return (
    <g>
      {[1, 0.5, 0].map((share) => (
        <g key={share}>
          <line className="grid" x1={LEFT} x2={edge} y1={place.y(share * top)} y2={place.y(share * top)} />
          <text x={LEFT - 8} y={place.y(share * top) + 4} textAnchor="end">
            {share === 0 ? '0' : rate(share * top)}
          </text>
        </g>
      ))}
      {timeTicks(from, to, most).map((at) => (
        <text key={at} x={Math.max(place.x(at), LEFT + 14)} y={HEIGHT - 5} textAnchor="middle">
          {long ? day(at) : clock(at)}
        </text>
      ))}
    </g>
  )
}

const point = (x: number, y: number) => `${x.toFixed(1)} ${y.toFixed(1)}`

function path(points: readonly (readonly [number, number])[], { x, y }: Place): string {
  const drawn = points.map(([at, value]) => point(x(at), y(value)))
  // A step alone between gaps is a line of no length, which its round ends make a dot.
  return `M${drawn.length === 1 ? `${drawn[0]}L${drawn[0]}` : drawn.join('L')}`
}

function area(
  steps: readonly ExpectedStep[],
  half: number,
  { x, y }: Place,
  low: 'low80' | 'low95',
  high: 'high80' | 'high95',
): string {
  const upper = steps.map((step) => point(x(step.at + half), y(step[high])))
  const lower = steps.map((step) => point(x(step.at + half), y(step[low]))).reverse()
  return `M${upper.join('L')}L${lower.join('L')}Z`
}
