import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../random.ts'
import { conformalWidths } from './conformal.ts'
import { keepPromise, startPromise } from './coverage.ts'

const origins = Array.from({ length: 20 }, (_, k) => 11 * k)

test('errors of 1, −1, 1 … give a width of 1 at every step', () => {
  const errors = origins.map((_, o) => new Float64Array(12).map((_, h) => ((o + h) % 2 === 0 ? 1 : -1)))
  const half = conformalWidths({ errors, origins, end: 240, season: 1 }, 12, 0.95)
  assert.ok(half.every((v) => Math.abs(v - 1) < 1e-9))
})

test('errors that grow with the step ahead give widths that do, also beyond what was tried', () => {
  const errors = origins.map(() => Float64Array.from({ length: 12 }, (_, h) => h + 1))
  const half = conformalWidths({ errors, origins, end: 240, season: 1 }, 24, 0.95)
  for (let h = 1; h < 24; h++) assert.ok(half[h]! >= half[h - 1]! - 1e-9, `step ${h}`)
  assert.ok(half[23]! > 1.3 * half[11]!)
})

test('calm phases get narrow widths', () => {
  const random = seeded(1)
  const errors = origins.map((at) =>
    Float64Array.from({ length: 24 }, (_, h) => (random() - 0.5) * ((at + h) % 24 < 12 ? 0.1 : 10)),
  )
  const half = conformalWidths({ errors, origins, end: 240, season: 24 }, 24, 0.9)
  assert.ok(half[6]! < 0.2 * half[18]!, `${half[6]} by night, ${half[18]} by day`)
})

test('models that were never wrong promise no width', () => {
  const errors = origins.map(() => new Float64Array(6))
  assert.ok(conformalWidths({ errors, origins, end: 240, season: 24 }, 6, 0.95).every((v) => v === 0))
})

test('the promise is kept in the long run though every error doubles half-way', () => {
  const random = seeded(7)
  let state = startPromise(0.9)
  let [held, adapted] = [0, 0]
  const steps = 6_000
  // Errors are exponential: a share p of those of the first half lies within −ln(1 − p).
  const within = (share: number) => -Math.log(1 - share)
  for (let t = 0; t < steps; t++) {
    const error = -Math.log(1 - random()) * (t < steps / 2 ? 1 : 2)
    if (error <= within(0.9)) held++
    const isHeld = error <= within(state.ask)
    if (isHeld) adapted++
    state = keepPromise(state, isHeld ? 'held' : 'missed')
  }
  assert.ok(held / steps < 0.82, `${held / steps} without adapting`)
  assert.ok(Math.abs(adapted / steps - 0.9) < 0.02, `${adapted / steps} held, 0.9 promised`)
})

test('what is asked for stays a level, however often it misses', () => {
  let state = startPromise(0.95)
  for (let t = 0; t < 1_000; t++) state = keepPromise(state, 'missed')
  assert.ok(state.ask < 1)
  for (let t = 0; t < 100_000; t++) state = keepPromise(state, 'held')
  assert.equal(state.ask, 0.5)
})
