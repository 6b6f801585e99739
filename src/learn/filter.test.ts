import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WorkloadId } from '../model/ids.ts'
import { BUCKETS, createWindow, HISTOGRAMS, SUMS, sumAt, WINDOW_MS, type Window } from '../model/window.ts'
import { type BeliefState, carryBelief, initialBelief, stepBelief, stepObservation } from './filter.ts'
import { DEFAULT_MODEL, type Model } from './model.ts'

const workload = 'w_test' as WorkloadId

function windowWith(sums: Partial<Record<(typeof SUMS)[number], number>>): Window {
  const window = createWindow(workload, 0, WINDOW_MS)
  window.sums[sumAt.ticks] = 6
  for (const [name, value] of Object.entries(sums)) window.sums[sumAt[name as (typeof SUMS)[number]]] = value
  return window
}

const anyWindow = fc
  .record({
    sums: fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: SUMS.length, maxLength: SUMS.length }),
    counts: fc.array(fc.nat(1_000), { minLength: HISTOGRAMS.length * BUCKETS, maxLength: HISTOGRAMS.length * BUCKETS }),
    ranks: fc.array(fc.nat(58), { minLength: 320, maxLength: 320 }),
  })
  .map(({ sums, counts, ranks }) => {
    const window = createWindow(workload, 0, WINDOW_MS)
    window.sums.set(sums)
    window.histograms.set(counts)
    window.registers.set(ranks)
    return window
  })

const total = (belief: { personas: readonly { p: number }[]; unknown: number }) =>
  belief.personas.reduce((sum, { p }) => sum + p, belief.unknown)

test('whatever the windows say, a belief sums to one and stays finite', () => {
  fc.assert(
    fc.property(fc.array(anyWindow, { maxLength: 12 }), (windows) => {
      let state = initialBelief(DEFAULT_MODEL)
      for (const [i, window] of windows.entries()) {
        const step = stepBelief(DEFAULT_MODEL, state, window, (i + 1) * WINDOW_MS)
        state = step.state
        assert.ok(Math.abs(total(step.belief) - 1) < 1e-9, `sum ${total(step.belief)}`)
        assert.ok(step.belief.personas.every(({ p }) => p >= 0 && p <= 1))
        assert.equal(step.belief.believed !== null, step.belief.personas[0]!.p >= 0.8)
      }
    }),
    { numRuns: 150 },
  )
})

test('a state survives JSON: stepping on from it gives the same belief', () => {
  const busy = windowWith({ flowsServed: 40, webServed: 40, tcpServed: 40, bytesInServed: 9e3, bytesOutServed: 2e5 })
  const first = stepBelief(DEFAULT_MODEL, initialBelief(DEFAULT_MODEL), busy, WINDOW_MS)
  const read = JSON.parse(JSON.stringify(first.state)) as BeliefState
  assert.deepEqual(
    stepBelief(DEFAULT_MODEL, read, busy, 2 * WINDOW_MS),
    stepBelief(DEFAULT_MODEL, first.state, busy, 2 * WINDOW_MS),
  )
})

test('a window without ticks was not observed: it moves nothing but time', () => {
  const unseen = windowWith({ ticks: 0, flowsInitiated: 50 })
  const { belief, state } = stepBelief(DEFAULT_MODEL, initialBelief(DEFAULT_MODEL), unseen, WINDOW_MS)
  assert.deepEqual(
    state.p.map((p) => p.toFixed(9)),
    initialBelief(DEFAULT_MODEL).p.map((p) => p.toFixed(9)),
  )
  assert.equal(state.windows, 0)
  assert.deepEqual(belief.because, ['nothing was observed'])
})

test('silence alone never makes anything but Idle, and not at once', () => {
  let state = initialBelief(DEFAULT_MODEL)
  for (let i = 1; i <= 40; i++) {
    const step = stepBelief(DEFAULT_MODEL, state, windowWith({}), i * WINDOW_MS)
    state = step.state
    assert.ok(
      step.belief.believed === null || (step.belief.believed === 'Idle' && i > 3),
      `${step.belief.believed} after ${i}`,
    )
  }
})

test('a belief fades when nothing is heard for long', () => {
  const busy = windowWith({ flowsInitiated: 200, failedInitiated: 190, tcpInitiated: 200, otherInitiated: 200 })
  let state = initialBelief(DEFAULT_MODEL)
  for (let i = 1; i <= 10; i++) state = stepBelief(DEFAULT_MODEL, state, busy, i * WINDOW_MS).state
  const later = stepBelief(DEFAULT_MODEL, state, windowWith({ ticks: 0 }), 5_000 * WINDOW_MS)
  assert.equal(later.belief.believed, null)
  assert.ok(Math.max(...later.state.p) < 0.5)
})

test('a state of another number of personas starts again instead of mixing them up', () => {
  const foreign: BeliefState = { p: [1, 0], at: 0, windows: 9 }
  const step = stepBelief(DEFAULT_MODEL, foreign, windowWith({ ticks: 0 }), WINDOW_MS)
  assert.ok(Math.abs(total(step.belief) - 1) < 1e-9)
  assert.equal(step.belief.personas.length, DEFAULT_MODEL.personas.length)
})

test('a model whose numbers say nothing moves nothing, and what it left behind is gone with it', () => {
  const { filter, forest, personas, novelty } = DEFAULT_MODEL
  const first = initialBelief(DEFAULT_MODEL)
  const silent: Model = { ...DEFAULT_MODEL, filter: { ...filter, quiet: filter.quiet.map(() => 0), quietUnknown: 0 } }
  // All of it background, at a temperature as a fit may find it.
  const share = forest.share.map((_, at) => (at % forest.classes === personas.length ? 1 : 0))
  const certain: Model = { ...DEFAULT_MODEL, temperature: 0.35, forest: { ...forest, share } }
  const x = new Float64Array(novelty.scale.length)
  for (const step of [
    stepObservation(silent, first, { kind: 'quiet' }, WINDOW_MS),
    stepObservation(certain, first, { kind: 'active', x, trust: 1 }, WINDOW_MS),
  ])
    assert.ok(Math.abs(total(step.belief) - 1) < 1e-9, `sum ${total(step.belief)}`)
  const spoilt: BeliefState = { p: first.p.map(() => Number.NaN), at: 0, windows: 9 }
  assert.deepEqual(carryBelief(personas, DEFAULT_MODEL, spoilt), first)
  const next = stepObservation(DEFAULT_MODEL, spoilt, { kind: 'quiet' }, WINDOW_MS)
  assert.ok(Math.abs(total(next.belief) - 1) < 1e-9)
})
