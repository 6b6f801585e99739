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

/** `bin`: feature by feature, each row's; 0 = not known, else 1 + the number of edges below the value. */
type Binned = { readonly bin: Uint8Array; readonly edges: readonly Float64Array[] }

/** One tree's rows in `order`, those of a node side by side; the tables belong to the node that is looked at. */
type Growing = {
  readonly rows: Rows
  readonly binned: Binned
  readonly classes: number
  readonly settings: ForestSettings
  readonly random: Random
  readonly json: ForestJson
  readonly weight: Float64Array
  readonly order: Int32Array
  readonly spill: Int32Array
  /** Weight by bin and class, and rows by bin: all zero between two looks. */
  readonly table: Float64Array
  readonly rowsIn: Int32Array
  readonly left: Float64Array
}

export function fitForest(rows: Rows, classes: number, settings: ForestSettings): ForestJson {
  const random = seeded(settings.seed)
  const groups = rows.group.reduce((most, g) => Math.max(most, g), 0) + 1
  const json: ForestJson = { roots: [], feature: [], threshold: [], left: [], share: [] }
  const g: Growing = {
    rows,
    binned: binRows(rows),
    classes,
    settings,
    random,
    json,
    weight: new Float64Array(rows.count),
    order: new Int32Array(rows.count),
    spill: new Int32Array(rows.count),
    table: new Float64Array((BINS + 1) * classes),
    rowsIn: new Int32Array(BINS + 1),
    left: new Float64Array(classes),
  }
  const drawn = new Float64Array(groups)
  for (let t = 0; t < settings.trees; t++) {
    drawn.fill(0)
    for (let i = 0; i < groups; i++) drawn[Math.floor(random() * groups)]!++
    weighEvenly(g, drawn)
    let members = 0
    for (let i = 0; i < rows.count; i++) if (g.weight[i]! > 0) g.order[members++] = i
    json.roots.push(newNode(json))
    grow(g, json.roots[t]!, 0, members, 0)
  }
  return json
}

/** Each class weighs the same in every tree, however many hosts of it were drawn. */
function weighEvenly({ rows, classes, weight }: Growing, drawn: Float64Array): void {
  const { label, group, count } = rows
  const total = new Float64Array(classes)
  for (let i = 0; i < count; i++) total[label[i]!]! += drawn[group[i]!]!
  for (let i = 0; i < count; i++) {
    const mine = total[label[i]!]!
    weight[i] = mine === 0 ? 0 : (drawn[group[i]!]! * count) / classes / mine
  }
}

function binRows({ count, features, x }: Rows): Binned {
  const bin = new Uint8Array(count * features)
  const edges: Float64Array[] = []
  const known = new Float64Array(count)
  for (let f = 0; f < features; f++) {
    let n = 0
    for (let i = 0; i < count; i++) if (!Number.isNaN(x[i * features + f]!)) known[n++] = x[i * features + f]!
    const sorted = known.subarray(0, n).sort()
    const cuts = new Set<number>()
    for (let b = 1; b < BINS; b++) if (n > 0) cuts.add(sorted[Math.floor((b * n) / BINS)]!)
    const edge = Float64Array.from(cuts)
      .sort()
      .map((v) => Number(v.toPrecision(6)))
    edges.push(edge)
    for (let i = 0; i < count; i++) bin[f * count + i] = binOf(x[i * features + f]!, edge)
  }
  return { bin, edges }
}

function binOf(value: number, edges: Float64Array): number {
  if (Number.isNaN(value)) return 0
  let from = 0
  for (let to = edges.length; from < to; ) {
    const middle = (from + to) >> 1
    if (value > edges[middle]!) from = middle + 1
    else to = middle
  }
  return from + 1
}

function newNode(json: ForestJson): number {
  json.threshold.push(0)
  json.left.push(0)
  return json.feature.push(-1) - 1
}

