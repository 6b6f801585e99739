/** A workload that changes its role: windows of one host, then those of another type's. Out: how soon its belief follows, and whether it says why. */
import { initialBelief, stepObservation } from '../../src/learn/filter.ts'
import type { Sequence } from '../../src/learn/fit.ts'
import type { Model } from '../../src/learn/model.ts'
import { WINDOW_MS } from '../../src/model/window.ts'

export type Changed = {
  readonly from: string
  readonly to: string
  /** Windows until the new role is the likeliest; Infinity = not while it was watched. */
  readonly windows: number
  readonly because: readonly string[]
}

/** Every pair of hosts of one lab whose first is believed to be what it is. */
export function changeRoles(model: Model, sequences: readonly Sequence[]): Changed[] {
  const settled = sequences.flatMap((sequence) => {
    let state = initialBelief(model)
    let believed: string | null = null
    sequence.windows.forEach(({ seen }, n) => {
      const step = stepObservation(model, state, seen, (n + 1) * WINDOW_MS)
      state = step.state
      believed = step.belief.believed
    })
    return believed === sequence.persona ? [{ sequence, state }] : []
  })
  return settled.flatMap(({ sequence, state }) =>
    sequences
      .filter((other) => other.run === sequence.run && other.persona !== sequence.persona)
      .map((other) => follow(model, state, sequence, other)),
  )
}

function follow(
  model: Model,
  before: ReturnType<typeof initialBelief>,
  { persona: from, windows }: Sequence,
  { persona: to, windows: then }: Sequence,
): Changed {
  let state = before
  for (const [n, { seen }] of then.entries()) {
    const step = stepObservation(model, state, seen, (windows.length + n + 1) * WINDOW_MS)
    state = step.state
    const { personas, because } = step.belief
    if (personas[0]!.persona === to) return { from, to, windows: n + 1, because }
  }
  return { from, to, windows: Number.POSITIVE_INFINITY, because: [] }
}
