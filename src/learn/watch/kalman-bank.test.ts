import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Batch,
  createKalmanBank,
  growKalman,
  type KalmanBank,
  type KalmanModel,
  stepKalman,
} from './kalman-bank.ts'

const MODEL: KalmanModel = {
  damping: 0.95,
  period: 24,
  level: 0.01,
  slope: 1e-4,
  wave: 1e-4,
  slopePrior: 0.01,
  wavePrior: 0.5,
  memory: 50,
  clip: 4,
  warm: 10,
  leastNoise: 1e-4,
}

type Row = { readonly steps: number; readonly values: readonly number[] }

/** One row of a bank through all its readings: what was expected, and how far off is usual. */
function run(bank: KalmanBank, row: number, told: readonly Row[]): number[][] {
  return told.map(({ steps, values }) => {
    const out = { value: new Float64Array(bank.width), spread: new Float64Array(bank.width) }
    stepKalman(bank, batchOf([row], [steps], values), out)
    return [...out.value, ...out.spread]
  })
}

const batchOf = (rows: readonly number[], steps: readonly number[], readings: readonly number[]): Batch => ({
  count: rows.length,
  rows: Int32Array.from(rows),
  steps: Int32Array.from(steps),
  rates: new Float64Array(rows.length).fill(1),
  readings: Float64Array.from(readings),
})

type Matrix = readonly (readonly number[])[]
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)))
const turned = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!))
const plus = (a: Matrix, b: Matrix, sign = 1): Matrix => a.map((row, i) => row.map((x, j) => x + sign * b[i]![j]!))

/** The textbook, matrix by matrix, one step at a time: x = Fx, P = FPFᵀ + Q, K = PHᵀ/f, x += Kν, P −= KHP. */
function textbook(model: KalmanModel, told: readonly Row[]): number[][] {
  const [c, s] = [Math.cos((2 * Math.PI) / model.period), Math.sin((2 * Math.PI) / model.period)]
  const F: Matrix = [
    [1, model.damping, 0, 0],
    [0, model.damping, 0, 0],
    [0, 0, c, s],
    [0, 0, -s, c],
  ]
  const diagonal = (...d: number[]): Matrix => d.map((x, i) => d.map((_, j) => (i === j ? x : 0)))
  const Q = diagonal(model.level, model.slope, model.wave, model.wave)
  const H: Matrix = [[1, 0, 1, 0]]
  let [x, P, noise, taken]: [Matrix, Matrix, number, number] = [[], [], 0, 0]
  return told.map(({ steps, values }) => {
    const value = values[0]!
    if (taken === 0) {
      if (!Number.isNaN(value)) {
        x = [[value], [0], [0], [0]]
        P = diagonal(1, model.slopePrior, model.wavePrior, model.wavePrior)
        taken = 1
      }
      return [Number.NaN, Number.NaN]
    }
    for (let k = 0; k < steps; k++) {
      x = times(F, x)
      P = plus(times(times(F, P), turned(F)), Q)
    }
    const expected = times(H, x)[0]![0]!
    const f = times(times(H, P), turned(H))[0]![0]! + 1
    const spread = Math.sqrt(f * Math.max(noise, model.leastNoise))
    if (Number.isNaN(value)) return [expected, spread]
    const bound = taken >= model.warm ? model.clip * spread : Number.POSITIVE_INFINITY
    const off = Math.max(-bound, Math.min(bound, value - expected))
    const K = times(P, turned(H)).map(([m]) => [m! / f])
    x = plus(x, times(K, [[off]]))
    P = plus(P, times(times(K, H), P), -1)
    noise += (off ** 2 / f - noise) * Math.max(1 / taken, 1 / model.memory)
    taken++
    return [expected, spread]
  })
}

const reading = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -50, max: 50, noNaN: true }) },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
)
const rows = (width: number) =>
  fc.array(
    fc.record({
      steps: fc.oneof(
        { weight: 4, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) },
      ),
      values: fc.array(reading, { minLength: width, maxLength: width }),
    }),
    { maxLength: 120 },
  )

function close(got: number, wanted: number, what: string): void {
  const isSame = Number.isNaN(wanted) ? Number.isNaN(got) : Math.abs(got - wanted) <= 1e-7 * (1 + Math.abs(wanted))
  assert.ok(isSame, `${what}: ${got}, by the textbook ${wanted}`)
}

test('a filter says what the textbook says, matrix by matrix: with gaps, missing readings and readings far off', () => {
  fc.assert(
    fc.property(rows(1), (told) => {
      const got = run(createKalmanBank(1, 1, MODEL), 0, told)
      for (const [i, wanted] of textbook(MODEL, told).entries()) {
        close(got[i]![0]!, wanted[0]!, `expected, row ${i}`)
        close(got[i]![1]!, wanted[1]!, `spread, row ${i}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('a bank of many is many banks of one, to the last bit, grown on the way, rows in any order', () => {
  const many = fc.array(rows(3), { minLength: 2, maxLength: 5 })
  fc.assert(
    fc.property(many, (series) => {
      const bank = createKalmanBank(3, 1, MODEL)
      growKalman(bank, 2)
      growKalman(bank, series.length)
      const together = series.map((): number[][] => [])
      for (let t = 0; t < Math.max(...series.map((one) => one.length)); t++) {
        const due = series.flatMap((one, row) => (one[t] === undefined ? [] : [row])).reverse()
        const batch = batchOf(
          due,
          due.map((row) => series[row]![t]!.steps),
          due.flatMap((row) => series[row]![t]!.values),
        )
        const out = { value: new Float64Array(due.length * 3), spread: new Float64Array(due.length * 3) }
        stepKalman(bank, batch, out)
        for (const [i, row] of due.entries())
          together[row]!.push([...out.value.subarray(3 * i, 3 * i + 3), ...out.spread.subarray(3 * i, 3 * i + 3)])
      }
      for (const [row, told] of series.entries())
        assert.deepEqual(together[row], run(createKalmanBank(3, 1, MODEL), 0, told))
    }),
    { numRuns: 60 },
  )
})

test('a gap widens the band and leaves the level; a wave goes on through it', () => {
  const wave = (t: number) => 10 + 3 * Math.sin((2 * Math.PI * t) / MODEL.period)
  const bank = createKalmanBank(1, 1, MODEL)
  const before = run(
    bank,
    0,
    Array.from({ length: 20 * 24 }, (_, t) => ({ steps: 1, values: [wave(t)] })),
  )
  const [, usual] = before.at(-1)!
  const [expected, spread] = run(bank, 0, [{ steps: 31, values: [Number.NaN] }])[0]!
  assert.ok(spread! > usual!)
  assert.ok(Math.abs(expected! - wave(20 * 24 + 30)) < 0.3, `${expected} for ${wave(20 * 24 + 30)}`)
})

test('one reading far off moves the level by a bounded step; a new level is followed', () => {
  const calm = Array.from({ length: 200 }, (_, t) => ({ steps: 1, values: [5 + 0.1 * Math.sin(t * 7)] }))
  const bank = createKalmanBank(1, 1, MODEL)
  run(bank, 0, calm)
  run(bank, 0, [{ steps: 1, values: [1e6] }])
  assert.ok(Math.abs(run(bank, 0, calm.slice(0, 1))[0]![0]! - 5) < 0.5)
  const after = run(
    bank,
    0,
    Array.from({ length: 300 }, () => ({ steps: 1, values: [9] })),
  )
  assert.ok(Math.abs(after.at(-1)![0]! - 9) < 0.2)
})
