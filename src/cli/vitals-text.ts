/** Vitals of a workload as a person reads them: a row per figure that is known, a line per reason for those that are not. */
import type { FigureTold, VitalsTold } from '../model/vitals.ts'
import { table } from './table.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

export function vitalsText(name: string, driver: string, { at, spanMs, figures, history }: VitalsTold): string {
  if (at === null)
    return driver === 'gateway' || driver === 'recording'
      ? `${name}: nothing is known but its flows: no agent runs where it is.`
      : `${name}: its agent told nothing yet. Ask again in ten seconds.`
  const known = figures.filter(({ now, mean }) => now !== null || mean !== null)
  const rows = known.map((one) => [
    one.what,
    said(one.now, one),
    said(one.mean, one),
    said(one.most, one),
    totalOf(one),
  ])
  const head = [
    '',
    `last ${Math.round(spanMs / 1_000)} s`,
    `mean of ${keptText(at - (history.start[0] ?? at - spanMs))}`,
    'most',
    'total',
  ]
  const reasons = new Map<string, string[]>()
  for (const { what, why, now, mean } of figures)
    if (now === null && mean === null && why !== null) reasons.set(why, [...(reasons.get(why) ?? []), what])
  return [
    name,
    table(head, rows, 'no figure of it is known'),
    ...[...reasons].map(([why, whats]) => `not known: ${whats.join(', ')} (${why})`),
  ].join('\n')
}

/** The hour that is kept, or less while it is not over. */
const keptText = (ms: number): string =>
  ms > HOUR_MS - MINUTE_MS
    ? 'the hour'
    : ms < MINUTE_MS
      ? `${Math.round(ms / 1_000)} s`
      : `${Math.round(ms / MINUTE_MS)} min`

const said = (value: number | null, { unit }: FigureTold): string => (value === null ? '–' : amountText(value, unit))
const totalOf = ({ total, unit }: FigureTold): string =>
  total === null ? '' : amountText(total, unit === 'cores' ? 'seconds' : unit.replace(/\/s$/, ''))

/** Three digits; bytes in the steps of 1,000 that traffic is told in. */
export function amountText(value: number, unit: string): string {
  const [base, per] = unit.split('/')
  const [shown, step] = base === 'bytes' ? stepOf(value) : [value, base!]
  const digits = Number(shown.toPrecision(shown >= 1_000 ? 4 : 3))
  return `${digits} ${step}${per === undefined ? '' : `/${per}`}`
}

const STEPS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

function stepOf(bytes: number): [number, string] {
  let [value, i] = [bytes, 0]
  for (; value >= 1_000 && i < STEPS.length - 1; i++) value /= 1_000
  return [value, STEPS[i]!]
}
