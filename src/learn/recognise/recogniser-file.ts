/** A recogniser as a file, with where it comes from; read strictly, because a file may be anything. */
import { type ForestJson, parseForest } from '../forest.ts'
import type { Calibration } from './calibration.ts'
import { type Column, type Encoder, widthOf } from './encoder.ts'
import type { Grown, Recogniser } from './fit-recogniser.ts'
import { FEATURE_SETS, type FeatureSet, PORTRAIT_FEATURES_VERSION } from './vocabulary.ts'

export const RECOGNISER_FORMAT = 'guise-recogniser/1'

export type Provenance = {
  /** SHA-256 over the names and bytes of what it was learnt from. */
  readonly data: string
  readonly examples: number
  readonly seed: number
  /** Of `encoder`; a model of other features is refused. */
  readonly features: string
  /** Folder → type, as it was learnt. */
  readonly merged: Readonly<Record<string, string>>
}
export type RecogniserJson = {
  readonly format: typeof RECOGNISER_FORMAT
  readonly types: readonly string[]
  readonly encoder:
    | { readonly kind: 'portrait'; readonly set: FeatureSet; readonly words: readonly number[] }
    | { readonly kind: 'table'; readonly columns: readonly Column[] }
  readonly forest: ForestJson
  readonly calibration: Calibration
  readonly provenance: Provenance
}

export const TABLE_FEATURES_VERSION = 'table/1'

export function recogniserJson(
  { types, encoder, forest, calibration }: Grown & { readonly calibration: Calibration },
  provenance: Omit<Provenance, 'features'>,
): RecogniserJson {
  const kept =
    encoder.kind === 'table'
      ? encoder
      : ({ kind: 'portrait', set: encoder.vocabulary.set, words: [...encoder.vocabulary.columns.keys()] } as const)
  return {
    format: RECOGNISER_FORMAT,
    types,
    encoder: kept,
    forest,
    calibration,
    provenance: { ...provenance, features: featuresOf(kept) },
  }
}

const featuresOf = ({ kind }: RecogniserJson['encoder']) =>
  kind === 'table' ? TABLE_FEATURES_VERSION : PORTRAIT_FEATURES_VERSION

/** Throws a sentence for whoever gave the file. */
export function parseRecogniser(json: unknown): Recogniser & { readonly provenance: Provenance } {
  const { format, types, encoder, forest, calibration, provenance } = (json ?? {}) as Partial<RecogniserJson>
  if (format !== RECOGNISER_FORMAT || !Array.isArray(types) || encoder === undefined || provenance === undefined)
    throw new Error(`it is no model of the format ${RECOGNISER_FORMAT}; make one with: guise learn train`)
  if (provenance.features !== featuresOf(encoder))
    throw new Error(
      `it was made for the features ${String(provenance.features).slice(0, 40)}, this program computes ${featuresOf(encoder)}: train it again`,
    )
  if (forest === undefined || !isCalibration(calibration))
    throw new Error('it is not whole: its forest or its calibration is missing')
  const parsed = parseEncoder(encoder)
  const width = widthOf(parsed)
  if (!forest.feature?.every((feature) => Number.isInteger(feature) && feature < width))
    throw new Error(`it is not whole: its forest asks for more than the ${width} features it was learnt from`)
  return {
    types,
    encoder: parsed,
    forest: parseForest(forest, types.length),
    calibration,
    provenance,
  }
}

function isCalibration(said: Partial<Calibration> | undefined): said is Calibration {
  return Number.isFinite(said?.lean) && Number.isFinite(said?.temperature) && said!.temperature! > 0
}

function parseEncoder(encoder: RecogniserJson['encoder']): Encoder {
  if (encoder.kind === 'table' && Array.isArray(encoder.columns) && encoder.columns.every(isColumn)) return encoder
  if (encoder.kind !== 'portrait' || !FEATURE_SETS.includes(encoder.set) || !isNumbers(encoder.words))
    throw new Error('it reads neither captures nor tables: train it again')
  return {
    kind: 'portrait',
    vocabulary: { set: encoder.set, columns: new Map(encoder.words.map((hash, column) => [hash, column])) },
  }
}

const isNumbers = (said: unknown) => Array.isArray(said) && said.every(Number.isSafeInteger)

function isColumn(said: Partial<Column> | null): boolean {
  if (said?.kind === 'number') return Number.isFinite(said.least) && Number.isFinite(said.most)
  return said?.kind === 'text' && Array.isArray(said.values) && said.values.every((value) => typeof value === 'string')
}
