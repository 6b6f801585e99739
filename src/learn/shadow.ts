/** What a workload would be called by a model that saw these windows alone, oldest first; null: it would not say. */
import { initialBelief, type Observation, stepObservation } from './filter.ts'
import type { Model } from './model.ts'

export type SeenWindow = { readonly at: number; readonly seen: Observation }

export function nameBy(model: Model, windows: readonly SeenWindow[]): string | null {
  let state = initialBelief(model)
  let believed: string | null = null
  for (const { at, seen } of windows) {
    const step = stepObservation(model, state, seen, at)
    state = step.state
    believed = step.belief.believed
  }
  return believed
}
