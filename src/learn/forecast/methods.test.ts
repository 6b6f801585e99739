import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../random.ts'
import { decomposed } from './decomposed.ts'
import { changes, lags } from './lags.ts'
import type { Method } from './method.ts'
import { minimise } from './minimise.ts'
import { seasonalNaive } from './seasonal-naive.ts'
import { smoothing } from './smoothing.ts'
import { addRow, emptyEquations, solveRidge } from './solve.ts'
import { structural } from './structural.ts'
import { theta } from './theta.ts'

const METHODS: readonly Method[] = [seasonalNaive, lags, changes, smoothing, theta, decomposed, structural]
const SEASONS = [12, 36]
const ORIGINS = [200, 211, 222]

/** Two seasons, a slow rise, little noise; deviation near 1. */
function wave(length: number): Float64Array {
  const random = seeded(3)
  return Float64Array.from(
    { length },
    (_, t) =>
      Math.sin((2 * Math.PI * t) / 12) + 0.6 * Math.cos((2 * Math.PI * t) / 36) + 0.002 * t + 0.1 * (random() - 0.5),
  )
}

for (const method of METHODS) {
  test(`${method.name} sees nothing from its origin on`, () => {
    const x = wave(260)
    const garbled = x.map((v, t) => (t >= 200 ? -5 * v : v))
    const [first] = method.forecasts({ x, seasons: SEASONS }, [200], 12)!
    const [same] = method.forecasts({ x: garbled, seasons: SEASONS }, ORIGINS, 12)!
    assert.deepEqual(same, first)
  })

  test(`${method.name} follows both seasons from every origin`, () => {
    const x = wave(260)
    const paths = method.forecasts({ x, seasons: SEASONS }, ORIGINS, 24)!
    paths.forEach((path, o) => {
      const off = path.reduce((sum, v, h) => sum + Math.abs(v - x[ORIGINS[o]! + h]!), 0) / path.length
      assert.ok(off < 0.2, `off by ${off} from ${ORIGINS[o]}`)
    })
  })
}

test('without a season there is nothing to take changes against', () => {
  assert.equal(changes.forecasts({ x: wave(100), seasons: [] }, [80], 5), null)
})

test('ridge: without penalty least squares, with a large one the prior, without data the prior', () => {
  const equations = emptyEquations(2)
  for (const [a, b] of [
    [1, 0],
    [1, 1],
    [1, 2],
    [1, 3],
  ] as const)
    addRow(equations, Float64Array.of(a, b), 2 + 3 * b, 1)
  const solve = (penalty: number) => solveRidge(equations, new Float64Array(2).fill(penalty), Float64Array.of(7, -1))
  solve(1e-12).forEach((v, i) => {
    assert.ok(Math.abs(v - [2, 3][i]!) < 1e-6)
  })
  solve(1e12).forEach((v, i) => {
    assert.ok(Math.abs(v - [7, -1][i]!) < 1e-6)
  })
  assert.deepEqual(solveRidge(emptyEquations(1), Float64Array.of(1), Float64Array.of(4)), Float64Array.of(4))
})

test('the simplex finds the bottom of a valley', () => {
  const valley = (p: Float64Array) => (1 - p[0]!) ** 2 + 100 * (p[1]! - p[0]! ** 2) ** 2
  const [x, y] = minimise(valley, [-1, 1], [0.5, 0.5], 400)
  assert.ok(Math.hypot(x! - 1, y! - 1) < 1e-2, `${x}, ${y}`)
})
