/**
 * One grammar for what a person types, for the address bar and for `?q=`: words match names, addresses and labels;
 * `persona:Database`, `wears:"Web User"`, `label:app=shop`, `host:rack1`, `kind:namespace`, `risk>0.4`, `abstains`,
 * `contained`; `-` in front negates a term; terms are joined by and.
 */
import type { WorkloadRecord } from './nouns.ts'

export type Term =
  | { readonly kind: 'word'; readonly value: string; readonly not: boolean }
  | { readonly kind: 'field'; readonly field: Field; readonly value: string; readonly not: boolean }
  | { readonly kind: 'number'; readonly field: 'risk'; readonly op: Op; readonly value: number; readonly not: boolean }
  | { readonly kind: 'flag'; readonly flag: Flag; readonly not: boolean }
  | { readonly kind: 'unknown'; readonly text: string; readonly why: string }

const FIELDS = ['persona', 'wears', 'label', 'host', 'kind', 'address', 'evidence'] as const
type Field = (typeof FIELDS)[number]
const FLAGS = ['abstains', 'contained', 'unassigned'] as const
type Flag = (typeof FLAGS)[number]
type Op = '>' | '>=' | '<' | '<=' | '='

/** What can be typed, for suggestions. */
export const VOCABULARY: readonly string[] = [...FIELDS.map((field) => `${field}:`), 'risk>', ...FLAGS]

export function parseFilter(text: string): Term[] {
  return [...text.matchAll(/-?(?:[A-Za-z]+[:<>=]+)?(?:"[^"]*"?|[^\s"]+)/g)].map(([raw]) => parseTerm(raw))
}

function parseTerm(raw: string): Term {
  const not = raw.length > 1 && raw.startsWith('-')
  const text = not ? raw.slice(1) : raw
  const number = /^([A-Za-z]+)(>=|<=|>|<|=)(.*)$/.exec(text)
  if (number !== null) {
    const [, field, op, value] = number
    if (field !== 'risk') return { kind: 'unknown', text, why: `${field} is not a number that can be compared` }
    if (value === '' || !Number.isFinite(Number(value))) return { kind: 'unknown', text, why: 'a number is missing' }
    return { kind: 'number', field: 'risk', op: op as Op, value: Number(value), not }
  }
  const colon = text.indexOf(':')
  const field = text.slice(0, colon)
  if (colon > 0 && (FIELDS as readonly string[]).includes(field))
    return { kind: 'field', field: field as Field, value: unquote(text.slice(colon + 1)).toLowerCase(), not }
  if ((FLAGS as readonly string[]).includes(text)) return { kind: 'flag', flag: text as Flag, not }
  return { kind: 'word', value: unquote(text).toLowerCase(), not }
}

function unquote(text: string): string {
  return text.replace(/^"|"$/g, '')
}

/** Writes one field term: `fieldTerm('persona', 'Web User')` → `persona:"Web User"`. */
export function fieldTerm(field: Field, value: string): string {
  return `${field}:${/\s/.test(value) ? `"${value}"` : value}`
}

/** Adds a term to what is there already, or takes it away when it is there. */
export function toggleTerm(text: string, term: string): string {
  const padded = ` ${text} `
  if (padded.includes(` ${term} `)) return padded.replace(` ${term} `, ' ').trim()
  return `${text} ${term}`.trim()
}

export function matches(terms: readonly Term[], workload: WorkloadRecord, host: string): boolean {
  return terms.every((term) => {
    if (term.kind === 'unknown') return true
    return test(term, workload, host) !== term.not
  })
}

function test(term: Exclude<Term, { kind: 'unknown' }>, w: WorkloadRecord, host: string): boolean {
  switch (term.kind) {
    case 'flag':
      if (term.flag === 'abstains') return w.belief === null || w.belief.believed === null
      if (term.flag === 'contained') return w.containedUntil !== null
      return w.assigned === null
    case 'number':
      return w.risk !== null && compare(w.risk.value, term.op, term.value)
    case 'word':
      return words(w, host).some((text) => text.toLowerCase().includes(term.value))
    case 'field':
      return field(term.field, w, host).some((text) => text.toLowerCase().includes(term.value))
  }
}

function words(w: WorkloadRecord, host: string): string[] {
  const labels = Object.entries(w.report.labels).map(([k, v]) => `${k}=${v}`)
  return [w.report.name, w.report.key, host, ...w.report.addresses, ...labels, ...(w.worn ? [w.worn.name] : [])]
}

function field(name: Field, w: WorkloadRecord, host: string): string[] {
  switch (name) {
    case 'persona':
      return [w.belief?.believed ?? w.belief?.personas[0]?.persona ?? 'unknown']
    case 'wears':
      return w.worn === null ? [] : [w.worn.name]
    case 'label':
      return Object.entries(w.report.labels).map(([k, v]) => `${k}=${v}`)
    case 'host':
      return [host]
    case 'kind':
      return [w.report.kind]
    case 'address':
      return [...w.report.addresses]
    case 'evidence':
      return (w.risk?.terms ?? []).flatMap((t) => [t.evidence.kind, t.evidence.peer ?? ''])
  }
}

function compare(a: number, op: Op, b: number): boolean {
  if (op === '>') return a > b
  if (op === '>=') return a >= b
  if (op === '<') return a < b
  if (op === '<=') return a <= b
  return Math.abs(a - b) < 0.005
}

export type SortKey = 'name' | 'wears' | 'belief' | 'risk' | 'rate' | 'since'
export const DEFAULT_SORT = '-risk'

/** `-risk` → risk, descending. Anything unknown is the default. */
export function parseSort(text: string | null): { readonly key: SortKey; readonly descending: boolean } {
  const value = text ?? DEFAULT_SORT
  const key = value.replace(/^-/, '')
  const known = ['name', 'wears', 'belief', 'risk', 'rate', 'since']
  return known.includes(key)
    ? { key: key as SortKey, descending: value.startsWith('-') }
    : { key: 'risk', descending: true }
}

export function sortWorkloads(rows: readonly WorkloadRecord[], sort: string | null): WorkloadRecord[] {
  const { key, descending } = parseSort(sort)
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => sign * order(key, a, b) || a.report.name.localeCompare(b.report.name))
}

function order(key: SortKey, a: WorkloadRecord, b: WorkloadRecord): number {
  switch (key) {
    case 'name':
      return a.report.name.localeCompare(b.report.name, 'en', { numeric: true })
    case 'wears':
      return (a.worn?.name ?? '').localeCompare(b.worn?.name ?? '')
    case 'belief':
      return (a.belief?.personas[0]?.p ?? 0) - (b.belief?.personas[0]?.p ?? 0)
    case 'risk':
      return (a.risk?.value ?? 0) - (b.risk?.value ?? 0)
    case 'rate':
      return a.rate.out + a.rate.in - (b.rate.out + b.rate.in)
    case 'since':
      return (a.wornSince ?? 0) - (b.wornSince ?? 0)
  }
}
