import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ruleOf, type Spoken } from './rule-of.ts'

const spoken = (change: Partial<Spoken>): Spoken => ({
  peer: '198.51.100.7',
  port: 443,
  proto: 6,
  direction: 'initiated',
  flows: 1,
  failed: 0,
  ...change,
})
const nobody = () => null

test('a policy names who, not which address', () => {
  assert.equal(ruleOf(spoken({}), nobody), 'initiated 6/443 198.51.100.0/24')
  assert.equal(ruleOf(spoken({ peer: '2001:db8:64:1::9' }), nobody), 'initiated 6/443 2001:db8:64::/48')
  assert.equal(
    ruleOf(spoken({}), () => 'persona Database'),
    'initiated 6/443 persona Database',
  )
  assert.equal(ruleOf(spoken({ peer: 'no address' }), nobody), 'initiated 6/443 no address')
})

test('who is served from outside is anyone; at home it is a network', () => {
  assert.equal(ruleOf(spoken({ direction: 'served' }), nobody), 'served 6/443 anyone')
  assert.equal(ruleOf(spoken({ direction: 'served', peer: '10.1.2.3' }), nobody), 'served 6/443 10.1.2.0/24')
  assert.equal(ruleOf(spoken({ direction: 'served', peer: 'fe80::1' }), nobody), 'served 6/443 fe80::/48')
})

test('dynamic ports are one service, and what nobody answered is none', () => {
  assert.equal(ruleOf(spoken({ port: 50_001 }), nobody), ruleOf(spoken({ port: 65_535 }), nobody))
  assert.notEqual(ruleOf(spoken({ port: 49_151 }), nobody), ruleOf(spoken({ port: 49_150 }), nobody))
  assert.equal(ruleOf(spoken({ direction: 'served', flows: 3, failed: 3 }), nobody), null)
  assert.notEqual(ruleOf(spoken({ direction: 'served', flows: 3, failed: 2 }), nobody), null)
  assert.notEqual(ruleOf(spoken({ direction: 'served', flows: 0, failed: 0 }), nobody), null)
  assert.notEqual(ruleOf(spoken({ flows: 3, failed: 3 }), nobody), null)
})
