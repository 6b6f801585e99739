/**
 * How unlike everything known a vector is: the mean distance to its nearest prototypes, feature by feature in robust
 * units, unknown features left out. The threshold is a quantile of held-out hosts, so ordinary strangers pass.
 */

export type Novelty = {
  /** Robust scale of each feature (half of the 10–90 % range). */
  readonly scale: Float64Array
  /** prototypes × features, NaN where not known */
  readonly prototypes: Float64Array
  /** Distance at which a vector is as likely unknown as known, and how fast that turns. */
  readonly threshold: number
  readonly slope: number
}

/** One feature far off is enough to be odd, ten slightly off are not: each difference is capped before the mean. */
const CAP = 4

/**
 * Mean capped difference over features known on both sides; a feature known on one side only counts as one unit. May stop
 * early with some value above `enough`.
 */
export function distance(
  x: Float64Array,
  scale: Float64Array,
  prototypes: Float64Array,
  at: number,
  enough = Number.POSITIVE_INFINITY,
): number {
  // Beyond this sum no number of known features can bring the mean under `enough`.
  const stop = enough * x.length
  let total = 0
  let seen = 0
  for (let i = 0; i < x.length && total <= stop; i++) {
    const a = x[i]!
    const b = prototypes[at + i]!
    const off = Math.abs(a - b) / scale[i]!
    if (off >= 0) total += Math.min(off, CAP)
    // Not a number: one side is not known, or both.
    else if (Number.isNaN(a) && Number.isNaN(b)) continue
    else total += 1
    seen++
  }
  return seen === 0 ? CAP : total / seen
}

export function nearest(x: Float64Array, scale: Float64Array, prototypes: Float64Array): number {
  let best = CAP
  for (let at = 0; at < prototypes.length; at += x.length)
    best = Math.min(best, distance(x, scale, prototypes, at, best))
  return best
}

/** Probability that a vector is unlike everything learnt. */
export function novelty(model: Novelty, x: Float64Array): number {
  return 1 / (1 + Math.exp((model.threshold - nearest(x, model.scale, model.prototypes)) * model.slope))
}
