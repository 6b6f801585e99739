/** Rows as a file, made in the browser: CSV (RFC 4180) of the columns a table shows, JSON of the records as the API gave them. */
import type { Column } from './columns.ts'

/**
 * A spreadsheet runs a cell that begins with one of these as a formula, and observed names are an attacker's to choose
 * (OWASP, CSV injection): such a text gets an apostrophe in front. Numbers are ours and stay numbers.
 */
const FORMULA = /^[=+\-@\t\r]/

function cell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : ''
  const safe = FORMULA.test(value) ? `'${value}` : value
  return `"${safe.replaceAll('"', '""')}"`
}

export function toCsv<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const kept = columns.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, value }]))
  const lines = rows.map((row) => kept.map(({ value }) => cell(value(row))).join(','))
  return `${[kept.map(({ name }) => cell(name)).join(','), ...lines].join('\r\n')}\r\n`
}

export function toJson<T>(rows: readonly T[]): string {
  return `${JSON.stringify(rows, null, 2)}\n`
}

/** `guise-agents-2026-11-21T1422.csv`: names what and when, in the time of the reader. */
export function fileName(what: string, at: number, kind: 'csv' | 'json'): string {
  const d = new Date(at)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
  return `guise-${what}-${day}T${two(d.getHours())}${two(d.getMinutes())}.${kind}`
}

export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken the file by the next turn; the memory is given back then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
