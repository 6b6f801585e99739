import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FEATURES } from '../features.ts'
import { DEFAULT_MODEL as model } from '../model.ts'
import { describe, familiar, sentence } from './describe.ts'

const at = (name: string) => FEATURES.findIndex((feature) => feature.name === name)
const known = familiar(model)

function clusterAt(centre: Float64Array) {
  return { workloads: ['a', 'b'], windows: 12, centre, spread: 0, newest: 0, exemplars: [] }
}

test('every persona has prototypes of its own', () => {
  assert.deepEqual([...known.keys()].sort(), [...model.personas].sort())
})

test('what is far from everybody is said first, in the words of the feature; what they never do is not', () => {
  const [first] = known.get('Database')!
  const centre = model.novelty.prototypes.slice(first!, first! + FEATURES.length)
  centre[at('flowRate')] = 20
  centre[at('dnsServed')] = 0
  const told = describe(model, known, clusterAt(centre))
  assert.match(told.because[0]!, /^it had \d+ flows a minute$/)
  assert.ok(!told.because.some((line) => line.startsWith('0 %')), told.because.join('; '))
  assert.equal(told.nearest[0]!.persona, 'Database')
})

test('the sentence counts workloads and windows, and fits a description', () => {
  const told = { because: [], nearest: [{ persona: 'Idle', distance: 1.42 }] }
  assert.equal(
    sentence(told, 1, 12),
    'One workload that no persona explains, over 12 windows: alike in no single trait. The nearest persona is Idle, 1.4 times as far as a stranger may be.',
  )
  assert.ok(sentence({ because: ['x'.repeat(600)], nearest: [] }, 3, 9).length <= 500)
})
