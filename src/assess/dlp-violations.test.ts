import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { Evidence } from '../model/evidence.ts'
import { createDlpViolations } from './dlp-violations.ts'

const T = 1_700_000_000_000
const refusal = (rule: string, more: Partial<Parameters<ReturnType<typeof createDlpViolations>['add']>[0]> = {}) => ({
  from: '10.0.0.5',
  to: '203.0.113.7',
  port: 443,
  rule,
  at: T,
  ...more,
})

test('each kind of rule is its kind of evidence, authenticated, with the rule; other refusals are none', () => {
  const violations = createDlpViolations()
  for (const rule of [
    'persona:web/dlp/budget/0',
    'persona:web/ladder/0.7/dlp/burst',
    'persona:web/dlp/destination',
    'persona:web/dlp/name',
    'persona:web/deny/0',
    'dlp/budgets',
    'persona:web/dlp/budget/0/more',
  ])
    violations.add(refusal(rule))
  const found = violations.evaluate(T)
  for (const one of found) assert.ok(Value.Check(Evidence, one), JSON.stringify(one))
  assert.deepEqual(
    found.map(({ kind, subject, peer, weight, authenticated }) => [kind, subject, peer, weight, authenticated]),
    [
      ['dlp.budget', '10.0.0.5', '203.0.113.7:443', 1.5, true],
      ['dlp.burst', '10.0.0.5', '203.0.113.7:443', 1.5, true],
      ['dlp.destination', '10.0.0.5', '203.0.113.7:443', 0.3, true],
      ['dlp.name', '10.0.0.5', '203.0.113.7:443', 0.7, true],
    ],
  )
  assert.match(
    found[1]!.why,
    /^was kept from sending too much at once, last to .* \(rule persona:web\/ladder\/0\.7\/dlp\/burst\)$/,
  )
})

test('what goes on is said again after a minute and weighs more, within a bound; a budget is one item whoever it was for', () => {
  const violations = createDlpViolations()
  const rule = 'persona:web/dlp/budget/0'
  for (let i = 0; i < 64; i++) violations.add(refusal(rule, { to: `203.0.113.${i}`, at: T + i * 100 }))
  assert.deepEqual(
    violations.evaluate(T + 7_000).map(({ weight, figures }) => [weight, figures.packets]),
    [[3, 64]],
  )
  violations.add(refusal(rule, { at: T + 8_000 }))
  assert.deepEqual(violations.evaluate(T + 8_000), [], 'it was just said')
  assert.equal(violations.evaluate(T + 70_000).length, 1)
  violations.evaluate(T + 3_600_000)
  assert.equal(violations.held, 0, 'forgotten')
})

test("what was sent from an address that is another's now is not held against that one", () => {
  const violations = createDlpViolations()
  const rule = 'persona:web/dlp/budget/0'
  for (const from of ['10.0.0.5', '10.0.0.6']) violations.add(refusal(rule, { from }))
  violations.drop(['10.0.0.5'])
  assert.deepEqual(
    violations.evaluate(T).map(({ subject }) => subject),
    ['10.0.0.6'],
  )
  violations.add(refusal(rule))
  assert.equal(violations.evaluate(T + 1)[0]?.figures.packets, 1)
})

test('what is held is bounded', () => {
  const violations = createDlpViolations()
  for (let i = 0; i < 10_002; i++)
    violations.add(refusal('persona:web/dlp/name', { to: `203.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }))
  assert.deepEqual([violations.held, violations.refused], [10_000, 2])
})

test('a clock that was set back does not make it silent', () => {
  const violations = createDlpViolations()
  const rule = 'persona:web/dlp/budget/0'
  violations.add(refusal(rule))
  assert.equal(violations.evaluate(T).length, 1)
  const before = T - 3_600_000
  violations.add(refusal(rule, { at: before }))
  assert.deepEqual(
    violations.evaluate(before).map(({ at, figures }) => [at, figures.packets]),
    [[before, 1]],
  )
})
