/** One metric over time: the expected band, what was seen, what was outside it, where another regime began. */
import { t } from 'i18next'
import { useMemo } from 'react'
import type { DriftMetric } from '../../nouns.ts'
import { metricAmount, onLogs } from './amount.ts'
import { isOutside } from './drift-series.ts'
import { across, HEIGHT, Lines, SmallFigure, upward } from './small-figure.tsx'
import type { Place } from './small-multiples.tsx'
import { stretches } from './stretches.ts'

type Props = {
  readonly metric: DriftMetric
  readonly regimes: readonly number[]
  readonly place: Place
}

export function MetricFigure({ metric, regimes, place }: Props) {
  const { at, cursor } = place
  const grain = metric.unit === 'bytes' ? 256 : 1
  const { low, top } = useMemo(() => {
    const all = [metric.value, metric.low, metric.high]
      .flat()
      .flatMap((one) => (one === null ? [] : onLogs(one, grain)))
    const [least, most] = [Math.min(...all), Math.max(...all)]
    // What hardly moves is a line in the middle, not a mountain range.
    const room = Math.max(0, 1 - (most - least)) / 2
    return all.length === 0 ? { low: 0, top: 1 } : { low: least - room, top: most + room }
  }, [metric, grain])
  const x = across(place)
  const y = (value: number) => upward((onLogs(value, grain) - low) / (top - low))
  const outside = useMemo(() => at.flatMap((_, i) => (isOutside(metric, i) ? [i] : [])), [metric, at])
  const shown = cursor ?? at.length - 1
  const value = metric.value[shown] ?? null
  const said = value === null ? t('drift.notSeen') : metricAmount(value, metric.unit)
  const usual = usualWords(metric, shown)
  return (
    <SmallFigure
      place={place}
      name={metric.name}
      value={said}
      mark={isOutside(metric, shown) ? 'out' : 'none'}
      picture={t('drift.picture', {
        metric: metric.name,
        value: said,
        usual: usual === '' ? t('drift.none') : usual,
        outside: outside.length,
        n: at.length,
      })}
      below={[usual, outside.length === 0 ? '' : t('drift.outside', { count: outside.length })]
        .filter(Boolean)
        .join(' · ')}
    >
      {stretches(at, metric.high).map((run) => (
        <path key={`band ${at[run[0]!]}`} className="expected" d={bandPath(run, metric, at, x, y)} />
      ))}
      {regimes.map((time) => (
        <line key={time} className="regime" x1={x(time)} x2={x(time)} y1="0" y2={HEIGHT} />
      ))}
      <Lines place={place} column={metric.value} y={y} />
      {outside.map((i) => (
        <circle key={at[i]} className="outside" cx={x(at[i]!)} cy={y(metric.value[i]!)} r="2.5" />
      ))}
    </SmallFigure>
  )
}

export function usualWords({ low, high, unit }: DriftMetric, i: number): string {
  const [from, to] = [low[i] ?? null, high[i] ?? null]
  if (from === null || to === null) return ''
  const said = { low: metricAmount(from, unit), high: metricAmount(to, unit) }
  return t(from < to / 50 ? 'drift.usuallyBelow' : 'drift.usually', said)
}

function bandPath(
  run: readonly number[],
  { low, high }: DriftMetric,
  at: readonly number[],
  x: (time: number) => number,
  y: (value: number) => number,
): string {
  const edge = (i: number, value: number) => `${x(at[i]!).toFixed(1)} ${y(value).toFixed(1)}`
  const upper = run.map((i) => edge(i, high[i]!))
  const lower = run.map((i) => edge(i, low[i]!)).reverse()
  return `M${[...upper, ...lower].join('L')}Z`
}
