/** A random forest on typed arrays (Breiman 2001): nodes in flat columns, a class distribution at every node. */

export type Forest = {
  readonly classes: number
  /** First node of each tree. */
  readonly roots: Int32Array
  /** Feature tested, −1 at a leaf. */
  readonly feature: Int16Array
  /** Values ≤ threshold, and values that are not known, go to `left`; the right child is `left + 1`. */
  readonly threshold: Float64Array
  readonly left: Int32Array
  /** nodes × classes */
  readonly share: Float32Array
}

/** Mean of the trees' distributions. */
export function predict(forest: Forest, x: Float64Array, out: Float64Array): void {
  const { classes, roots, feature, threshold, left, share } = forest
  out.fill(0)
  for (const root of roots) {
    let node = root
    for (let f = feature[node]!; f >= 0; f = feature[node]!) node = left[node]! + (x[f]! > threshold[node]! ? 1 : 0)
    for (let c = 0; c < classes; c++) out[c]! += share[node * classes + c]!
  }
  for (let c = 0; c < classes; c++) out[c]! /= roots.length
}

/** What each feature added to the share of one class on the way down (Saabas 2014); with the roots' mean it sums to the prediction. */
export function explain(forest: Forest, x: Float64Array, wanted: number): Float64Array {
  const { classes, roots, share } = forest
  const moved = new Float64Array(x.length)
  for (const root of roots) {
    let node = root
    for (let f = forest.feature[node]!; f >= 0; f = forest.feature[node]!) {
      const next = forest.left[node]! + (x[f]! > forest.threshold[node]! ? 1 : 0)
      moved[f]! += (share[next * classes + wanted]! - share[node * classes + wanted]!) / roots.length
      node = next
    }
  }
  return moved
}

export type ForestJson = { roots: number[]; feature: number[]; threshold: number[]; left: number[]; share: number[] }

export function parseForest(json: ForestJson, classes: number): Forest {
  const nodes = json.feature.length
  if (json.threshold.length !== nodes || json.left.length !== nodes || json.share.length !== nodes * classes)
    throw new Error(`reading a forest: ${nodes} nodes, but its columns do not agree`)
  // Children come after their parent, so a walk always ends, whatever the file says.
  const ends = json.left.every((left, i) => json.feature[i]! < 0 || (left > i && left + 1 < nodes))
  if (!ends) throw new Error('reading a forest: a child does not come after its parent')
  const isNode = (root: number) => Number.isInteger(root) && root >= 0 && root < nodes
  if (json.roots.length === 0 || !json.roots.every(isNode)) throw new Error('reading a forest: a root is no node of it')
  if (![...json.share, ...json.threshold].every(Number.isFinite))
    throw new Error('reading a forest: a share or a threshold is no number')
  return {
    classes,
    roots: Int32Array.from(json.roots),
    feature: Int16Array.from(json.feature),
    threshold: Float64Array.from(json.threshold),
    left: Int32Array.from(json.left),
    share: Float32Array.from(json.share),
  }
}
