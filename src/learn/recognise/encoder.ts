/**
 * What a recogniser is shown becomes a vector: a portrait by the words its vocabulary has, a row of a table by its columns
 * (numbers as they are, texts as one column for each that is known). `encode` also answers how much of it is known at all.
 */
import type { Portrait } from '../../model/portrait.ts'
import { type FeatureSet, learnVocabulary, type Vocabulary, vectorOf } from './vocabulary.ts'

export type Column =
  | { readonly kind: 'number'; readonly least: number; readonly most: number }
  | { readonly kind: 'text'; readonly values: readonly string[] }
export type Encoder =
  | { readonly kind: 'portrait'; readonly vocabulary: Vocabulary }
  | { readonly kind: 'table'; readonly columns: readonly Column[] }
export type Seen =
  | { readonly kind: 'portrait'; readonly portrait: Portrait }
  | { readonly kind: 'row'; readonly fields: readonly string[] }

/** Of a text column; the others are one and the same. */
const MOST_VALUES = 120

export type EncoderSettings = { readonly set: FeatureSet; readonly words: number }

/** From whole examples alone: what was seen of each at the end. Throws when they are not of one kind. */
export function learnEncoder(seen: readonly Seen[], { set, words }: EncoderSettings): Encoder {
  const portraits = seen.flatMap((one) => (one.kind === 'portrait' ? [one.portrait] : []))
  if (portraits.length === seen.length) return { kind: 'portrait', vocabulary: learnVocabulary(portraits, set, words) }
  const rows = seen.flatMap((one) => (one.kind === 'row' ? [one.fields] : []))
  const width = rows[0]?.length ?? 0
  if (rows.length !== seen.length || rows.some(({ length }) => length !== width))
    throw new Error('learning: captures and rows, or rows of different lengths, cannot be learnt together')
  return { kind: 'table', columns: Array.from({ length: width }, (_, at) => columnOf(rows.map((row) => row[at]!))) }
}

function columnOf(fields: readonly string[]): Column {
  const numbers = fields.map(numberOf)
  if (numbers.every((value) => !Number.isNaN(value)))
    return {
      kind: 'number',
      least: numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      most: numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    }
  const counts = new Map<string, number>()
  for (const field of fields) counts.set(field, (counts.get(field) ?? 0) + 1)
  const values = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MOST_VALUES)
  return { kind: 'text', values: values.map(([value]) => value) }
}

/** NaN for what is no finite number. */
function numberOf(field: string): number {
  const value = field.trim() === '' ? Number.NaN : Number(field)
  return Number.isFinite(value) ? value : Number.NaN
}

export function widthOf(encoder: Encoder): number {
  if (encoder.kind === 'portrait') return encoder.vocabulary.columns.size
  return encoder.columns.reduce((sum, column) => sum + (column.kind === 'number' ? 1 : column.values.length), 0)
}

/** Fills `out`; the share of what was shown that the encoder has a place for. Throws for what is of the other kind. */
export function encode(encoder: Encoder, seen: Seen, out: Float64Array): number {
  if (encoder.kind === 'portrait' && seen.kind === 'portrait') return vectorOf(seen.portrait, encoder.vocabulary, out)
  if (encoder.kind !== 'table' || seen.kind !== 'row')
    throw new Error(
      `this model was learnt from ${encoder.kind === 'table' ? 'rows of a table' : 'captures'}; show it such`,
    )
  if (seen.fields.length !== encoder.columns.length)
    throw new Error(
      `a row of ${seen.fields.length} columns; this model was learnt from rows of ${encoder.columns.length}`,
    )
  let [at, known] = [0, 0]
  for (const [i, column] of encoder.columns.entries()) {
    const field = seen.fields[i]!
    if (column.kind === 'number') {
      const value = numberOf(field)
      out[at++] = value
      known += Number(value >= column.least && value <= column.most)
      continue
    }
    const place = column.values.indexOf(field)
    out.fill(0, at, at + column.values.length)
    if (place >= 0) out[at + place] = 1
    known += Number(place >= 0)
    at += column.values.length
  }
  return encoder.columns.length === 0 ? 0 : known / encoder.columns.length
}
