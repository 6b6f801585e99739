import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beliefIn, NOW, riskOfValue, workloadRecord } from '../../test/decide-input.ts'
import type { Belief } from '../model/belief.ts'
import type { Risk } from '../model/evidence.ts'
import type { Persona } from './effective.ts'
import { mitigate } from './mitigate.ts'
import { createRuleEngine } from './rules.ts'

const engine = createRuleEngine()
const scanner: Belief = { ...beliefIn({ Scanner: 0.95 }), believed: 'Scanner' }

function mitigated(when: string, risk: Risk | null, belief: Belief | null = scanner) {
  const spec = { mitigationRules: [{ when, do: 'isolate', ttl: '15m' }] }
  const persona = { ref: { id: 'p', name: 'P', version: 1 }, spec } as unknown as Persona
  return mitigate(workloadRecord(1, 'P', { belief, risk }), persona, null, NOW, engine)
}
const acts = (...given: Parameters<typeof mitigated>) => mitigated(...given).containment !== null

test('no belief contains alone, whatever a rule says of it', () => {
  for (const when of [
    'belief.persona == "Scanner" && belief.p > 0.9',
    'belief.of["Scanner"] > 0.9',
    'belief.persona != "Database"',
    'belief.unknown > 0.01',
    '!("Database" in belief.of)',
    'workload.kind == "namespace" && belief.p > 0.9',
    'risk >= 0.05 && belief.p > 0.9',
    '"belief" in evidence || belief.p > 0.9',
  ])
    for (const risk of [null, riskOfValue(0.9, 'forgeable')]) {
      if (risk === null && when.startsWith('risk')) continue
      const { containment, skipped } = mitigated(when, risk)
      assert.equal(containment, null, when)
      assert.match(skipped[0]?.text ?? '', /only by a belief or evidence whose source could be forged/)
    }
})

test('beside evidence that nobody forged a belief may narrow a rule, and is not needed by one that does without it', () => {
  const [sure, forged] = [riskOfValue(0.8), riskOfValue(0.8, 'forgeable')]
  for (const when of [
    'risk >= 0.7 && belief.persona == "Scanner"',
    'risk >= 0.7 && belief.persona != "Database"',
    'belief.p > 0.9 && "exfiltration" in evidence',
    'risk >= 0.7 || belief.p > 0.9',
    'risk >= 0.7',
  ]) {
    assert.ok(acts(when, sure), when)
    assert.ok(!acts(when, forged), `${when}, forged`)
  }
  assert.ok(!acts('risk >= 0.7 && belief.persona == "Database"', sure))
  assert.ok(acts('risk >= 0.7', sure, null))
  assert.ok(acts('workload.kind == "namespace"', null, null), 'a fact that a person wrote a rule about')
})
