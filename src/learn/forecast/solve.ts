/** Least squares by normal equations: `NormalEquations` takes rows one by one, `solveRidge` gives coefficients. */

export type NormalEquations = { readonly size: number; readonly a: Float64Array; readonly b: Float64Array }

export function emptyEquations(size: number): NormalEquations {
  return { size, a: new Float64Array(size * size), b: new Float64Array(size) }
}

/** Adds one observation `target ≈ row · β` with its weight; only the lower triangle is kept. */
export function addRow({ size, a, b }: NormalEquations, row: Float64Array, target: number, weight: number): void {
  for (let i = 0; i < size; i++) {
    const scaled = weight * row[i]!
    if (scaled === 0) continue
    b[i]! += scaled * target
    for (let j = 0; j <= i; j++) a[i * size + j]! += scaled * row[j]!
  }
}

/**
 * β that minimises squared error + Σ penalty_i (β_i − prior_i)², by Cholesky. A column without information keeps its
 * prior: the penalty must be positive there.
 */
export function solveRidge({ size, a, b }: NormalEquations, penalty: Float64Array, prior: Float64Array): Float64Array {
  const l = Float64Array.from(a)
  const beta = Float64Array.from(b, (value, i) => value + penalty[i]! * prior[i]!)
  for (let i = 0; i < size; i++) l[i * size + i]! += penalty[i]!
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = l[i * size + j]!
      for (let k = 0; k < j; k++) sum -= l[i * size + k]! * l[j * size + k]!
      l[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / l[j * size + j]!
    }
    for (let k = 0; k < i; k++) beta[i]! -= l[i * size + k]! * beta[k]!
    beta[i]! /= l[i * size + i]!
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) beta[i]! -= l[k * size + i]! * beta[k]!
    beta[i]! /= l[i * size + i]!
  }
  return beta
}
