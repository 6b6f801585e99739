/**
 * A model as a file that somebody gives: anything may stand in it. In: the parsed JSON. Out: the model, what the record keeps
 * of it, and the id of its content; or the first place that is wrong, as a JSON pointer, with its cure.
 */
import { createHash } from 'node:crypto'
import type { ModelProvenance, ModelRecord } from '../model/model-record.ts'
import type { Outcome, Refusal } from '../model/why.ts'
import { FEATURES, FEATURES_VERSION } from './features.ts'
import { list, number, optional, orNull, shape, text, whole } from './first-fault.ts'
import { RELIABILITY_BINS } from './measure.ts'
import { loadModel, type Model, type ModelJson } from './model.ts'
import { isTypical } from './typical.ts'

const MOST_PERSONAS = 100
const MOST_RUNS = 1_000
/** What every window of a fleet is judged with: the shipped model has 40 trees of 9, and 360 prototypes. */
const MOST_TREES = 1_000
const MOST_DEPTH = 40
const MOST_PROTOTYPES = 2_000

const share = number({ from: 0, to: 1 })
const positive = number({ above: 0 })
const count = whole(0)
const node = whole(-1)
/** A name is shown, matched and written into the ledger. */
const name = text(/^[\p{L}\p{N}][\p{L}\p{N} ._+:/()-]{0,127}$/u, 'no name of letters, digits and . _ + : / ( ) -')
const runs = optional(list(name, 0, MOST_RUNS))
const metrics = shape({
  ...{ windows: count, hosts: count, accuracy: share, macroF1: share, ece: share, abstained: share },
  confusion: list(list(count)),
  silent: list(count),
  bins: list(shape({ n: count, p: share, accuracy: share }), RELIABILITY_BINS, RELIABILITY_BINS),
})
const modelFile = shape({
  id: name,
  features: text(/^.{1,64}$/, 'no version of features'),
  featureNames: list(text(/^\w{1,64}$/, 'no name of a feature'), 1),
  personas: list(name, 2, MOST_PERSONAS),
  prior: list(number({ above: 0, to: 1 })),
  // Beyond these every window is certain, or says nothing; fitted ones are from 0.3 to 3.
  temperature: number({ from: 0.05, to: 20 }),
  forest: shape({
    roots: list(count, 1, MOST_TREES),
    feature: list(node),
    threshold: list(number()),
    left: list(node),
    share: list(share),
  }),
  novelty: shape({
    scale: list(positive),
    prototypes: list(orNull(number()), 1, MOST_PROTOTYPES * FEATURES.length),
    ...{ threshold: positive, slope: positive },
  }),
  filter: shape({
    stay: share,
    temper: number({ above: 0, to: 1 }),
    unknown: number({ above: 0, below: 1 }),
    quiet: list(share),
    quietUnknown: share,
  }),
  provenance: shape({
    dataset: optional(text(/^[0-9a-f]{64}$/, 'no SHA-256')),
    seed: optional(whole(0)),
    ...{ fitting: runs, calibrating: runs, measuring: runs, metrics: optional(metrics) },
  }),
})
type ModelFile = ModelJson & {
  readonly provenance: { readonly [Key in keyof ModelProvenance]?: NonNullable<ModelProvenance[Key]> }
}

export type ReadModel = {
  readonly model: Model
  readonly json: ModelJson
  readonly record: Omit<ModelRecord, 'kind' | 'addedBy' | 'addedAt'>
}

const AGAIN = 'Train it again with the lab/train.ts of this release.'

export function readModelFile(value: unknown): Outcome<ReadModel> {
  // Before its shape: a model of another release is not damaged, and has another cure.
  const { features, format } = (value ?? {}) as { features?: unknown; format?: unknown }
  if (typeof format === 'string')
    return damaged(
      '/format',
      `it is of the format ${format.slice(0, 40)}, and no model of personas`,
      'A recogniser of devices is used with guise learn evaluate.',
    )
  if (typeof features === 'string' && features !== FEATURES_VERSION)
    return otherFeatures('/features', `made for ${features.slice(0, 40)}, this server computes ${FEATURES_VERSION}`)
  const fault = modelFile(value, '')
  if (fault !== null) return damaged(fault.where || '/', fault.why)
  const json = value as ModelFile
  const wrong = misfit(json)
  if (wrong !== null) return wrong
  try {
    return { ok: true, value: { model: loadModel(json), json, record: recordOf(json) } }
  } catch (error) {
    return damaged('/forest', (error as Error).message)
  }
}

