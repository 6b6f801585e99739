/**
 * Observations of known workloads come in, split by run; a `ModelJson` goes out. Fitting rows grow the forest, calibrating
 * rows set what needs rows the forest has not seen: temperature, the novelty threshold, the filter's settings. Pure and
 * seeded: the same rows and seed give the same bytes.
 */
import { ABSTAIN_BELOW, LEARNED_PERSONAS } from '../model/belief.ts'
import { temper } from './classify.ts'
import { FEATURES, FEATURES_VERSION } from './features.ts'
import { initialBelief, type Observation, stepObservation } from './filter.ts'
import { type ForestSettings, fitForest, type Rows } from './fit-forest.ts'
import { fitPrototypes, fitScale, fitThreshold } from './fit-novelty.ts'
import { parseForest, predict } from './forest.ts'
import { type FilterSettings, loadModel, type ModelJson } from './model.ts'
import { type Random, seeded } from './random.ts'

/** One workload of one run, windows in order of time. */
export type Sequence = {
  readonly persona: string
  readonly run: string
  readonly windows: readonly { readonly at: number; readonly seen: Observation }[]
}

export type FitSettings = { readonly seed: number; readonly id: string; readonly provenance: Record<string, unknown> }

const FOREST: Omit<ForestSettings, 'seed'> = { trees: 40, depth: 9, leafRows: 6, tried: 9 }
const PROTOTYPES = 45
/** An alarming or unknown host is never ruled out by how rare it was in the lab: every persona is equally likely before. */
const UNKNOWN = 0.2
const QUIET_UNKNOWN = 0.5

export function fitModel(
  { fitting, calibrating }: { fitting: readonly Sequence[]; calibrating: readonly Sequence[] },
  settings: FitSettings,
): ModelJson {
  const classes = LEARNED_PERSONAS.length
  const rows = rowsOf(fitting)
  const heldOut = rowsOf(calibrating)
  const forest = fitForest(withBackground(rows, classes, seeded(settings.seed + 1)), classes + 1, {
    ...FOREST,
    seed: settings.seed,
  })
  const scale = fitScale(rows).map((v) => Number(v.toPrecision(5)))
  const prototypes = fitPrototypes(rows, classes, PROTOTYPES, scale)
  const { threshold, slope } = fitThreshold(heldOut, scale, prototypes)
  const model: ModelJson = {
    id: settings.id,
    features: FEATURES_VERSION,
    featureNames: FEATURES.map((feature) => feature.name),
    personas: [...LEARNED_PERSONAS],
    prior: LEARNED_PERSONAS.map(() => 1 / classes),
    temperature: fitTemperature(heldOut, parseForest(forest, classes + 1), classes + 1),
    forest,
    novelty: {
      scale: [...scale],
      prototypes: Array.from(prototypes, (v) => (Number.isNaN(v) ? null : v)),
      threshold,
      slope,
    },
    filter: { stay: 0.97, temper: 0.5, unknown: UNKNOWN, quiet: fitQuiet(fitting), quietUnknown: QUIET_UNKNOWN },
    provenance: settings.provenance,
  }
  return { ...model, filter: fitFilter(model, calibrating) }
}

function rowsOf(sequences: readonly Sequence[]): Rows {
  const x: number[] = []
  const label: number[] = []
  const group: number[] = []
  sequences.forEach((sequence, g) => {
    const persona = (LEARNED_PERSONAS as readonly string[]).indexOf(sequence.persona)
    if (persona < 0) throw new Error(`fitting: ${sequence.persona} is not a persona the model knows`)
    for (const { seen } of sequence.windows) {
      if (seen.kind !== 'active' || seen.trust < 0.5) continue
      x.push(...seen.x)
      label.push(persona)
      group.push(g)
    }
  })
  return {
    count: label.length,
    features: FEATURES.length,
    x: Float64Array.from(x),
    label: Uint8Array.from(label),
    group: Int32Array.from(group),
  }
}

/**
 * A class of strangers, made: each takes every feature from one or the other of two hosts of different personas. What a
 * persona is must hold together, or it is none (unsupervised forests learn the same way: Breiman & Cutler 2003).
 */
function withBackground(rows: Rows, classes: number, random: Random): Rows {
  const more = Math.ceil(rows.count / classes)
  const groups = rows.group.reduce((most, g) => Math.max(most, g), 0) + 1
  const x = new Float64Array((rows.count + more) * rows.features)
  x.set(rows.x)
  const any = () => Math.floor(random() * rows.count)
  for (let i = rows.count; i < rows.count + more; i++) {
    const one = any()
    let other = any()
    while (rows.label[other] === rows.label[one]) other = any()
    for (let f = 0; f < rows.features; f++)
      x[i * rows.features + f] = rows.x[(random() < 0.5 ? one : other) * rows.features + f]!
  }
  return {
    count: rows.count + more,
    features: rows.features,
    x,
    label: Uint8Array.from({ length: rows.count + more }, (_, i) => rows.label[i] ?? classes),
    group: Int32Array.from({ length: rows.count + more }, (_, i) => rows.group[i] ?? groups + (i % 40)),
  }
}

