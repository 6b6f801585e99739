import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyRule } from '../model/policy.ts'
import { checkRule } from './rule-checks.ts'

const told = (more: Partial<PolicyRule>) => {
  const found: string[] = []
  const rule: PolicyRule = { action: 'allow', direction: 'egress', peers: [{ any: true }], ...more }
  checkRule(rule, ['rules', 0], (path, why, cure) => void found.push(`${path.join('.')}: ${why}; ${cure}`))
  return found
}
const limit = { flowsPerSecond: 5 }
const [http, https] = [
  { protocol: 'tcp' as const, port: 80 },
  { protocol: 'tcp' as const, port: 443 },
]

test('a limit counts for one peer and one port, so a rule with a limit has no more', () => {
  assert.deepEqual(told({ limit, ports: [http] }), [])
  assert.deepEqual(told({ limit, ports: [{ ...http, to: 90 }] }), [])
  const several = (n: number) => [
    `rules.0.limit: the limit would hold for each of ${n} peers and ports by itself; make a rule of each`,
  ]
  assert.deepEqual(told({ limit, ports: [http, https] }), several(2))
  assert.deepEqual(
    told({ limit, ports: [http, https], peers: [{ cidr: '10.0.0.0/8' }, { cidr: 'fd00::/8' }] }),
    several(4),
  )
})

test('a log stands on what would not be told without it', () => {
  assert.deepEqual(told({ log: true, ports: [http, https] }), [])
  assert.deepEqual(told({ action: 'reject', log: true }), [
    'rules.0.log: what a reject stops is always told; leave log out',
  ])
})
