/**
 * Which words of portraits a model knows, as columns. Words are kept as 53-bit hashes (FNV-1a, offset by kind): a model lists
 * no names that it was trained on (whoever guesses one can test it), and a word's own text explains a belief where it was seen.
 */
import type { Portrait } from '../../model/portrait.ts'

/** `behaviour` has no addresses and no names; chosen per deployment. */
export const FEATURE_SETS = ['behaviour', 'behaviour + hints'] as const
export type FeatureSet = (typeof FEATURE_SETS)[number]

export const PORTRAIT_FEATURES_VERSION = 'portrait/1'

export type Vocabulary = {
  readonly set: FeatureSet
  /** Hash → column. */
  readonly columns: ReadonlyMap<number, number>
}

/** A word of one capture alone is that capture's. */
const LEAST_CAPTURES = 3

export function wordHash(kind: 'b' | 'h', word: string): number {
  // Two 32-bit FNV-1a with different offsets, of which 53 bits fit a double.
  let [a, b] = [0x811c9dc5, kind === 'b' ? 0x1234567 : 0x89abcdef]
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0x01000193)
  }
  return (a >>> 0) * 0x20_0000 + ((b >>> 0) & 0x1f_ffff)
}

/** The commonest `most` words of the captures (one portrait each). */
export function learnVocabulary(captures: readonly Portrait[], set: FeatureSet, most: number): Vocabulary {
  const captured = new Map<number, number>()
  for (const portrait of captures)
    for (const hash of hashesOf(portrait, set)) captured.set(hash, (captured.get(hash) ?? 0) + 1)
  const common = [...captured].filter(([, n]) => n >= LEAST_CAPTURES && n < captures.length)
  common.sort((a, b) => b[1] - a[1] || a[0] - b[0])
  return { set, columns: new Map(common.slice(0, most).map(([hash], column) => [hash, column])) }
}

export function* hashesOf(portrait: Portrait, set: FeatureSet): Generator<number> {
  for (const word of portrait.behaviour.keys()) yield wordHash('b', word)
  if (set === 'behaviour + hints') for (const word of portrait.hints.keys()) yield wordHash('h', word)
}

/** `out` gets log₂(1 + count) of each word; the answer is the share of its words that the vocabulary has. */
export function vectorOf(portrait: Portrait, { set, columns }: Vocabulary, out: Float64Array): number {
  out.fill(0)
  let [known, all] = [0, 0]
  const put = (kind: 'b' | 'h', words: ReadonlyMap<string, number>) => {
    for (const [word, count] of words) {
      all++
      const column = columns.get(wordHash(kind, word))
      if (column === undefined) continue
      known++
      out[column] = Math.log2(1 + count)
    }
  }
  put('b', portrait.behaviour)
  if (set === 'behaviour + hints') put('h', portrait.hints)
  return all === 0 ? 0 : known / all
}
