/** Belief over risk on one time axis, with numbered evidence between: what it did, and what that did to our trust. */
import { t } from 'i18next'
import { type PointerEvent, useMemo, useState } from 'react'
import { clock, day, probability } from '../../format.ts'
import type { HistoryPoint, ShiftRecord } from '../../nouns.ts'
import { useWidth } from '../../parts/width.ts'
import { personaColor, riskLevel } from '../../persona.ts'
import type { NumberedTerm } from './evidence.ts'
import { type Band, OTHER, runs, spread, stackBelief, timeTicks } from './stack.ts'

const LEFT = 34
const TOP = 6
const BELIEF = 132
const FLAGS = 30
const RISK = 96
const AXIS = 22
const HEIGHT = TOP + BELIEF + FLAGS + RISK + AXIS
const RISK_TOP = TOP + BELIEF + FLAGS

type Props = {
  readonly points: readonly HistoryPoint[]
  readonly from: number
  readonly to: number
  readonly worn: string | null
  readonly terms: readonly NumberedTerm[]
  readonly shifts: readonly ShiftRecord[]
  readonly lit: number | null
  readonly onLight: (n: number | null) => void
}

export function BeliefRiskChart(props: Props) {
  const { points, from, to, worn } = props
  const [box, width] = useWidth(820, 280)
  const [cursor, setCursor] = useState<number | null>(null)
  const right = width < 560 ? 44 : 150
  const plot = width - LEFT - right
  const x = (at: number) => LEFT + ((at - from) / (to - from)) * plot
  // Risk has a point per tick, belief one per window: each is drawn from its own points.
  const believed = useMemo(() => points.filter((point) => point.belief !== null), [points])
  const judged = useMemo(() => points.filter((point) => point.risk !== null), [points])
  const bands = useMemo(() => stackBelief(believed, worn), [believed, worn])
  const onMove = (event: PointerEvent<SVGSVGElement>) => {
    const at = from + ((event.nativeEvent.offsetX - LEFT) / plot) * (to - from)
    setCursor(nearest(points, at)?.at ?? null)
  }
  return (
    <div ref={box} className="chart">
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={describe(points, bands)}
        onPointerMove={onMove}
        onPointerLeave={() => setCursor(null)}
      >
        <Grid plot={plot} ticks={timeTicks(from, to, width < 560 ? 3 : 7)} x={x} long={to - from > 36 * 3_600_000} />
        <Bands bands={bands} points={believed} x={x} />
        <RiskLine points={judged} x={x} />
        <Labels bands={bands} points={points} edge={LEFT + plot} short={width < 560} />
        <Marks {...props} x={x} />
        {cursor === null ? null : (
          <line className="cursor" x1={x(cursor)} x2={x(cursor)} y1={TOP} y2={RISK_TOP + RISK} />
        )}
      </svg>
      <p className="readout n" aria-hidden="true">
        {cursor === null ? '\u00a0' : readout(cursor, nearest(believed, cursor), nearest(judged, cursor))}
      </p>
    </div>
  )
}

function nearest(points: readonly HistoryPoint[], at: number): HistoryPoint | undefined {
  return points.reduce<HistoryPoint | undefined>(
    (best, point) => (best === undefined || Math.abs(point.at - at) < Math.abs(best.at - at) ? point : best),
    undefined,
  )
}

function readout(at: number, believed: HistoryPoint | undefined, judged: HistoryPoint | undefined): string {
  const shares = (believed?.belief?.personas ?? []).filter((one) => one.p >= 0.03)
  const parts = shares.map((one) => `${one.persona} ${probability(one.p)}`)
  if (believed?.belief) parts.push(`unknown ${probability(believed.belief.unknown)}`)
  if (judged?.risk != null) parts.push(t('chart.riskIs', { risk: probability(judged.risk) }))
  return `${clock(at)}  ${parts.join(', ')}`
}

