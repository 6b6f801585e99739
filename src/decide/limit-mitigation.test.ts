/** `do: limit`: what a workload does is bounded while its risk is up, as a containment; it gives way to what takes away more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { AGENT, confirmed, decideInput, NOW, riskOfValue, workloadRecord } from '../../test/decide-input.ts'
import { DesiredState } from '../model/desired.ts'
import { judgeState } from './blast.ts'
import { type DecideInput, decide } from './plan.ts'

const MANIFESTS = `
apiVersion: guise/v1
kind: Persona
metadata: { name: Bounded }
spec:
  profile: { default: { egress: allow, ingress: allow } }
  mitigationRules:
    - { when: "risk >= 0.9", do: deny, ttl: 15m }
    - { when: "risk >= 0.7", do: limit, limit: { flowsPerSecond: 5 }, ttl: 15m }
    - { when: "risk >= 0.5", do: limit, limit: { flowsPerSecond: 20 }, ttl: 15m }
`
const at = (risk: number) => [workloadRecord(1, 'Bounded', { risk: riskOfValue(risk) })]
const stateOf = (decided: ReturnType<typeof decide>) => decided.plan?.agents[AGENT]?.workloads[0]
const next = (input: DecideInput, decided: ReturnType<typeof decide>, risk: number, later = 0) => ({
  ...confirmed(input, decided),
  workloads: at(risk),
  now: input.now + later,
})

test('it begins as a containment, tightens at once, loosens when its time is over', () => {
  const bare = decideInput(MANIFESTS, at(0.1))
  const calm = next(bare, decide(bare), 0.6)
  const first = decide(calm)
  assert.equal(first.plan?.direction, 'containment')
  const held = stateOf(first)!
  assert.deepEqual(held.containment, {
    directions: 'none',
    limit: { unit: 'flows', perSecond: 20 },
    until: NOW + 900_000,
    why: held.containment!.why,
  })
  assert.equal(held.containment!.why.rule, 'persona:bounded/mitigation/2')
  assert.ok(Value.Check(DesiredState, held))
  const talk = { peer: '203.0.113.9', proto: 6, port: 443 }
  assert.equal(judgeState(held, 'egress', talk, first.plan!.agents[AGENT]!, () => []).verdict, 'allow')

  const risen = next(calm, first, 0.8)
  const second = decide(risen)
  assert.deepEqual(stateOf(second)?.containment?.limit, { unit: 'flows', perSecond: 5 })
  const fallen = next(risen, second, 0.6, 60_000)
  assert.equal(decide(fallen).plan, null, 'a greater limit waits')

  const cut = decide(next(risen, second, 0.95))
  assert.equal(cut.plan?.direction, 'containment')
  assert.deepEqual(
    [stateOf(cut)?.containment?.directions, stateOf(cut)?.containment?.limit?.perSecond],
    ['egress', 5],
    'what others open to it stays bounded',
  )
  const late = next(next(risen, second, 0.95), cut, 0.6, 800_000)
  assert.equal(decide(late).plan, null, 'a bound that holds still makes no cut longer')
  const over = decide({ ...late, now: NOW + 901_000 })
  assert.deepEqual([stateOf(over)?.containment?.directions, stateOf(over)?.containment?.limit?.perSecond], ['none', 20])
})

for (const [unit, less, bound] of [
  ['flows', 'flowsPerSecond: 20', { unit: 'flows', perSecond: 20 }],
  ['bytes', 'bytesPerSecond: 5000', { unit: 'bytes', perSecond: 5000 }],
] as const)
  test(`a bound is not renewed by a rule that asks for less (${unit}): it ends, and the other takes hold`, () => {
    const bare = decideInput(MANIFESTS.replace('flowsPerSecond: 20', less), at(0.1))
    const risen = next(bare, decide(bare), 0.8)
    const strict = decide(risen)
    assert.equal(stateOf(strict)?.containment?.limit?.perSecond, 5)
    const fallen = next(risen, strict, 0.6)
    assert.equal(decide({ ...fallen, now: NOW + 700_000 }).plan, null, 'neither renewed nor loosened')
    const after = stateOf(decide({ ...fallen, now: NOW + 901_000 }))?.containment
    assert.deepEqual([after?.limit, after?.until], [bound, NOW + 1_801_000])

    const still = decide({ ...next(risen, strict, 0.8), now: NOW + 700_000 })
    assert.equal(stateOf(still)?.containment?.until, NOW + 1_600_000, 'its own rule renews it')
    const cut = stateOf(decide({ ...next(risen, strict, 0.95), now: NOW + 890_000 }))?.containment
    assert.deepEqual([cut?.directions, cut?.until], ['egress', NOW + 1_790_000], 'a cut has its whole time')
  })
