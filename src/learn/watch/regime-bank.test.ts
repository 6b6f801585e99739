import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../random.ts'
import type { Batch } from './kalman-bank.ts'
import { createRegimeBank, growRegimes, type RegimeBank, stepRegimes } from './regime-bank.ts'
import { REGIMES } from './regime-step.ts'
import { REGIME } from './watch.ts'

const WIDTH = 4
type Told = { holds: number; fresh: number }

function step(bank: RegimeBank, row: number, values: readonly number[], steps = 1): Told {
  const batch: Batch = {
    count: 1,
    rows: Int32Array.of(row),
    steps: Int32Array.of(steps),
    rates: new Float64Array(1).fill(1),
    readings: Float64Array.from(values),
  }
  const out = { holds: new Uint8Array(1), fresh: new Float64Array(1) }
  stepRegimes(bank, batch, out)
  return { holds: out.holds[0]!, fresh: out.fresh[0]! }
}

/** A machine that idles, and works for ten steps of every forty. */
function machine(bank: RegimeBank, row: number, rows: number, seed: number): Told[] {
  const random = seeded(seed)
  return Array.from({ length: rows }, (_, t) => {
    const busy = t % 40 >= 30 ? 6 : 0
    return step(
      bank,
      row,
      Array.from({ length: WIDTH }, () => 2 + busy + 0.3 * (random() - 0.5)),
    )
  })
}

test('two ways of being are two regimes, told apart at once, and neither is strange when it comes again', () => {
  const bank = createRegimeBank(WIDTH, 1, REGIME)
  const told = machine(bank, 0, 800, 1)
  assert.equal(bank.known[0], 2)
  for (const [t, { holds }] of told.entries()) if (t >= 40) assert.equal(holds, t % 40 >= 30 ? 1 : 0, `step ${t}`)
  assert.ok(told.slice(400).every(({ fresh }) => fresh < 0.5))
})

test('what was never seen is strange from its first step, while it lasts, and familiar in the end', () => {
  const bank = createRegimeBank(WIDTH, 1, REGIME)
  machine(bank, 0, 800, 1)
  const strange = Array.from({ length: 200 }, () => step(bank, 0, [2, 9, 2, 9]))
  assert.equal(bank.known[0], 3)
  assert.ok(strange.slice(0, 60).every(({ fresh }) => fresh > 0.5))
  assert.ok(strange.at(-1)!.fresh < 0.5)
})

test('a row that is new itself calls nothing strange, and one odd step is over with the next', () => {
  const bank = createRegimeBank(WIDTH, 1, REGIME)
  assert.ok(machine(bank, 0, 29, 3).every(({ fresh }) => fresh === 0))
  machine(bank, 0, 400, 3)
  assert.ok(step(bank, 0, [20, 20, 20, 20]).fresh > 0.5)
  assert.ok(step(bank, 0, [2, 2, 2, 2]).fresh < 0.5)
})

test('a metric that is missing says nothing, one that comes late is no news, and nothing at all changes nothing', () => {
  const bank = createRegimeBank(WIDTH, 1, REGIME)
  const [none, gap] = [Number.NaN, [Number.NaN, Number.NaN, Number.NaN, Number.NaN]]
  assert.deepEqual(step(bank, 0, gap), { holds: 0, fresh: 0 })
  for (let t = 0; t < 200; t++) step(bank, 0, [2, 2, none, 2])
  assert.equal(bank.known[0], 1)
  assert.ok(step(bank, 0, [2, 2, 700, 2]).fresh < 0.5)
  assert.equal(bank.known[0], 1)
  const before = bank.numbers.slice(bank.layout.rows)
  step(bank, 0, gap, 100)
  assert.deepEqual(bank.numbers.slice(bank.layout.rows), before)
})

test('any vectors: beliefs sum to one, at most six regimes, and rows do not know of each other', () => {
  const vector = fc.array(fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(Number.NaN)), {
    minLength: WIDTH,
    maxLength: WIDTH,
  })
  fc.assert(
    fc.property(fc.array(vector, { maxLength: 80 }), fc.array(vector, { maxLength: 80 }), (one, other) => {
      const bank = createRegimeBank(WIDTH, 1, REGIME)
      growRegimes(bank, 2)
      const alone = createRegimeBank(WIDTH, 1, REGIME)
      for (let t = 0; t < Math.max(one.length, other.length); t++) {
        if (other[t] !== undefined) step(bank, 0, other[t]!)
        if (one[t] === undefined) continue
        assert.deepEqual(step(bank, 1, one[t]!), step(alone, 0, one[t]!))
        const belief = bank.belief.subarray(REGIMES, 2 * REGIMES)
        assert.ok(bank.known[1]! <= REGIMES)
        if (bank.known[1]! > 0) assert.ok(Math.abs(belief.reduce((sum, p) => sum + p, 0) - 1) < 1e-9)
      }
    }),
    { numRuns: 100 },
  )
})
