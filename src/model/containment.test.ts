import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boundOf, cuts, type Hold, holdText, joinHolds, leavesMore, sameHold } from './containment.ts'

const limit = fc.record({
  unit: fc.constantFrom('flows' as const, 'bytes' as const),
  perSecond: fc.integer({ min: 1, max: 9 }),
})
const hold: fc.Arbitrary<Hold> = fc.oneof(
  fc.record({ directions: fc.constantFrom('none' as const, 'egress' as const), limit }),
  fc.record({ directions: fc.constantFrom('egress' as const, 'both' as const) }),
)
const WAYS = ['egress', 'ingress'] as const

test('two at once leave no more than the first does, and no more flows than the second', () => {
  fc.assert(
    fc.property(hold, hold, (one, other) => {
      const joined = joinHolds(one, other)
      assert.equal(leavesMore(joined, one), false)
      assert.ok(sameHold(joinHolds(joined, one), joined))
      for (const way of WAYS) {
        assert.equal(cuts(joined, way), cuts(one, way) || cuts(other, way))
        const [bound, own] = [boundOf(joined, way), boundOf(one, way)]
        if (own !== null && bound !== null) assert.ok(bound.unit === own.unit && bound.perSecond <= own.perSecond)
      }
    }),
  )
})

test('what leaves more is told: less cut off, a greater limit, another one, none', () => {
  const five = { directions: 'none', limit: { unit: 'flows', perSecond: 5 } } as const
  const six = { directions: 'none', limit: { unit: 'flows', perSecond: 6 } } as const
  const bytes = { directions: 'none', limit: { unit: 'bytes', perSecond: 1 } } as const
  const more: [Hold, Hold][] = [
    [six, five],
    [bytes, five],
    [{ directions: 'egress' }, five],
    [five, { directions: 'egress' }],
    [{ directions: 'egress' }, { directions: 'both' }],
  ]
  for (const [next, old] of more) assert.ok(leavesMore(next, old), `${holdText(next)} after ${holdText(old)}`)
  const less: [Hold, Hold][] = [
    [five, six],
    [{ directions: 'both' }, five],
    [{ ...five, directions: 'egress' }, { directions: 'egress' }],
    [{ ...five, directions: 'egress' }, five],
  ]
  for (const [next, old] of less) assert.ok(!leavesMore(next, old), `${holdText(next)} after ${holdText(old)}`)
  assert.equal(holdText({ ...five, directions: 'egress' }), 'outbound cut off, inbound at most 5 new flows a second')
  assert.equal(holdText(five), 'at most 5 new flows a second each way')
})
