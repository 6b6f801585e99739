/**
 * One grammar for what a person types into any table's filter and for `?q=`: bare words, `field:value`, `number>0.4`, flags;
 * `-` in front negates a term, terms are joined by and. In: the text and what a page's rows can be asked. Out: a test of a row.
 */

/** What can be asked of a row. Names are the page's own, as they are typed. */
export type Grammar<T> = {
  /** where a bare word is looked for */
  readonly words: (row: T) => readonly string[]
  readonly fields?: Readonly<Record<string, (row: T) => readonly string[]>>
  /** null: not known, matches no comparison */
  readonly numbers?: Readonly<Record<string, (row: T) => number | null>>
  readonly flags?: Readonly<Record<string, (row: T) => boolean>>
}
/** Which names exist: all that parsing needs to know. */
type Names = {
  readonly fields?: Readonly<Record<string, unknown>>
  readonly numbers?: Readonly<Record<string, unknown>>
  readonly flags?: Readonly<Record<string, unknown>>
}

type Op = '>' | '>=' | '<' | '<=' | '='
export type Term =
  | { readonly kind: 'word'; readonly value: string; readonly not: boolean }
  | { readonly kind: 'field'; readonly field: string; readonly value: string; readonly not: boolean }
  | { readonly kind: 'number'; readonly field: string; readonly op: Op; readonly value: number; readonly not: boolean }
  | { readonly kind: 'flag'; readonly flag: string; readonly not: boolean }
  | { readonly kind: 'unknown'; readonly text: string; readonly why: string }

const has = (names: Readonly<Record<string, unknown>> | undefined, name: string): boolean =>
  names !== undefined && Object.hasOwn(names, name)

export function parseTerms(text: string, names: Names): Term[] {
  return [...text.matchAll(/-?(?:[A-Za-z]+[:<>=]+)?(?:"[^"]*"?|[^\s"]+)/g)].map(([raw]) => parseTerm(raw, names))
}

function parseTerm(raw: string, names: Names): Term {
  const not = raw.length > 1 && raw.startsWith('-')
  const text = not ? raw.slice(1) : raw
  const number = /^([A-Za-z]+)(>=|<=|>|<|=)(.*)$/.exec(text)
  if (number !== null) {
    const [, field = '', op, value = ''] = number
    if (!has(names.numbers, field))
      return { kind: 'unknown', text, why: `${field} is not a number that can be compared` }
    if (value === '' || !Number.isFinite(Number(value))) return { kind: 'unknown', text, why: 'a number is missing' }
    return { kind: 'number', field, op: op as Op, value: Number(value), not }
  }
  const colon = text.indexOf(':')
  const field = text.slice(0, colon)
  if (colon > 0 && has(names.fields, field))
    return { kind: 'field', field, value: unquote(text.slice(colon + 1)).toLowerCase(), not }
  if (has(names.flags, text)) return { kind: 'flag', flag: text, not }
  return { kind: 'word', value: unquote(text).toLowerCase(), not }
}

function unquote(text: string): string {
  return text.replace(/^"|"$/g, '')
}

/** True when the row meets every term; a term that was not understood is left out (the field says so). */
export function matchTerms<T>(terms: readonly Term[], row: T, grammar: Grammar<T>): boolean {
  return terms.every((term) => term.kind === 'unknown' || test(term, row, grammar) !== term.not)
}

function test<T>(term: Exclude<Term, { kind: 'unknown' }>, row: T, grammar: Grammar<T>): boolean {
  const contains = (texts: readonly string[] | undefined, value: string) =>
    texts?.some((text) => text.toLowerCase().includes(value)) === true
  switch (term.kind) {
    case 'flag':
      return grammar.flags?.[term.flag]?.(row) === true
    case 'number': {
      const value = grammar.numbers?.[term.field]?.(row) ?? null
      return value !== null && compare(value, term.op, term.value)
    }
    case 'word':
      return contains(grammar.words(row), term.value)
    case 'field':
      return contains(grammar.fields?.[term.field]?.(row), term.value)
  }
}

function compare(a: number, op: Op, b: number): boolean {
  if (op === '>') return a > b
  if (op === '>=') return a >= b
  if (op === '<') return a < b
  if (op === '<=') return a <= b
  return Math.abs(a - b) < 0.005
}

/** Writes one field term: `fieldTerm('persona', 'Web User')` → `persona:"Web User"`. */
export function fieldTerm(field: string, value: string): string {
  return `${field}:${/\s/.test(value) ? `"${value}"` : value}`
}

/** Adds a term to what is there already, or takes it away when it is there. */
export function toggleTerm(text: string, term: string): string {
  const padded = ` ${text} `
  if (padded.includes(` ${term} `)) return padded.replace(` ${term} `, ' ').trim()
  return `${text} ${term}`.trim()
}

const MOST_VALUES = 12

/**
 * What could be typed next: the names there are, or, behind `field:`, the values the rows have with how often each occurs.
 * Each is the whole text with the suggestion in place of its last word.
 */
export function suggest<T>(
  text: string,
  rows: readonly T[],
  grammar: Grammar<T>,
): readonly { readonly value: string; readonly times: number | null }[] {
  const last = /(?:[A-Za-z]+:"[^"]*|\S*)$/.exec(text)?.[0] ?? ''
  const before = text.slice(0, text.length - last.length)
  const asked = /^(-?)([A-Za-z]+):"?(.*)$/.exec(last)
  const read = asked === null ? undefined : grammar.fields?.[asked[2] ?? '']
  if (asked === null || read === undefined) {
    const names = [
      ...Object.keys(grammar.fields ?? {}).map((name) => `${name}:`),
      ...Object.keys(grammar.numbers ?? {}).map((name) => `${name}>`),
      ...Object.keys(grammar.flags ?? {}),
    ]
    return names.map((name) => ({ value: before + name, times: null }))
  }
  const [, not = '', field = '', begun = ''] = asked
  const times = new Map<string, number>()
  for (const row of rows)
    for (const value of read(row))
      if (value.toLowerCase().includes(begun.toLowerCase())) times.set(value, (times.get(value) ?? 0) + 1)
  return [...times]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, MOST_VALUES)
    .map(([value, n]) => ({ value: `${before}${not}${fieldTerm(field, value)}`, times: n }))
}
