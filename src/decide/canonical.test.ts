import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { meaning, sameMeaning } from './canonical.ts'

/** Few names and few values, so that two of them are often alike; names that every object inherits are names as others. */
const { state } = fc.letrec((tie) => ({
  state: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<unknown>(0, 1, '', null),
    fc.array(tie('state'), { maxLength: 2 }),
    fc.dictionary(
      fc.constantFrom('p', 'text', 'why', 'constructor', '__proto__'),
      fc.oneof(tie('state'), fc.constant(undefined)),
      { maxKeys: 3 },
    ),
  ),
}))

test('comparing two states is comparing what they mean', () => {
  let alike = 0
  fc.assert(
    fc.property(state, state, (a, b) => {
      if (meaning(a) === meaning(b)) alike++
      assert.equal(sameMeaning(a, b), meaning(a) === meaning(b))
      assert.ok(sameMeaning(a, structuredClone(a)))
    }),
    { numRuns: 5_000 },
  )
  assert.ok(alike > 50, `${alike}`)
})

test('a probability and its sentence are told; a sentence without one counts, on either side', () => {
  const said = { rule: 'r', text: 'with 0.8', p: 0.8 }
  assert.ok(sameMeaning(said, { rule: 'r', text: 'with 0.9', p: 0.9 }))
  assert.ok(!sameMeaning(said, { rule: 'r', text: 'for certain' }))
  assert.ok(!sameMeaning({ rule: 'r', text: 'for certain' }, said))
  assert.ok(sameMeaning(said, { rule: 'r', p: 0.9 }))
  assert.ok(!sameMeaning({}, { constructor: 1 }))
})
