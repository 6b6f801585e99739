import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkloadId } from '../model/ids.ts'
import type { Lesson } from '../model/proposal.ts'
import { classify } from './classify.ts'
import { initialBelief, stepObservation } from './filter.ts'
import { DEFAULT_MODEL as model } from './model.ts'
import { taughtBy } from './taught.ts'

const width = model.novelty.scale.length
/** Prototypes lie far apart: a window of one persona, and something that none is like. */
const known = model.novelty.prototypes.slice(0, width)
const strange = Float64Array.from(known, (value, f) => value + 3 * model.novelty.scale[f]!)

function lesson(persona: string, x: Float64Array, workload = 'w1'): Lesson {
  const vectors = [Array.from(x, (value) => (Number.isNaN(value) ? null : value))]
  return { workload: workload as WorkloadId, persona, vectors, at: 1, by: 'ann' }
}

function believedAfter(of: typeof model, x: Float64Array, windows: number) {
  let state = initialBelief(of)
  for (let n = 1; ; n++) {
    const step = stepObservation(of, state, { kind: 'active', x, trust: 1 }, n * 30_000)
    state = step.state
    if (n === windows) return step.belief
  }
}

test('without lessons it is the same model', () => {
  assert.equal(taughtBy(model, []), model)
})

test('a stranger that a person named is believed to be that within three windows, and says who said so', () => {
  assert.equal(believedAfter(model, strange, 3).believed, null)
  const belief = believedAfter(taughtBy(model, [lesson('Database', strange)]), strange, 3)
  assert.equal(belief.believed, 'Database')
  assert.deepEqual(belief.because, ['it is like what a person called Database'])
})

test('a persona that the forest never saw can be taught', () => {
  const taught = taughtBy(model, [lesson('Mail Relay', strange)])
  const belief = believedAfter(taught, strange, 3)
  assert.equal(belief.believed, 'Mail Relay')
  assert.ok(Math.abs(belief.personas.reduce((sum, { p }) => sum + p, belief.unknown) - 1) < 1e-9)
})

test('far from a lesson nothing moves; of two words on a workload the later counts', () => {
  const taught = taughtBy(model, [lesson('Scanner', strange), lesson('Database', strange)])
  assert.deepEqual(classify(taught, known).posterior, classify(model, known).posterior)
  assert.equal(believedAfter(taught, strange, 3).believed, 'Database')
})

test('a lesson of other features is passed over', () => {
  const old = { ...lesson('Database', strange), vectors: [[1, 2, 3]] }
  assert.deepEqual(classify(taughtBy(model, [old]), strange).posterior, classify(model, strange).posterior)
})
