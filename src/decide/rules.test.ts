import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from './context.ts'
import { patternRefusal } from './patterns.ts'
import { createRuleEngine } from './rules.ts'

const context: Context = {
  risk: 0.8,
  workload: {
    id: 'w',
    name: 'db1',
    kind: 'namespace',
    persona: 'Database',
    assigned: true,
    labels: { app: 'shop' },
    addresses: ['10.0.0.1'],
  },
  belief: { persona: 'Scanner', p: 0.9, unknown: 0.02, of: { Scanner: 0.9 } },
  evidence: ['beacon', 'scan.horizontal'],
  now: { hour: 19, minute: 0, weekday: 6 },
}
const engine = createRuleEngine()
const holds = (text: string) => {
  const compiled = engine.compile(text)
  return compiled.ok ? compiled.value.evaluate(context).holds : compiled.why
}

test('expressions over the context', () => {
  assert.equal(holds('risk >= 0.7 && now.hour >= 18'), true)
  assert.equal(holds('risk > 1'), false)
  assert.equal(holds('"beacon" in evidence && workload.labels["app"] == "shop"'), true)
  assert.equal(holds('evidence.exists(e, e.startsWith("scan."))'), true)
  assert.equal(holds('belief.persona == "Scanner" && belief.of["Scanner"] > 0.8'), true)
  assert.equal(holds('workload.name.matches("^db[0-9]+$")'), true)
  const missing = engine.compile('workload.labels["tier"] == "x"')
  assert.ok(missing.ok)
  assert.deepEqual(missing.value.evaluate(context), { holds: false, failed: 'No such key: tier' })
})

test('what cannot be judged is refused with a reason', () => {
  assert.match(String(holds('risk')), /is a double, not yes or no/)
  assert.match(String(holds('rsik > 0.5')), /Unknown variable/)
  assert.match(String(holds('risk >')), /Unexpected token/)
  assert.match(String(holds('workload.name.matches(workload.persona)')), /pattern written out/)
  assert.match(String(holds(`${'risk > 0.1 && '.repeat(400)}true`)), /hold together/)
})

test('patterns that may explode are refused', () => {
  for (const bad of [
    '(a+)+$',
    '(a|aa)+',
    '((a)*)*',
    '(a*){10}',
    '(?=a)b',
    '(a)\\1',
    '(?<n>a)\\k<n>',
    '(',
    'a*b*c*d*',
    'x'.repeat(201),
    '(?:a|b)*',
    '[a-z]+x*y+z*',
  ])
    assert.notEqual(patternRefusal(bad), null, bad)
  for (const good of ['^db[0-9]+$', 'a.*b', '(abc)?d', '[(]+[)]', 'a{1,3}', '^(web|api)-[a-z]+$', '\\.example$'])
    assert.equal(patternRefusal(good), null, good)
})
