/** A trained model: read from JSON, refused when it was made for other features or other personas. */
import { FEATURES, FEATURES_VERSION } from './features.ts'
import { type Forest, type ForestJson, parseForest } from './forest.ts'
import shipped from './models/default.json' with { type: 'json' }
import type { Novelty } from './novelty.ts'
import { readTypical, type Typical } from './typical.ts'

export type FilterSettings = {
  /** Probability of being the same persona one window later. */
  readonly stay: number
  /** Neighbouring windows are not independent: each counts for this share of itself. */
  readonly temper: number
  /** Long-run mass of "none of these". */
  readonly unknown: number
  /** P(nothing happens in a window | persona), and for unknown. */
  readonly quiet: readonly number[]
  readonly quietUnknown: number
}

export type Model = {
  readonly id: string
  readonly features: string
  readonly personas: readonly string[]
  /** p(z) of the training windows, by which a posterior is made an emission again. */
  readonly prior: Float64Array
  readonly temperature: number
  /** Its last class is the background: mixtures that no host was. */
  readonly forest: Forest
  readonly novelty: Novelty
  readonly filter: FilterSettings
  /** What windows of each persona were like when it was fitted. */
  readonly typical: Typical
  /** What people said since it was fitted; personas that only they know come after the forest's. */
  readonly taught?: readonly Taught[]
}

/** A window of a workload that a person named. `persona` is an index into personas. */
export type Taught = { readonly persona: number; readonly x: Float64Array }

export type ModelJson = {
  id: string
  features: string
  featureNames: string[]
  personas: string[]
  prior: number[]
  temperature: number
  forest: ForestJson
  novelty: { scale: number[]; prototypes: (number | null)[]; threshold: number; slope: number }
  filter: FilterSettings
  provenance: Record<string, unknown>
}

/** Throws when the file was made for other features: the same numbers in another order mean something else. */
export function loadModel(json: ModelJson): Model {
  const names = FEATURES.map((feature) => feature.name).join()
  if (json.features !== FEATURES_VERSION || json.featureNames.join() !== names)
    throw new Error(
      `loading model ${json.id}: made for ${json.features}, this program computes ${FEATURES_VERSION}. Train it again: node lab/train.ts`,
    )
  const { scale, prototypes, threshold, slope } = json.novelty
  const classes = json.personas.length
  if (
    json.prior.length !== classes ||
    json.filter.quiet.length !== classes ||
    prototypes.length % FEATURES.length !== 0
  )
    throw new Error(`loading model ${json.id}: its columns do not agree with its ${classes} personas`)
  return {
    id: json.id,
    features: json.features,
    personas: json.personas,
    prior: Float64Array.from(json.prior),
    temperature: json.temperature,
    forest: parseForest(json.forest, classes + 1),
    novelty: {
      scale: Float64Array.from(scale),
      prototypes: Float64Array.from(prototypes, (value) => value ?? Number.NaN),
      threshold,
      slope,
    },
    filter: json.filter,
    typical: readTypical(json.provenance),
  }
}

/** The file that ships with this release. */
export const SHIPPED_MODEL = shipped as ModelJson
export const DEFAULT_MODEL: Model = loadModel(SHIPPED_MODEL)
