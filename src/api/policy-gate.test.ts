import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiFixture } from '../../test/api.ts'

const policy = (name: string, action: 'allow' | 'deny', more: object = {}) => ({
  apiVersion: 'guise/v1',
  kind: 'Policy',
  metadata: { name },
  spec: { mode: 'enforce', rules: [{ action, direction: 'egress', peers: [{ cidr: '203.0.113.0/24' }] }], ...more },
})
const tests = [{ from: '10.0.0.7', to: '203.0.113.9', protocol: 'tcp', port: 443, expect: 'deny' }]

test('a policy whose tests fail is not kept; nor one that breaks the tests of another', async () => {
  await using f = await apiFixture()
  const refused = await f.as('operator', {
    method: 'POST',
    url: '/v1/policies',
    payload: policy('p', 'allow', { tests }),
  })
  assert.equal(refused.statusCode, 422)
  assert.equal(refused.json().code, 'policy-test-failed')
  assert.deepEqual(refused.json().errors, [
    {
      pointer: '/spec/tests/0',
      message:
        'test from 10.0.0.7 to 203.0.113.9 tcp 443: expected deny, got allow by policy p rule 1: allow egress to 203.0.113.0/24 [p/0]',
    },
  ])
  assert.equal((await f.as('viewer', '/v1/policies/p')).statusCode, 404)
  const kept = await f.as('operator', { method: 'POST', url: '/v1/policies', payload: policy('p', 'deny', { tests }) })
  assert.equal(kept.statusCode, 201)

  const first = policy('before', 'allow', { priority: 1 })
  const breaking = await f.as('operator', { method: 'POST', url: '/v1/manifests', payload: [first] })
  assert.equal(breaking.statusCode, 422)
  assert.match(breaking.json().errors[0].message, /^policy p, test from 10\.0\.0\.7 .* by policy before rule 1/)
  const changed = await f.as('operator', {
    method: 'PUT',
    url: '/v1/policies/p',
    headers: { 'if-match': '*' },
    payload: policy('p', 'allow', { tests }),
  })
  assert.equal(changed.statusCode, 422)
  const both = [first, policy('p', 'deny', { tests: [{ ...tests[0], expect: 'allow' }] })]
  const applied = await f.as('operator', { method: 'POST', url: '/v1/manifests', payload: both })
  assert.equal(applied.statusCode, 200)
  assert.deepEqual(
    applied.json().tests.map((one: { passed: boolean; policy: string }) => [one.policy, one.passed]),
    [['p', true]],
  )
})

test('text is told by line and column', async () => {
  await using f = await apiFixture()
  const payload = `apiVersion: guise/v1
kind: Policy
metadata: {name: q}
spec:
  rules: [{action: deny, direction: egress, peers: [{any: true}]}]
  tests:
    - {from: 10.0.0.7, to: 203.0.113.9, protocol: tcp, expect: allow}
`
  const answer = await f.as('operator', {
    method: 'POST',
    url: '/v1/manifests?dry_run=true',
    headers: { 'content-type': 'application/yaml' },
    payload,
  })
  assert.equal(answer.statusCode, 422)
  const [fault] = answer.json().errors
  assert.deepEqual([fault.pointer, fault.line, fault.column], ['/0/spec/tests/0', 7, 7])
})
