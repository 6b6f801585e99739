/** One window's vector → a calibrated posterior over personas and the mass of "none of these". */
import { predict } from './forest.ts'
import type { Model } from './model.ts'
import { novelty } from './novelty.ts'

export type Classification = {
  /** p(persona | window, known), sums to one. */
  readonly posterior: Float64Array
  /** p(none of these | window) */
  readonly unknown: number
}

export function classify(model: Model, x: Float64Array): Classification {
  const all = new Float64Array(model.forest.classes)
  predict(model.forest, x, all)
  temper(all, model.temperature)
  const background = all[model.personas.length]!
  const posterior = all.subarray(0, model.personas.length).map((p) => p / (1 - background))
  return { posterior, unknown: 1 - (1 - novelty(model.novelty, x)) * (1 - background) }
}

/** p^(1/T), normalised (Guo et al. 2017). T > 1 makes it humbler. */
export function temper(p: Float64Array, temperature: number): void {
  let sum = 0
  for (let i = 0; i < p.length; i++) {
    p[i] = Math.max(p[i]!, 1e-6) ** (1 / temperature)
    sum += p[i]!
  }
  for (let i = 0; i < p.length; i++) p[i]! /= sum
}
