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

/** Mean of the trees' distributions. `moved`, when given (features × classes), receives what each feature added (Saabas 2014). */
export function predict(forest: Forest, x: Float64Array, out: Float64Array, moved?: Float64Array): void {
  const { classes, roots } = forest
  out.fill(0)
  for (const root of roots) {
    let node = root
    while (forest.feature[node]! >= 0) {
      const feature = forest.feature[node]!
      const next = forest.left[node]! + (x[feature]! > forest.threshold[node]! ? 1 : 0)
      if (moved)
        for (let c = 0; c < classes; c++)
          moved[feature * classes + c]! +=
            (forest.share[next * classes + c]! - forest.share[node * classes + c]!) / roots.length
      node = next
    }
    for (let c = 0; c < classes; c++) out[c]! += forest.share[node * classes + c]! / roots.length
  }
}

export type ForestJson = { roots: number[]; feature: number[]; threshold: number[]; left: number[]; share: number[] }

export function parseForest(json: ForestJson, classes: number): Forest {
  const nodes = json.feature.length
  if (json.threshold.length !== nodes || json.left.length !== nodes || json.share.length !== nodes * classes)
    throw new Error(`reading a forest: ${nodes} nodes, but its columns do not agree`)
  // Children come after their parent, so a walk always ends, whatever the file says.
  const ends = json.left.every((left, i) => json.feature[i]! < 0 || (left > i && left + 1 < nodes))
  if (!ends) throw new Error('reading a forest: a child does not come after its parent')
  return {
    classes,
    roots: Int32Array.from(json.roots),
    feature: Int16Array.from(json.feature),
    threshold: Float64Array.from(json.threshold),
    left: Int32Array.from(json.left),
    share: Float32Array.from(json.share),
  }
}
