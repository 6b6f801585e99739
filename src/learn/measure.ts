/**
 * Sequences that a model was not fitted on come in, what it is worth goes out: whom it takes for whom, and whether its
 * probabilities are what they say. The filter is stepped as a server steps it; every window counts once.
 */
import { ABSTAIN_BELOW } from '../model/belief.ts'
import type { ModelMetrics, ReliabilityBin } from '../model/model-record.ts'
import { initialBelief, stepObservation } from './filter.ts'
import type { Sequence } from './fit.ts'
import { loadModel, type ModelJson } from './model.ts'

export const RELIABILITY_BINS = 10

const round = (value: number) => Math.round(value * 1e4) / 1e4
const share = (n: number, of: number) => (of === 0 ? 0 : round(n / of))
const total = (counts: readonly number[]) => counts.reduce((sum, n) => sum + n, 0)

export function measureModel(json: ModelJson, sequences: readonly Sequence[]): ModelMetrics {
  const model = loadModel(json)
  const { personas } = model
  const confusion = personas.map(() => personas.map(() => 0))
  const silent = personas.map(() => 0)
  const bins = Array.from({ length: RELIABILITY_BINS }, () => ({ n: 0, p: 0, right: 0 }))
  for (const { persona, run, windows } of sequences) {
    const truth = personas.indexOf(persona)
    if (truth < 0) throw new Error(`measuring ${json.id}: ${persona} of run ${run} is not a persona it knows`)
    let state = initialBelief(model)
    for (const { at, seen } of windows) {
      const step = stepObservation(model, state, seen, at)
      state = step.state
      const best = step.belief.personas[0]!
      const told = personas.indexOf(best.persona)
      confusion[truth]![told]!++
      silent[truth]! += Number(best.p < ABSTAIN_BELOW)
      const bin = bins[Math.min(RELIABILITY_BINS - 1, Math.floor(best.p * RELIABILITY_BINS))]!
      bin.n++
      bin.p += best.p
      bin.right += Number(told === truth)
    }
  }
  const steps = total(confusion.flat())
  return {
    windows: steps,
    hosts: sequences.length,
    accuracy: share(total(confusion.map((row, i) => row[i]!)), steps),
    macroF1: round(macroF1(confusion)),
    ece: share(total(bins.map(({ p, right }) => Math.abs(p - right))), steps),
    abstained: share(total(silent), steps),
    confusion,
    silent,
    bins: bins.map(({ n, p, right }): ReliabilityBin => ({ n, p: share(p, n), accuracy: share(right, n) })),
  }
}

/** Of the personas that there were windows of. */
function macroF1(confusion: readonly (readonly number[])[]): number {
  const scores = confusion.flatMap((row, i) => {
    const truly = total(row)
    const told = total(confusion.map((other) => other[i]!))
    return truly === 0 ? [] : [(2 * row[i]!) / (truly + told)]
  })
  return scores.length === 0 ? 0 : total(scores) / scores.length
}