/** The temperature with the least log loss on rows the forest has not seen, by a coarse then fine sweep. */
function fitTemperature(rows: Rows, forest: ReturnType<typeof parseForest>, classes: number): number {
  const raw = new Float64Array(rows.count * classes)
  const out = new Float64Array(classes)
  for (let i = 0; i < rows.count; i++) {
    predict(forest, rows.x.subarray(i * rows.features, (i + 1) * rows.features), out)
    raw.set(out, i * classes)
  }
  const loss = (temperature: number) => {
    let sum = 0
    for (let i = 0; i < rows.count; i++) {
      out.set(raw.subarray(i * classes, (i + 1) * classes))
      temper(out, temperature)
      sum -= Math.log(out[rows.label[i]!]!)
    }
    return sum
  }
  let best = 1
  for (let t = 0.3; t <= 3; t += 0.05) if (loss(t) < loss(best)) best = t
  return Number(best.toFixed(3))
}

/** How often each persona is quiet, half a window of each kind added (Jeffreys). */
function fitQuiet(sequences: readonly Sequence[]): number[] {
  return LEARNED_PERSONAS.map((persona) => {
    const windows = sequences.filter((s) => s.persona === persona).flatMap((s) => s.windows)
    const quiet = windows.filter((w) => w.seen.kind === 'quiet').length
    return Number(((quiet + 0.5) / (windows.length + 1)).toPrecision(4))
  })
}

export type Score = {
  readonly steps: number
  readonly confident: number
  /** right among the confident steps, and all steps whose best guess is right */
  readonly accuracyConfident: number
  readonly accuracy: number
  /** share of all steps that were confident and wrong */
  readonly confidentWrong: number
  /** share of hosts whose last belief was confident and wrong */
  readonly hostsConfidentWrong: number
  readonly hostsRight: number
  readonly hosts: number
  /** expected calibration error over ten bins of the best p */
  readonly ece: number
  readonly logLoss: number
}

/** Steps every sequence through the filter and compares with the truth. */
export function scoreModel(json: ModelJson, sequences: readonly Sequence[]): Score {
  const model = loadModel(json)
  const bins = Array.from({ length: 10 }, () => ({ n: 0, p: 0, right: 0 }))
  const sum = { steps: 0, confident: 0, right: 0, confidentRight: 0, loss: 0, hostsWrong: 0, hostsRight: 0 }
  for (const sequence of sequences) {
    let state = initialBelief(model)
    let last: string | null = null
    for (const { at, seen } of sequence.windows) {
      const step = stepObservation(model, state, seen, at)
      state = step.state
      const top = step.belief.personas[0]!
      const right = top.persona === sequence.persona
      const bin = bins[Math.min(9, Math.floor(top.p * 10))]!
      bin.n++
      bin.p += top.p
      bin.right += Number(right)
      sum.steps++
      sum.right += Number(right)
      sum.confident += Number(top.p >= ABSTAIN_BELOW)
      sum.confidentRight += Number(top.p >= ABSTAIN_BELOW && right)
      sum.loss -= Math.log(Math.max(1e-6, step.belief.personas.find((q) => q.persona === sequence.persona)!.p))
      last = step.belief.believed
    }
    sum.hostsWrong += Number(last !== null && last !== sequence.persona)
    sum.hostsRight += Number(last === sequence.persona)
  }
  const share = (n: number, of: number) => (of === 0 ? 0 : Math.round((n / of) * 1e4) / 1e4)
  return {
    steps: sum.steps,
    confident: share(sum.confident, sum.steps),
    accuracyConfident: share(sum.confidentRight, sum.confident),
    accuracy: share(sum.right, sum.steps),
    confidentWrong: share(sum.confident - sum.confidentRight, sum.steps),
    hostsConfidentWrong: share(sum.hostsWrong, sequences.length),
    hostsRight: share(sum.hostsRight, sequences.length),
    hosts: sequences.length,
    ece: share(
      bins.reduce((e, b) => e + Math.abs(b.p - b.right), 0),
      sum.steps,
    ),
    logLoss: share(sum.loss, sum.steps),
  }
}

/** Of a small grid, the settings whose filtered beliefs lose least on calibrating runs. */
function fitFilter(model: ModelJson, calibrating: readonly Sequence[]): FilterSettings {
  let best = model.filter
  let least = Number.POSITIVE_INFINITY
  for (const stay of [0.9, 0.95, 0.98])
    for (const power of [0.3, 0.5, 0.7, 1]) {
      const filter = { ...model.filter, stay, temper: power }
      const { logLoss } = scoreModel({ ...model, filter }, calibrating)
      if (logLoss < least) {
        least = logLoss
        best = filter
      }
    }
  return best
}