/** Start, turn and end in one sentence. */
function describe(points: readonly HistoryPoint[], bands: readonly Band[]): string {
  const top = (point: HistoryPoint | undefined) => {
    const { personas = [], unknown = 0 } = point?.belief ?? {}
    return unknown >= (personas[0]?.p ?? 0) ? { persona: 'unknown', p: unknown } : personas[0]
  }
  const first = points.find((point) => point.belief !== null)
  const last = points.findLast((point) => point.belief !== null)
  if (first === undefined || last === undefined || bands.length === 0) return t('chart.none')
  const turn = points.find((point) => point.belief !== null && top(point)?.persona === top(last)?.persona)
  const [a, b] = [top(first), top(last)]
  return t(a?.persona === b?.persona ? 'chart.steady' : 'chart.turned', {
    from: `${a?.persona ?? 'unknown'} ${probability(a?.p ?? first.belief?.unknown ?? 0)}`,
    to: `${b?.persona ?? 'unknown'} ${probability(b?.p ?? last.belief?.unknown ?? 0)}`,
    at: clock(turn?.at ?? last.at),
    risk: probability(last.risk ?? 0),
  })
}

type X = (at: number) => number

function Grid({ plot, ticks, x, long }: { plot: number; ticks: readonly number[]; x: X; long: boolean }) {
  const end = LEFT + plot
  const line = (p: number) => RISK_TOP + RISK * (1 - p)
  return (
    <g>
      {[1, 0.5, 0].map((p) => (
        <text key={p} x={LEFT - 8} y={TOP + BELIEF * (1 - p) + 4} textAnchor="end">
          {p === 0.5 ? '.5' : p}
        </text>
      ))}
      {[0.7, 0.4].map((p) => (
        <g key={p}>
          <line x1={LEFT} x2={end} y1={line(p)} y2={line(p)} stroke="var(--line-2)" strokeDasharray="2 3" />
          <text x={LEFT - 8} y={line(p) + 4} textAnchor="end">
            {p === 0.7 ? '.7' : '.4'}
          </text>
        </g>
      ))}
      <line x1={LEFT} x2={end} y1={line(0)} y2={line(0)} stroke="var(--line-2)" />
      {ticks.map((at) => (
        <text key={at} x={x(at)} y={HEIGHT - 5} textAnchor="middle">
          {long ? day(at) : clock(at)}
        </text>
      ))}
      <text x={end} y={HEIGHT - 5} textAnchor="end" className="strong">
        {t('chart.now')}
      </text>
    </g>
  )
}

const area = (pairs: readonly (readonly [number, number, number])[]) =>
  `M${pairs.map(([px, , upper]) => `${px.toFixed(1)} ${upper.toFixed(1)}`).join('L')}L${[...pairs]
    .reverse()
    .map(([px, lower]) => `${px.toFixed(1)} ${lower.toFixed(1)}`)
    .join('L')}Z`

function Bands({ bands, points, x }: { bands: readonly Band[]; points: readonly HistoryPoint[]; x: X }) {
  const y = (p: number) => TOP + BELIEF * (1 - p)
  const stretches = runs(points)
  return (
    <g>
      {bands.map((band) => (
        <path
          key={band.name}
          className="band"
          d={stretches
            .map(([a, b]) => {
              const inside = Array.from({ length: b - a + 1 }, (_, i) => a + i)
              return area(
                inside.map((i) => {
                  const [low, high] = band.edges[i] ?? [0, 0]
                  return [x(points[i]!.at), y(low), y(high)]
                }),
              )
            })
            .join('')}
          fill={bandFill(band.name)}
        />
      ))}
    </g>
  )
}

function bandFill(name: string): string {
  if (name === OTHER) return 'var(--line-2)'
  const color = personaColor(name)
  return color === null ? 'url(#hatch)' : `color-mix(in srgb, ${color} 78%, var(--surface))`
}

