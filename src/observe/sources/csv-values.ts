/** Values as CSV files of many tools write them: times, ports, counts. NaN for what is none. */
import type { CsvFormat } from './csv-map.ts'

const PER_MS: Readonly<Record<string, number>> = { s: 1e-3, ms: 1, us: 1e3, ns: 1e6 }
/** 2018/09/27 22:40:52.362768 · 2018-01-12T15:37:30.942Z; without a zone it is taken as UTC. */
const YEAR_FIRST =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?$/
/** 27/09/2018 10:40:52 PM */
const YEAR_LAST =
  /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}) (\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:\s*([AaPp])[Mm])?$/

/** Epoch ms. A bare number is seconds, ms, µs or ns by its size unless the mapping says. */
export function timeOf(text: string, format: CsvFormat | null): number {
  const number = decimalOf(text)
  if (!Number.isNaN(number)) return number / (PER_MS[format ?? unitOf(number)] ?? Number.NaN)
  const first = YEAR_FIRST.exec(text)
  if (first !== null) {
    const [, year, month, day, hour, minute, second, fraction, zone] = first
    return instant(year, month, day, Number(hour), minute, second, fraction) - zoneMs(zone)
  }
  const last = YEAR_LAST.exec(text)
  if (last === null || (format !== 'dmy' && format !== 'mdy')) return Number.NaN
  const [, one, two, year, hour, minute, second, fraction, half] = last
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
  return instant(year, format === 'dmy' ? two : one, format === 'dmy' ? one : two, hours, minute, second, fraction)
}

type Text = string | undefined

function instant(year: Text, month: Text, day: Text, hour: number, minute: Text, second: Text, fraction: Text): number {
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), hour, Number(minute), Number(second ?? 0))
  // Date.UTC turns 31 February into March: such a line is broken.
  if (new Date(ms).getUTCDate() !== Number(day) || Number(month) > 12 || hour > 24) return Number.NaN
  return ms + (fraction === undefined ? 0 : Number(`0.${fraction}`) * 1_000)
}

function zoneMs(zone: Text): number {
  if (zone === undefined || zone === 'Z') return 0
  const sign = zone.startsWith('-') ? -1 : 1
  return sign * (Number(zone.slice(1, 3)) * 3_600_000 + Number(zone.slice(-2)) * 60_000)
}

/** Seconds until the year 2286, then ms, µs, ns. */
const unitOf = (n: number) => (n < 1e10 ? 's' : n < 1e13 ? 'ms' : n < 1e16 ? 'us' : 'ns')

export function durationOf(text: string, format: CsvFormat | null): number {
  return text === '' ? 0 : decimalOf(text) / (PER_MS[format ?? 's'] ?? Number.NaN)
}

export function decimalOf(text: string): number {
  return /^\d{1,19}(?:\.\d{1,12})?$/.test(text) ? Number(text) : Number.NaN
}

/** An absent count is 0. */
export function countOf(text: string): number {
  return text === '' || text === '-' ? 0 : decimalOf(text)
}

/** Decimal, or hexadecimal as Argus writes ICMP's type and code. An absent port is 0. */
export function portOf(text: string): number {
  if (text === '' || text === '-') return 0
  return /^0x[0-9a-f]{1,4}$/i.test(text) ? Number.parseInt(text, 16) : decimalOf(text)
}
