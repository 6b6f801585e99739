import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coverage, mase, msis, naiveScale, owa, smape } from './accuracy.ts'

const of = (...values: number[]) => Float64Array.from(values)
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`)

test('sMAPE: 200·|1 − 3|/4 = 100 and 200·|2 − 2|/4 = 0 average to 50', () => near(smape(of(1, 2), of(3, 2)), 50))

test('sMAPE: two zeros are no error, zero against something is the worst, 200', () => {
  near(smape(of(0, 0), of(0, 5)), 100)
})

test('MASE: an error of 3 where repeating the last 2-step season costs 1.5 is 2', () => {
  const past = of(1, 10, 2, 12)
  near(naiveScale(past, 2), 1.5)
  near(mase(of(5, 5), of(2, 8), naiveScale(past, 2)), 2)
})

test('the scale leaves gaps out', () => near(naiveScale(of(1, Number.NaN, 4, 6, 8), 1), 2))

test('MSIS at 95 %: width 4, one of two values 1 above costs 40 more; (4 + 44)/2 in units of 2 is 12', () => {
  near(msis(of(3, 6), of(1, 1), of(5, 5), 2, 0.95), 12)
})

test('MSIS counts what lies below as well', () => near(msis(of(0), of(1), of(2), 1, 0.5), 1 + 4))

test('coverage includes the ends', () => near(coverage(of(1, 2, 3, 9), of(1, 0, 0, 0), of(2, 2, 2, 2)), 0.5))

test('OWA is the mean of both ratios', () => near(owa({ smape: 10, mase: 1 }, { smape: 20, mase: 4 }), 0.375))

test('forecasts of another length are not compared', () => {
  assert.throws(() => mase(of(1, 2), of(1), 1), /2 actual values cannot be compared with 1/)
})