function RiskLine({ points, x }: { points: readonly HistoryPoint[]; x: X }) {
  const y = (p: number) => RISK_TOP + RISK * (1 - p)
  const last = points.findLast((point) => point.risk !== null)
  const color = `var(--risk-${riskLevel(last?.risk ?? 0)})`
  return (
    <g>
      {runs(points).map(([a, b]) => {
        const inside = points.slice(a, b + 1)
        const line = inside.map((point) => `${x(point.at).toFixed(1)} ${y(point.risk ?? 0).toFixed(1)}`).join('L')
        return (
          <g key={inside[0]!.at}>
            <path
              d={`M${line}L${x(inside.at(-1)!.at)} ${y(0)}L${x(inside[0]!.at)} ${y(0)}Z`}
              fill={color}
              opacity="0.07"
            />
            <path d={`M${line}`} fill="none" stroke={color} strokeWidth="1.75" strokeLinejoin="round" />
          </g>
        )
      })}
      {last === undefined ? null : <circle cx={x(last.at)} cy={y(last.risk ?? 0)} r="3" fill={color} />}
    </g>
  )
}

type LabelProps = {
  readonly bands: readonly Band[]
  readonly points: readonly HistoryPoint[]
  readonly edge: number
  readonly short: boolean
}

function Labels({ bands, points, edge, short }: LabelProps) {
  const y = (p: number) => TOP + BELIEF * (1 - p)
  const ends = bands
    .filter((band) => band.last >= 0.03)
    .map((band) => {
      const [low, high] = band.edges.findLast((edges) => edges !== null) ?? [0, 0]
      return { band, at: y((low + high) / 2) + 4 }
    })
    .sort((a, b) => a.at - b.at)
  const placed = spread(
    ends.map((end) => end.at),
    15,
    TOP + 10,
    TOP + BELIEF + 2,
  )
  const most = Math.max(...ends.map((end) => end.band.last), 0)
  const last = points.findLast((point) => point.risk !== null)?.risk ?? null
  const number = (p: number) => probability(p).replace(/^0/, '')
  return (
    <g>
      {ends.map(({ band }, i) => (
        <text key={band.name} x={edge + 8} y={placed[i]} className={band.last === most ? 'strong n' : 'second n'}>
          {short ? number(band.last) : `${band.name} ${number(band.last)}`}
        </text>
      ))}
      {short
        ? null
        : ([0.7, 0.4] as const).map((p) => (
            <text key={p} className="halo" x={LEFT + 6} y={RISK_TOP + RISK * (1 - p) - 5}>
              {t(p === 0.7 ? 'chart.acts' : 'chart.asks')}
            </text>
          ))}
      {last === null ? null : (
        <text x={edge + 8} y={RISK_TOP + RISK * (1 - last) + 4} className="strong n">
          {short ? number(last) : t('chart.risk', { risk: number(last) })}
        </text>
      )}
    </g>
  )
}

function Marks({ terms, shifts, from, to, lit, onLight, x }: Props & { readonly x: X }) {
  const y = TOP + BELIEF + 14
  const inside = terms.filter((term) => term.n !== null && term.at >= from && term.at <= to)
  const placed = inside.map((term) => ({ term, at: x(term.at) })).sort((a, b) => a.at - b.at)
  const spots = spread(
    placed.map((one) => one.at),
    18,
    LEFT + 8,
    x(to) - 8,
  )
  return (
    <g>
      {placed.map(({ term, at }, i) => (
        <g
          key={term.n}
          className={lit === term.n ? 'flag lit' : 'flag'}
          onPointerEnter={() => onLight(term.n)}
          onPointerLeave={() => onLight(null)}
        >
          <line x1={at} x2={at} y1={y} y2={RISK_TOP + RISK} />
          <circle cx={spots[i]} cy={y} r="8" />
          <text x={spots[i]} y={y + 4} textAnchor="middle" className="strong">
            {term.n}
          </text>
          <title>{term.evidence.why}</title>
        </g>
      ))}
      {shifts
        .filter((shift) => shift.createdAt >= from && shift.createdAt <= to)
        .map((shift) => (
          <g key={shift.id}>
            <line
              x1={x(shift.createdAt)}
              x2={x(shift.createdAt)}
              y1={y}
              y2={RISK_TOP + RISK}
              stroke="var(--ink)"
              strokeWidth="1"
            />
            <path d={`M${x(shift.createdAt)} ${y - 7}l7 7-7 7-7-7z`} fill="var(--ink)" />
            <title>{t('chart.shifted', { name: shift.to.name })}</title>
          </g>
        ))}
    </g>
  )
}
