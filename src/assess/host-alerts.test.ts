import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHostAlerts } from './host-alerts.ts'
import { riskOf } from './risk.ts'

const alert = (rule: string, severity: 1 | 2 | 3, at = 1_000, key = 'web') => ({
  key,
  at,
  sensor: 'Falco',
  rule,
  severity,
})

test('alerts of one workload are one evidence, told once, of the worst; alone they contain nobody', () => {
  const alerts = createHostAlerts()
  alerts.take(alert('shell in a container', 2))
  alerts.take(alert('shell in a container', 2, 2_000))
  alerts.take(alert('container escape', 1, 3_000))
  const [found, ...none] = alerts.evaluate(2_500)
  assert.deepEqual([none, alerts.evaluate(4_000)], [[], []])
  const { evidence, key } = found!
  assert.deepEqual(
    [key, evidence.kind, evidence.at, evidence.authenticated, evidence.peer],
    ['web', 'sensor.alert', 2_500, false, null],
  )
  assert.equal(
    evidence.why,
    'Falco alerted on what its programs do: "container escape" (severity 1), 3 alerts of 2 rules in all',
  )
  assert.equal(evidence.weight, 2.25)
  assert.ok(riskOf([evidence], 2_500).value < 0.5)
})

test('a thousand rules weigh no more than the bound, and who is quiet for long begins anew', () => {
  const alerts = createHostAlerts()
  for (let n = 0; n < 1_000; n++) alerts.take(alert(`rule ${n}`, 3))
  assert.equal(alerts.evaluate(1_000)[0]!.evidence.weight, 0.4 + 0.25 * 6)
  alerts.evaluate(10_000_000)
  assert.equal(alerts.counters.held, 0)
  alerts.take(alert('rule', 3, 10_000_000))
  assert.equal(alerts.evaluate(10_000_001)[0]!.evidence.figures.alerts, 1)
})

test('one that was stamped while the clock was ahead is let go like the others', () => {
  const alerts = createHostAlerts()
  alerts.take(alert('rule', 3, 365 * 86_400_000))
  assert.equal(alerts.evaluate(1_000)[0]!.evidence.at, 1_000)
  alerts.evaluate(10_000_000)
  assert.equal(alerts.counters.held, 0)
})
