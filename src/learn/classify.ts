/** One window's vector → a calibrated posterior over personas and the mass of "none of these". */
import { predict } from './forest.ts'
import type { Model } from './model.ts'
import { novelty } from './novelty.ts'
import { wordFor } from './taught.ts'

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
  const known = model.forest.classes - 1
  const background = all[known]!
  // Added up, for 1 − background may be nothing where they are but little.
  let named = 0
  for (let i = 0; i < known; i++) named += all[i]!
  const posterior = Float64Array.from(model.personas, (_, i) => (i < known ? all[i]! / named : 0))
  const unknown = 1 - (1 - novelty(model.novelty, x)) * (1 - background)
  const word = wordFor(model, x)
  if (word === null) return { posterior, unknown }
  for (let i = 0; i < posterior.length; i++)
    posterior[i] = (1 - word.weight) * posterior[i]! + (i === word.persona ? word.weight : 0)
  return { posterior, unknown: (1 - word.weight) * unknown }
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