function grow(g: Growing, node: number, from: number, to: number, depth: number): void {
  const { rows, classes, settings, json, order, weight } = g
  const counts = new Float64Array(classes)
  for (let m = from; m < to; m++) counts[rows.label[order[m]!]!]! += weight[order[m]!]!
  let [total, most] = [0, 0]
  for (const n of counts) {
    total += n
    most = Math.max(most, n)
  }
  for (let c = 0; c < classes; c++)
    json.share[node * classes + c] = round((counts[c]! + SMOOTHING / classes) / (total + SMOOTHING))
  if (depth >= settings.depth || to - from < 2 * settings.leafRows || most >= total * 0.999) return
  const split = bestSplit(g, from, to, counts, total)
  if (split === null) return
  const { feature, after } = split
  json.feature[node] = feature
  json.threshold[node] = after === 0 ? BELOW_ALL : g.binned.edges[feature]![after - 1]!
  const left = newNode(json)
  newNode(json)
  json.left[node] = left
  const middle = part(g, from, to, feature, after)
  grow(g, left, from, middle, depth + 1)
  grow(g, left + 1, middle, to, depth + 1)
}

/** Those of the left first, either side in the order they had. */
function part({ rows, binned, order, spill }: Growing, from: number, to: number, feature: number, after: number) {
  const base = feature * rows.count
  let [middle, spilled] = [from, 0]
  for (let m = from; m < to; m++) {
    const i = order[m]!
    if (binned.bin[base + i]! <= after) order[middle++] = i
    else spill[spilled++] = i
  }
  for (let s = 0; s < spilled; s++) order[middle + s] = spill[s]!
  return middle
}

/** The cut that takes away the most weight of Gini's impurity. */
function bestSplit(g: Growing, from: number, to: number, counts: Float64Array, total: number) {
  const { classes, table, rowsIn, left, settings } = g
  const features = g.rows.features
  const impurity = gini(counts, total) * total
  let best: { feature: number; after: number } | null = null
  let bestGain = 1e-9
  for (let t = 0; t < settings.tried; t++) {
    const feature = Math.floor(g.random() * features)
    const [least, last] = tabulate(g, from, to, feature)
    left.fill(0)
    let [leftTotal, leftRows] = [0, 0]
    for (let b = least; b < last; b++) {
      if (rowsIn[b] === 0) continue
      leftRows += rowsIn[b]!
      for (let c = 0; c < classes; c++) {
        const n = table[b * classes + c]!
        left[c]! += n
        leftTotal += n
      }
      if (leftRows < settings.leafRows || to - from - leftRows < settings.leafRows) continue
      const rest = total - leftTotal
      const gain = impurity - gini(left, leftTotal) * leftTotal - giniOfRest(counts, left, rest) * rest
      if (gain > bestGain) {
        bestGain = gain
        best = { feature, after: b }
      }
    }
    table.fill(0, least * classes, (last + 1) * classes)
    rowsIn.fill(0, least, last + 1)
  }
  return best
}

function gini(counts: Float64Array, total: number): number {
  if (total <= 0) return 0
  let sum = 0
  for (let c = 0; c < counts.length; c++) sum += (counts[c]! / total) ** 2
  return 1 - sum
}

function giniOfRest(counts: Float64Array, left: Float64Array, total: number): number {
  if (total <= 0) return 0
  let sum = 0
  for (let c = 0; c < counts.length; c++) sum += ((counts[c]! - left[c]!) / total) ** 2
  return 1 - sum
}

/** Fills the tables for one feature; the lowest and the highest bin that hold anything. */
function tabulate(g: Growing, from: number, to: number, feature: number): readonly [number, number] {
  const { rows, binned, classes, order, weight, table, rowsIn } = g
  const { label } = rows
  const base = feature * rows.count
  let [least, last] = [BINS, 0]
  for (let m = from; m < to; m++) {
    const i = order[m]!
    const b = binned.bin[base + i]!
    table[b * classes + label[i]!]! += weight[i]!
    rowsIn[b]!++
    if (b < least) least = b
    if (b > last) last = b
  }
  return [least, last]
}

const round = (p: number) => Math.round(p * 1e4) / 1e4
