import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded, shuffled } from '../random.ts'
import { bursts, DAY_MS, draw, newcomers, type Process, scan, seasons, zipf } from './synthetic.fixture.ts'
import { estimateUnseen, type Occasion, STEP_MS } from './unseen.ts'
import { judgeGate } from './verdict.ts'

const DRAWS = 40

function tryOut(make: () => Process, days: number) {
  const tries = Array.from({ length: DRAWS }, (_, i) => {
    const { learnt, came } = draw(make(), days, i + 1)
    const said = estimateUnseen(learnt, { from: 0, until: days * DAY_MS, horizonMs: DAY_MS })
    return { came, said }
  })
  const mean = (pick: (one: (typeof tries)[number]) => number) => tries.reduce((sum, one) => sum + pick(one), 0) / DRAWS
  return {
    came: mean(({ came }) => came),
    said: mean(({ said }) => said.share),
    covered: mean(({ came, said }) => (came >= said.low && came <= said.high ? 1 : 0)),
  }
}

const PROCESSES: readonly { readonly name: string; readonly make: () => Process; readonly off: number }[] = [
  { name: 'no order at all', make: () => zipf(300, 2), off: 0.1 },
  { name: 'a long tail', make: () => zipf(5_000, 5), off: 0.05 },
  { name: 'a day and a night', make: () => seasons(500), off: 0.1 },
  { name: 'sessions', make: () => bursts(200, 4, 6), off: 0.2 },
  { name: 'newcomers for ever', make: () => newcomers(10, 40), off: 0.3 },
  { name: 'never the same twice', make: () => scan(0.5), off: 0.01 },
]

for (const { name, make, off } of PROCESSES)
  test(`what was said comes true on average, and the interval holds: ${name}`, () => {
    for (const days of [1, 2]) {
      const { came, said, covered } = tryOut(make, days)
      assert.ok(Math.abs(said - came) <= off * came, `after ${days} days ${said} was said and ${came} came`)
      assert.ok(covered >= 0.9, `after ${days} days ${covered} of the intervals hold`)
    }
  })

test('learning lets the share fall, and habits alone leave nothing', () => {
  const after = (days: number) => tryOut(() => zipf(300, 2), days).said
  assert.ok(after(1) > after(2) && after(2) > after(4))
  const { said, covered } = tryOut(() => (step) => [`h${step % 3}`], 1)
  assert.equal(said, 0)
  assert.equal(covered, 1)
})

const occasions = fc.array(
  fc.record({
    rule: fc.integer({ min: 0, max: 30 }).map(String),
    at: fc.integer({ min: 0, max: 600 }).map((step) => step * STEP_MS),
    weight: fc.integer({ min: 0, max: 50 }),
  }),
  { maxLength: 120 },
)
const watch = { from: 0, until: 2 * DAY_MS, horizonMs: DAY_MS }

test('a share in its interval, whatever was seen', () => {
  fc.assert(
    fc.property(occasions, fc.integer({ min: 1, max: 900 }), (seen, steps) => {
      const { share, low, high, once, rules } = estimateUnseen(seen, { ...watch, until: steps * STEP_MS })
      assert.ok(0 <= low && low <= share && share <= high && high <= 1, JSON.stringify({ low, share, high }))
      assert.ok(once <= rules)
    }),
  )
})

test('neither the order of the rows, nor names, nor the date matter', () => {
  fc.assert(
    fc.property(occasions, fc.integer({ min: 1, max: 1e6 }), (seen, seed) => {
      const said = estimateUnseen(seen, watch)
      const moved = shuffled(seen, seeded(seed)).map(({ rule, at, weight }) => ({
        rule: `other ${rule}`,
        at: at + seed * STEP_MS,
        weight,
      }))
      const shift = seed * STEP_MS
      assert.deepEqual(estimateUnseen(moved, { ...watch, from: shift, until: watch.until + shift }), said)
    }),
  )
})

test('three minutes are refused, however busy and however uniform they were', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 0, max: STEP_MS - 1 }),
      fc.constantFrom(1, 1_000),
      (rules, offset, weight) => {
        // Both sides of a step's border: each rule is there twice, and has come back only to the eye.
        const seen: Occasion[] = Array.from({ length: rules }, (_, i) => `r${i}`).flatMap((rule) => [
          { rule, at: 0, weight },
          { rule, at: STEP_MS, weight },
        ])
        const until = Math.max(STEP_MS + 1, offset + 180_000)
        const { verdict, why } = judgeGate(estimateUnseen(seen, { from: 0, until, horizonMs: DAY_MS }))
        assert.equal(verdict, 'wait')
        assert.match(why, /min watched/)
      },
    ),
  )
})
