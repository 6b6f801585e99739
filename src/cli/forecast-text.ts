/** A forecast as a person reads it: a line of the past and of what is expected, some of its steps, and why. */
import type { ExpectedStep, ForecastOf, ForecastReport } from '../model/forecast.ts'
import { bytes } from './byte-text.ts'
import { table } from './table.ts'

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
/** Characters of a line, and rows of the table: more is for --json. */
const LINE = 60
const ROWS = 12
const STEP_WORDS = { '5min': 'steps of 5 minutes', hour: 'steps of an hour' } as const

export function forecastText(report: ForecastReport): string {
  const { of, what, step, seen, expected, because, coverage, enough, members, services } = report
  const sum = of.kind === 'Persona' ? `, ${members} ${members === 1 ? 'workload' : 'workloads'} added up` : ''
  const head = `${of.name}: ${whatText(what)}, ${STEP_WORDS[step]}${sum}`
  if (enough !== true) return `${head}\n${enough.why}`
  const past = seen.slice(-LINE).map(([, value]) => value)
  const ahead = expected.slice(0, LINE).map(({ value }) => value)
  const most = Math.max(...past.map((value) => value ?? 0), ...ahead)
  return [
    head,
    `seen      ${line(past, most)}`,
    `expected  ${line(ahead, most)}  ${line([most], most)} = ${rate(most)}`,
    '',
    table(['from (UTC)', 'expected', '8 times in 10', '19 times in 20'], some(expected).map(row), ''),
    '',
    ...because.map((one) => `- ${one}`),
    `kept so far: ${coverage.sentence}`,
    ...(services.length === 0 ? [] : [`by service: --of service:NAME, of ${services.join(', ')}`]),
  ].join('\n')
}

function whatText(what: ForecastOf): string {
  if (what === 'bytesOut') return 'bytes out'
  return what === 'bytesIn' ? 'bytes in' : `both ways by ${what.slice('service:'.length)}`
}

/** A space where nobody looked. */
function line(values: readonly (number | null)[], most: number): string {
  const bar = (value: number) => BARS[most > 0 ? Math.min(7, Math.floor((value / most) * 8)) : 0]!
  return values.map((value) => (value === null ? ' ' : bar(value))).join('')
}

function some(expected: readonly ExpectedStep[]): ExpectedStep[] {
  const every = Math.ceil(expected.length / ROWS)
  return expected.filter((_, h) => h % every === 0)
}

function row({ at, value, low80, high80, low95, high95 }: ExpectedStep): string[] {
  const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ')
  return [when, rate(value), `${rate(low80)} to ${rate(high80)}`, `${rate(low95)} to ${rate(high95)}`]
}

const rate = (bytesPerSecond: number) => `${bytes(bytesPerSecond)}/s`
