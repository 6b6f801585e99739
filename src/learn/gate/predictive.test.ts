import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../random.ts'
import { predictShare } from './predictive.ts'

test('nothing in a hundred draws leaves a few of the next hundred open, and one in nothing leaves all', () => {
  const { low, high } = predictShare(0, 100, 100)
  assert.equal(low, 0)
  // P(4 or more of 100 | none of 100) with Jeffreys' prior is about 2 %.
  assert.ok(high > 0.02 && high < 0.05, String(high))
  assert.deepEqual(predictShare(0.5, 0, 10), { low: 0, high: 1 })
})

test('19 of 20 shares that are drawn lie within', () => {
  const random = seeded(7)
  for (const p of [0.03, 0.4, 0.9]) {
    let within = 0
    for (let i = 0; i < 400; i++) {
      const draw = (n: number) => Array.from({ length: n }, () => random() < p).filter(Boolean).length / n
      const { low, high } = predictShare(draw(80), 80, 50)
      const came = draw(50)
      if (came >= low && came <= high) within++
    }
    assert.ok(within / 400 >= 0.93, `${within} of 400 at ${p}`)
  }
})

test('bounds in order and within 0 and 1; more draws, a narrower interval', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1e7, noNaN: true }),
      fc.double({ min: 0, max: 1e7, noNaN: true }),
      (share, drawn, toCome) => {
        const { low, high } = predictShare(share, drawn, toCome)
        assert.ok(0 <= low && low <= share && share <= high && high <= 1)
      },
    ),
  )
  const width = (drawn: number) => {
    const { low, high } = predictShare(0.2, drawn, 1_000)
    return high - low
  }
  assert.ok(width(10) > width(100) && width(100) > width(1_000))
})
