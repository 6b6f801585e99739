/**
 * Grows a forest: rows with labels and weights in, `ForestJson` out. Histogram splits (as LightGBM's: values are binned
 * once), trees drawn over *groups* so that no tree knows every host, and one seed decides everything.
 */
import type { ForestJson } from './forest.ts'
import { type Random, seeded } from './random.ts'

export type Rows = {
  readonly count: number
  readonly features: number
  /** count × features, NaN = not known */
  readonly x: Float64Array
  readonly label: Uint8Array
  /** Host and run a row came from: drawn together. */
  readonly group: Int32Array
}

export type ForestSettings = {
  readonly trees: number
  readonly depth: number
  readonly leafRows: number
  readonly tried: number
  readonly seed: number
}

const BINS = 32
/** Left of every value that is known: the split "known or not". */
const BELOW_ALL = -1e300
/** Rows of prior mixed into every leaf, so that no leaf is certain. */
const SMOOTHING = 2

type Binned = { readonly bin: Uint8Array; readonly edges: readonly Float64Array[] }
type Growing = {
  readonly rows: Rows
  readonly binned: Binned
  readonly classes: number
  readonly weight: Float64Array
  readonly settings: ForestSettings
  readonly random: Random
  readonly json: ForestJson
}

export function fitForest(rows: Rows, classes: number, settings: ForestSettings): ForestJson {
  const binned = binRows(rows)
  const random = seeded(settings.seed)
  const groups = rows.group.reduce((most, g) => Math.max(most, g), 0) + 1
  const json: ForestJson = { roots: [], feature: [], threshold: [], left: [], share: [] }
  for (let t = 0; t < settings.trees; t++) {
    const drawn = new Float64Array(groups)
    for (let i = 0; i < groups; i++) drawn[Math.floor(random() * groups)]!++
    const weight = balanced(rows, classes, drawn)
    const members = Int32Array.from({ length: rows.count }, (_, i) => i).filter((i) => weight[i]! > 0)
    json.roots.push(newNode(json))
    grow({ rows, binned, classes, weight, settings, random, json }, json.roots[t]!, members, 0)
  }
  return json
}

/** Each class weighs the same in every tree, however many hosts of it were drawn. */
function balanced(rows: Rows, classes: number, drawn: Float64Array): Float64Array {
  const total = new Float64Array(classes)
  for (let i = 0; i < rows.count; i++) total[rows.label[i]!]! += drawn[rows.group[i]!]!
  return Float64Array.from({ length: rows.count }, (_, i) => {
    const mine = total[rows.label[i]!]!
    return mine === 0 ? 0 : (drawn[rows.group[i]!]! * rows.count) / classes / mine
  })
}

function binRows(rows: Rows): Binned {
  const { count, features, x } = rows
  const bin = new Uint8Array(count * features)
  const edges: Float64Array[] = []
  for (let f = 0; f < features; f++) {
    const known = new Float64Array(count)
    let n = 0
    for (let i = 0; i < count; i++) if (!Number.isNaN(x[i * features + f]!)) known[n++] = x[i * features + f]!
    const sorted = known.subarray(0, n).sort()
    const cuts = new Set<number>()
    for (let b = 1; b < BINS; b++) if (n > 0) cuts.add(sorted[Math.floor((b * n) / BINS)]!)
    const edge = Float64Array.from(cuts)
      .sort()
      .map((v) => Number(v.toPrecision(6)))
    edges.push(edge)
    for (let i = 0; i < count; i++) bin[i * features + f] = binOf(x[i * features + f]!, edge)
  }
  return { bin, edges }
}

/** 0 = not known, else 1 + the number of edges below the value. */
function binOf(value: number, edges: Float64Array): number {
  if (Number.isNaN(value)) return 0
  let b = 0
  while (b < edges.length && value > edges[b]!) b++
  return b + 1
}

function newNode(json: ForestJson): number {
  json.threshold.push(0)
  json.left.push(0)
  return json.feature.push(-1) - 1
}

function grow(g: Growing, node: number, members: Int32Array, depth: number): void {
  const counts = new Float64Array(g.classes)
  for (const i of members) counts[g.rows.label[i]!]! += g.weight[i]!
  const total = counts.reduce((a, b) => a + b, 0)
  for (let c = 0; c < g.classes; c++)
    g.json.share[node * g.classes + c] = round((counts[c]! + SMOOTHING / g.classes) / (total + SMOOTHING))
  if (depth >= g.settings.depth || members.length < 2 * g.settings.leafRows || counts.some((n) => n >= total * 0.999))
    return
  const split = bestSplit(g, members, counts, total)
  if (!split) return
  const { feature, after } = split
  const inLeft = (i: number) => g.binned.bin[i * g.rows.features + feature]! <= after
  g.json.feature[node] = feature
  g.json.threshold[node] = after === 0 ? BELOW_ALL : g.binned.edges[feature]![after - 1]!
  const left = newNode(g.json)
  newNode(g.json)
  g.json.left[node] = left
  grow(g, left, members.filter(inLeft), depth + 1)
  grow(
    g,
    left + 1,
    members.filter((i) => !inLeft(i)),
    depth + 1,
  )
}

function bestSplit(g: Growing, members: Int32Array, counts: Float64Array, total: number) {
  const { features } = g.rows
  const impurity = gini(counts, total) * total
  let best: { feature: number; after: number } | null = null
  let bestGain = 1e-9
  for (let t = 0; t < g.settings.tried; t++) {
    const feature = Math.floor(g.random() * features)
    const table = new Float64Array((BINS + 1) * g.classes)
    const rowsIn = new Int32Array(BINS + 1)
    for (const i of members) {
      const b = g.binned.bin[i * features + feature]!
      table[b * g.classes + g.rows.label[i]!]! += g.weight[i]!
      rowsIn[b]!++
    }
    const left = new Float64Array(g.classes)
    let leftTotal = 0
    let leftRows = 0
    for (let b = 0; b < BINS; b++) {
      leftRows += rowsIn[b]!
      for (let c = 0; c < g.classes; c++) {
        left[c]! += table[b * g.classes + c]!
        leftTotal += table[b * g.classes + c]!
      }
      if (leftRows < g.settings.leafRows || members.length - leftRows < g.settings.leafRows || rowsIn[b] === 0) continue
      const right = counts.map((n, c) => n - left[c]!)
      const gain = impurity - gini(left, leftTotal) * leftTotal - gini(right, total - leftTotal) * (total - leftTotal)
      if (gain > bestGain) {
        bestGain = gain
        best = { feature, after: b }
      }
    }
  }
  return best
}

function gini(counts: Float64Array, total: number): number {
  if (total <= 0) return 0
  let sum = 0
  for (const n of counts) sum += (n / total) ** 2
  return 1 - sum
}

const round = (p: number) => Math.round(p * 1e4) / 1e4
