/**
 * Examples of known types come in (captures at several ages, or rows of a table), a `Recogniser` goes out. A capture is
 * learnt from at each age, so that a young device is told from its first packets; trees are drawn over captures, never over
 * moments of one. Pure and seeded: the same examples and seed give the same model.
 */
import { fitForest, type Rows } from '../fit-forest.ts'
import { type Forest, type ForestJson, parseForest, predict } from '../forest.ts'
import { type Calibration, fitCalibration, type Told } from './calibration.ts'
import { type Encoder, type EncoderSettings, encode, learnEncoder, type Seen, widthOf } from './encoder.ts'

export type Example = {
  readonly type: string
  /** Of which it is one of many, where a type is a bundle of them (attacks). */
  readonly kind?: string
  /** At several ages; the last is all of it. */
  readonly ages: readonly Seen[]
}
export type Grown = { readonly types: readonly string[]; readonly encoder: Encoder; readonly forest: ForestJson }
export type Recogniser = {
  readonly types: readonly string[]
  readonly encoder: Encoder
  readonly forest: Forest
  readonly calibration: Calibration
}
export type RecogniserSettings = EncoderSettings & { readonly seed: number; readonly trees: number }

export const DEFAULT_SETTINGS: RecogniserSettings = { set: 'behaviour + hints', words: 2_500, trees: 80, seed: 1 }

const CALIBRATION_FOLDS = 3
/** Of the trees, while it is only about how sure they are. */
const CALIBRATION_TREES = 1 / 3
const MAX_TYPES = 250

/** Throws for fewer than two types, or more than a row's label has room for. */
export function fitRecogniser(
  examples: readonly Example[],
  settings: RecogniserSettings,
): Grown & { readonly calibration: Calibration } {
  const types = [...new Set(examples.map(({ type }) => type))].sort()
  if (types.length < 2 || types.length > MAX_TYPES)
    throw new Error(`learning needs 2 to ${MAX_TYPES} types, and there are ${types.length}: one folder for each`)
  const calibration = fitCalibration(toldOfHeld(examples, types, settings))
  const grown = grow(examples, types, settings)
  if (widthOf(grown.encoder) === 0)
    throw new Error('nothing is in three captures and not in all: give more captures for each label')
  return { ...grown, calibration }
}

function grow(examples: readonly Example[], types: readonly string[], settings: RecogniserSettings): Grown {
  const encoder = learnEncoder(
    examples.map(({ ages }) => ages.at(-1)!),
    settings,
  )
  const rows = rowsOf(examples, types, encoder)
  const tried = Math.max(8, Math.round(2 * Math.sqrt(rows.features)))
  const { trees, seed } = settings
  return { types, encoder, forest: fitForest(rows, types.length, { trees, depth: 24, leafRows: 1, tried, seed }) }
}

function rowsOf(examples: readonly Example[], types: readonly string[], encoder: Encoder): Rows {
  const features = widthOf(encoder)
  const count = examples.reduce((sum, { ages }) => sum + ages.length, 0)
  const labels = new Map(types.map((type, i) => [type, i]))
  const x = new Float64Array(count * features)
  const label = new Uint8Array(count)
  const group = new Int32Array(count)
  let row = 0
  for (const [i, { type, ages }] of examples.entries())
    for (const seen of ages) {
      encode(encoder, seen, x.subarray(row * features, (row + 1) * features))
      label[row] = labels.get(type)!
      group[row++] = i
    }
  return { count, features, x, label, group }
}

/** What is believed of examples that the trees have not seen, by folds of them. */
function toldOfHeld(examples: readonly Example[], types: readonly string[], settings: RecogniserSettings): Told[] {
  const fewer = { ...settings, trees: Math.ceil(settings.trees * CALIBRATION_TREES) }
  return Array.from({ length: CALIBRATION_FOLDS }).flatMap((_, fold) => {
    const held = foldOf(examples, CALIBRATION_FOLDS, fold)
    const { encoder, forest } = grow(
      examples.filter((one) => !held.has(one)),
      types,
      fewer,
    )
    const trees = parseForest(forest, types.length)
    const x = new Float64Array(widthOf(encoder))
    return [...held].flatMap(({ type, ages }) =>
      ages.map((seen) => {
        encode(encoder, seen, x)
        const p = new Float64Array(types.length)
        predict(trees, x, p)
        return { p, label: types.indexOf(type) }
      }),
    )
  })
}

/**
 * Every `folds`-th example of each type, beginning with the `fold`-th: each fold has of each type what there is. Examples
 * that say a `kind` are held back kind by kind: what is to be told apart from everything normal is mostly of a kind never seen.
 */
export function foldOf<E extends Pick<Example, 'type' | 'kind'>>(
  examples: readonly E[],
  folds: number,
  fold: number,
): Set<E> {
  const kinds = [...new Set(examples.flatMap(({ kind }) => (kind === undefined ? [] : [kind])))].sort()
  const place = new Map(kinds.map((kind, i) => [kind, i]))
  const seen = new Map<string, number>()
  return new Set(
    examples.filter(({ type, kind }) => {
      if (kind !== undefined) return place.get(kind)! % folds === fold
      const nth = seen.get(type) ?? 0
      seen.set(type, nth + 1)
      return nth % folds === fold
    }),
  )
}
