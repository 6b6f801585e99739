import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ABSTAIN_BELOW } from '../model/belief.ts'
import { WINDOW_MS } from '../model/window.ts'
import { carryBelief, initialBelief, stepObservation } from './filter.ts'
import type { Sequence } from './fit.ts'
import { measureModel } from './measure.ts'
import { DEFAULT_MODEL as model, SHIPPED_MODEL } from './model.ts'
import { nameBy } from './shadow.ts'

const width = model.novelty.scale.length
/** Windows that are a prototype itself: what the model knows best. */
const known = (prototype: number, windows: number): Sequence['windows'] =>
  Array.from({ length: windows }, (_, i) => ({
    at: (i + 1) * WINDOW_MS,
    seen: {
      kind: 'active',
      x: model.novelty.prototypes.slice(prototype * width, (prototype + 1) * width),
      trust: 1,
    },
  }))
const each = model.novelty.prototypes.length / width / model.personas.length
const typical = (persona: string, windows = 6) => known(model.personas.indexOf(persona) * each, windows)

test('every window stands once in the matrix and once in a bin; a wrong label is a wrong guess', () => {
  const sequences: Sequence[] = [
    { persona: 'Database', run: 'a', windows: typical('Database') },
    { persona: 'Scanner', run: 'a', windows: typical('Scanner', 4) },
    { persona: 'Idle', run: 'a', windows: typical('Scanner', 2) },
  ]
  const metrics = measureModel(SHIPPED_MODEL, sequences)
  const row = (persona: string) => metrics.confusion[model.personas.indexOf(persona)]!
  const column = (persona: string) => model.personas.indexOf(persona)
  assert.deepEqual([metrics.windows, metrics.hosts], [12, 3])
  assert.deepEqual([row('Database')[column('Database')], row('Scanner')[column('Scanner')]], [6, 4])
  assert.equal(row('Idle')[column('Scanner')], 2)
  assert.equal(metrics.accuracy, 0.8333)
  // Database 1, Scanner 2 · 4 / (4 + 6), Idle 0.
  assert.equal(metrics.macroF1, 0.6)
  assert.equal(
    metrics.bins.reduce((sum, { n }) => sum + n, 0),
    12,
  )
  const gap = metrics.bins.reduce((sum, { n, p, accuracy }) => sum + n * Math.abs(p - accuracy), 0) / 12
  assert.ok(Math.abs(metrics.ece - gap) < 0.001)
  assert.throws(() => measureModel(SHIPPED_MODEL, [{ persona: 'Toaster', run: 'b', windows: [] }]), /Toaster of run b/)
})

test('a belief goes on by another model where names are the same; the rest begins anew', () => {
  let state = initialBelief(model)
  for (const { at, seen } of typical('Database')) state = stepObservation(model, state, seen, at).state
  const order = [...model.personas].reverse()
  const turned = carryBelief(model.personas, { ...model, personas: order }, state)
  const p = (one: typeof state, personas: readonly string[], name: string) => one.p[personas.indexOf(name)]!
  assert.ok(p(state, model.personas, 'Database') >= ABSTAIN_BELOW)
  for (const name of order) assert.equal(p(turned, order, name), p(state, model.personas, name))
  assert.deepEqual([turned.at, turned.windows, turned.p.at(-1)], [state.at, state.windows, state.p.at(-1)])
  const others = model.personas.map((name) => (name === 'Database' ? 'Store' : name))
  const anew = carryBelief(model.personas, { ...model, personas: others }, state)
  assert.ok(Math.abs(anew.p.reduce((sum, one) => sum + one, 0) - 1) < 1e-9)
  assert.ok(p(anew, others, 'Store') < 0.2 && anew.p.at(-1)! > 0.15)
  assert.deepEqual(carryBelief(['One'], model, state).p, initialBelief(model).p)
})

test('a name by some windows alone; none when there are none', () => {
  assert.equal(nameBy(model, typical('Database')), 'Database')
  assert.equal(nameBy(model, []), null)
})
