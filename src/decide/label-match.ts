/** Labels and expressions over them: who fits, the name of the set of those who do, and the words for it. */
import { createHash } from 'node:crypto'
import type { LabelExpression } from '../model/policy.ts'
import { canonical } from './canonical.ts'

export type LabelQuery = {
  readonly labels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly LabelExpression[]
}

/** Every part must hold. A query without parts fits nobody: an empty selector would otherwise be everybody. */
export function fitsLabels(labels: Readonly<Record<string, string>>, query: LabelQuery): boolean {
  const wanted = Object.entries(query.labels ?? {})
  const expressions = query.matchExpressions ?? []
  if (wanted.length + expressions.length === 0) return false
  return wanted.every(([key, value]) => labels[key] === value) && expressions.every((one) => holds(labels, one))
}

function holds(labels: Readonly<Record<string, string>>, { key, operator, values = [] }: LabelExpression): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

/** What labels of Kubernetes are made of: between such, the signs that join the parts of a query are no letters. */
const ORDINARY = /^[A-Za-z0-9_./-]*$/

/** Readable when it can be: `labels:app.shop`; else its hash. Two queries never share a name, also where labels hold commas. */
export function labelsSet(query: LabelQuery): string {
  const pairs = Object.entries(query.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const expressions = query.matchExpressions ?? []
  const isOrdinary =
    pairs.flat().every((text) => ORDINARY.test(text)) &&
    expressions.every(
      ({ key, values = [] }) => ORDINARY.test(key) && values.every((text) => text !== '' && ORDINARY.test(text)),
    )
  if (!isOrdinary) return `labels:${hash(canonicalQuery(query))}`
  const plainText = pairs.map(([key, value]) => `${key}=${value}`).join(',')
  const words = sorted(expressions.map(expressionText))
  const text = words.length === 0 ? plainText : [plainText, ...words].join('\n')
  const plain = text.replaceAll('=', '.').replaceAll(',', ':')
  return /^[A-Za-z0-9_.:-]{1,40}$/.test(plain) ? `labels:${plain}:${hash(text).slice(0, 6)}` : `labels:${hash(text)}`
}

function canonicalQuery({ labels = {}, matchExpressions = [] }: LabelQuery): string {
  const expressions = matchExpressions.map(({ key, operator, values = [] }) =>
    canonical({ key, operator, values: sorted(values) }),
  )
  return canonical({ labels, expressions: sorted(expressions) })
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** `app=shop and tier in (web, api)` */
export function labelsText(query: LabelQuery): string {
  return [
    ...Object.entries(query.labels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(query.matchExpressions ?? []).map(expressionText),
  ].join(' and ')
}

function expressionText({ key, operator, values = [] }: LabelExpression): string {
  switch (operator) {
    case 'In':
      return `${key} in (${sorted(values).join(', ')})`
    case 'NotIn':
      return `${key} not in (${sorted(values).join(', ')})`
    case 'Exists':
      return `${key} exists`
    case 'DoesNotExist':
      return `no ${key}`
  }
}

function sorted(texts: readonly string[]): string[] {
  return [...texts].sort()
}
