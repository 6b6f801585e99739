import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DesiredState, RuleList } from '../model/desired.ts'
import { judgeState } from './blast.ts'

const why = { rule: 'r', text: '' }
const open: RuleList = { rules: [], otherwise: 'allow', why }
const contained = {
  egress: open,
  ingress: open,
  containment: { directions: 'both', until: Number.MAX_SAFE_INTEGER, why },
} as unknown as DesiredState

test('a containment spares who is on the never-block list, each family by its own entries', () => {
  const verdict = (peer: string, neverBlock: readonly string[]) =>
    judgeState(
      contained,
      'egress',
      { peer, proto: 6, port: 443 },
      { failSafe: [], neverBlock: [...neverBlock] },
      () => [],
    ).verdict
  assert.equal(verdict('198.51.100.1', ['198.51.100.0/24']), 'allow')
  assert.equal(verdict('198.51.100.1', []), 'deny')
  assert.equal(verdict('2001:db8::1', ['::/0']), 'allow')
  assert.equal(verdict('198.51.100.1', ['::/0']), 'deny')
  assert.equal(verdict('2001:db8::1', ['0.0.0.0/0']), 'deny')
})