/** What its parts must be of each other. */
function misfit({ personas, featureNames, prior, forest, novelty, filter, provenance }: ModelFile) {
  const width = FEATURES.length
  const twice = personas.findIndex((one, i) => personas.indexOf(one) !== i)
  if (twice >= 0) return damaged(`/personas/${twice}`, 'is named twice')
  const off = FEATURES.findIndex(({ name }, i) => featureNames[i] !== name)
  if (off >= 0 || featureNames.length !== width)
    return otherFeatures(`/featureNames/${off < 0 ? width : off}`, 'not the feature that this server computes there')
  const classes = personas.length
  const sized = [
    ['/prior', prior.length, classes],
    ['/filter/quiet', filter.quiet.length, classes],
    ['/novelty/scale', novelty.scale.length, width],
  ] as const
  for (const [place, is, due] of sized)
    if (is !== due) return damaged(place, `${is} numbers, and there should be ${due}`)
  if (novelty.prototypes.length % width !== 0)
    return damaged('/novelty/prototypes', `${novelty.prototypes.length} numbers are no whole vectors of ${width}`)
  const wide = forest.feature.findIndex((feature) => feature >= width)
  if (wide >= 0) return damaged(`/forest/feature/${wide}`, `asks for feature ${forest.feature[wide]} of ${width}`)
  const deep = tooDeep(forest.feature, forest.left)
  if (deep >= 0) return damaged(`/forest/left/${deep}`, `leads deeper than ${MOST_DEPTH} questions`)
  if (!isTypical(provenance.typical ?? {}))
    return damaged('/provenance/typical', `is not two numbers, or null, for each of ${width} features`)
  const { metrics } = provenance
  if (metrics === undefined) return null
  const odd = metrics.confusion.findIndex((row) => row.length !== classes)
  if (metrics.confusion.length !== classes || odd >= 0)
    return damaged(`/provenance/metrics/confusion${odd < 0 ? '' : `/${odd}`}`, `is not of its ${classes} personas`)
  return metrics.silent.length === classes
    ? null
    : damaged('/provenance/metrics/silent', `is not of its ${classes} personas`)
}

/** The first node whose children are too far down; −1: none. Children come after their parent (parseForest). */
function tooDeep(feature: readonly number[], left: readonly number[]): number {
  const depth = new Uint8Array(feature.length)
  for (let i = 0; i < feature.length; i++) {
    const child = left[i] ?? -1
    if (feature[i]! < 0 || child <= i) continue
    if (depth[i]! >= MOST_DEPTH) return i
    for (const at of [child, child + 1]) if (at < depth.length) depth[at] = Math.max(depth[at]!, depth[i]! + 1)
  }
  return -1
}

/** The same content has the same id, however it was laid out. */
export function modelId(json: object): string {
  return `m_${createHash('sha256').update(JSON.stringify(json)).digest('hex').slice(0, 16)}`
}

function recordOf(json: ModelFile): ReadModel['record'] {
  const {
    dataset = null,
    seed = null,
    fitting = [],
    calibrating = [],
    measuring = [],
    metrics = null,
  } = json.provenance
  return {
    id: modelId(json),
    name: json.id,
    features: json.features,
    personas: json.personas,
    provenance: { dataset, seed, fitting, calibrating, measuring, metrics },
  }
}

function damaged(where: string, why: string, cure = `Give the file as it was written, whole. ${AGAIN}`): Refusal {
  return { ok: false, code: 'model-damaged', where, why: `The model cannot be read: ${where} ${why}.`, cure }
}

function otherFeatures(where: string, why: string): Refusal {
  return {
    ok: false,
    code: 'model-features',
    where,
    why: `The model is for other features: ${where} ${why}.`,
    cure: AGAIN,
  }
}
