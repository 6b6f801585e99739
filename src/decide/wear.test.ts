/** Overlap and ladders where they meet the rest of the decision: what ends up in a desired state, when, and why. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { AGENT, beliefIn, confirmed, decideInput, NOW, riskOfValue, workloadRecord } from '../../test/decide-input.ts'
import { DesiredState } from '../model/desired.ts'
import type { WorkloadRecord } from '../model/records.ts'
import { judgeState } from './blast.ts'
import { type DecideInput, decide } from './plan.ts'

const PERSONAS = `
apiVersion: guise/v1
kind: Persona
metadata: { name: Shop }
spec:
  profile:
    default: { egress: deny, ingress: allow }
    rules:
      - { action: allow, direction: egress, peers: [{ cidr: 10.1.0.0/16 }], ports: [{ protocol: tcp, port: 443 }] }
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Mailer }
spec:
  profile:
    default: { egress: deny, ingress: allow }
    rules:
      - { action: allow, direction: egress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 25 }] }
      - { action: allow, direction: egress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 587 }] }
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Open }
spec: { profile: { default: { egress: allow, ingress: allow } } }
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Laddered }
spec:
  profile: { default: { egress: allow, ingress: allow } }
  ladder:
    - at: 0.3
      ttl: 30m
      rules: [{ action: deny, direction: egress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 22 }] }]
    - at: 0.5
      dwell: 5m
      rules: [{ action: reject, direction: egress, peers: [{ cidr: 10.0.0.0/8 }] }]
    - { at: 0.9, deny: both }
`
const policy = (overlap: string) => `${PERSONAS}
---
apiVersion: guise/v1
kind: Policy
metadata: { name: mixed }
spec: { mode: enforce, rules: [], overlap: ${overlap} }
`
const state = (input: DecideInput, n = 1) => {
  const found = input.target[AGENT]!.workloads.find((one) => one.workload === `w_${n}`)!
  assert.ok(Value.Check(DesiredState, found), JSON.stringify([...Value.Errors(DesiredState, found)].slice(0, 2)))
  return found
}
const reach = (input: DecideInput, peer: string, port: number) => {
  const agent = input.target[AGENT]!
  const members = (name: string) => agent.sets.find((set) => set.name === name)?.members ?? []
  return judgeState(state(input), 'egress', { peer, proto: 6, port }, agent, members)
}
const worn = (text: string, record: WorkloadRecord) => {
  const input = decideInput(text, [record])
  return confirmed(input, decide(input))
}
const shop = (more: Partial<WorkloadRecord> = {}) => workloadRecord(1, 'Shop', more)
const laddered = (risk: number | null, word: 'sure' | 'forgeable' = 'sure') =>
  workloadRecord(1, 'Laddered', { risk: risk === null ? null : riskOfValue(risk, word) })

test('a policy lets its subjects wear a second persona: by priority its rules come after the first one’s', () => {
  const one = worn(policy('{ with: [{ persona: Mailer, weight: 0.3 }] }'), shop())
  assert.equal(reach(one, '10.1.2.3', 443).verdict, 'allow')
  const mail = reach(one, '203.0.113.9', 25)
  assert.deepEqual([mail.verdict, mail.why.persona, mail.why.p], ['allow', 'Mailer', 0.3])
  assert.equal(reach(one, '203.0.113.9', 443).verdict, 'deny')
  assert.deepEqual(
    state(one).merged?.of.map(({ name, p, word }) => [name, p, word]),
    [
      ['Shop', 0.7, 'assigned'],
      ['Mailer', 0.3, 'assigned'],
    ],
  )
})

test('by share a second persona brings the first ⌈p·n⌉ of its rules', () => {
  const one = worn(policy('{ strategy: share, with: [{ persona: Mailer, weight: 0.4 }] }'), shop())
  assert.deepEqual([reach(one, '203.0.113.9', 25).verdict, reach(one, '203.0.113.9', 587).verdict], ['allow', 'deny'])
})

test('a believed persona takes away and adds nothing, and spares the never-block list', () => {
  const belief = beliefIn({ Shop: 0.4, Mailer: 0.6 })
  const text = policy('{ strategy: strictest, believed: 0.3 }')
  const one = worn(text, shop({ belief }))
  assert.equal(reach(one, '203.0.113.9', 25).verdict, 'deny', 'it would be granted by a belief')
  const lost = reach(one, '10.1.2.3', 443)
  assert.deepEqual([lost.verdict, lost.why.persona, lost.why.p], ['deny', 'Mailer', 0.6])
  const open = decideInput(text, [workloadRecord(1, 'Open', { belief })])
  const spared = { ...open, settings: { ...open.settings, neverBlock: ['203.0.113.9'] } }
  const two = confirmed(spared, decide(spared))
  assert.deepEqual([reach(two, '203.0.113.9', 443).verdict, reach(two, '203.0.113.10', 443).verdict], ['allow', 'deny'])
})

test('what the assigned ones take away together stays, however sure a belief in another is', () => {
  const more = `
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Guarded }
spec:
  profile:
    default: { egress: allow, ingress: allow }
    rules: [{ action: deny, direction: egress, peers: [{ cidr: 203.0.113.0/24 }] }]
    bandwidth: { up: { rate: 2mbit } }
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Plain }
spec: { profile: { default: { egress: allow, ingress: allow } } }`
  const cost = 'strategy: expectedCost, cost: { breach: 10, outage: 1 }'
  const cases = [
    ['Shop', `{ ${cost}, with: [{ persona: Mailer, weight: 0.4 }], believed: 0.5 }`],
    ['Plain', '{ strategy: weighted, with: [{ persona: Guarded, weight: 0.4 }], believed: 0.5 }'],
    ['Plain', '{ strategy: share, with: [{ persona: Guarded, weight: 0.4 }], believed: 0.5 }'],
  ] as const
  for (const [persona, overlap] of cases)
    for (const p of [0, 0.6, 0.98]) {
      const record = workloadRecord(1, persona, { belief: p === 0 ? null : beliefIn({ Open: p }) })
      const one = worn(policy(overlap).replace('\n---', `${more}\n---`), record)
      assert.equal(reach(one, '203.0.113.9', 443).verdict, 'deny', `${overlap} ${p}`)
      if (overlap.includes('weighted')) assert.equal(state(one).bandwidth?.up?.rate, 2e6, String(p))
    }
})

test('a belief is trusted to grant only from the probability a policy names, and its plan waits for approval', () => {
  const text = policy('{ trust: { inferred: 0.95, approval: two } }')
  const before = worn(text, shop({ belief: beliefIn({ Mailer: 0.9 }) }))
  assert.equal(reach(before, '203.0.113.9', 25).verdict, 'deny')
  const sure = { ...before, workloads: [shop({ belief: beliefIn({ Mailer: 0.96 }) })] }
  const granting = decide(sure)
  assert.equal(granting.plan?.approval, 'two')
  assert.match(granting.plan.approvalWhy.text, /a belief grants reach to w1/)
  const granted = confirmed(sure, granting)
  assert.equal(reach(granted, '203.0.113.9', 25).verdict, 'allow')
  const fallen = decide({ ...granted, workloads: [shop({ belief: beliefIn({ Mailer: 0.94 }) })] })
  assert.equal(fallen.plan?.approval, 'auto', 'taking it back waits for nobody')
})

test('a belief that wavers, or a probability that changes nothing, changes no kernel', () => {
  const text = policy('{ strategy: strictest, believed: 0.3 }')
  const one = worn(text, shop({ belief: beliefIn({ Mailer: 0.5 }) }))
  for (const p of [0.42, 0.58, 0.21, 0.9])
    assert.equal(decide({ ...one, workloads: [shop({ belief: beliefIn({ Mailer: p }) })] }).plan, null, String(p))
  const gone = decide({ ...one, workloads: [shop({ belief: beliefIn({ Mailer: 0.15 }) })] })
  assert.equal(reach(confirmed(one, gone), '10.1.2.3', 443).verdict, 'allow')
})

test('a ladder tightens step by step, holds within its hysteresis and dwell, and ends by itself', () => {
  const calm = worn(PERSONAS, laddered(null))
  assert.equal(reach(calm, '203.0.113.9', 22).verdict, 'allow')
  const at = (from: DecideInput, risk: number | null, minutes: number): DecideInput => {
    const input = { ...from, now: NOW + minutes * 60_000, workloads: [laddered(risk)] }
    const decision = decide(input)
    return decision.plan === null ? input : confirmed(input, decision)
  }
  const low = at(calm, 0.35, 1)
  assert.equal(state(low).ladder?.at, 0.3)
  const denied = reach(low, '203.0.113.9', 22)
  assert.deepEqual([denied.verdict, denied.why.rule], ['deny', 'persona:laddered/ladder/0.3/deny/0'])
  assert.match(denied.why.text, /step 0.3 of Laddered's ladder, rule 1/)
  const middle = at(low, 0.55, 2)
  assert.deepEqual([state(middle).ladder?.at, reach(middle, '10.9.9.9', 80).verdict], [0.5, 'deny'])
  assert.equal(reach(middle, '203.0.113.9', 22).verdict, 'deny', 'a step holds all below it')
  assert.equal(state(at(middle, 0.41, 8)).ladder?.at, 0.5, 'within 0.1 of it')
  assert.equal(state(at(middle, 0.35, 4)).ladder?.at, 0.5, 'not before its dwell')
  const down = at(middle, 0.35, 8)
  assert.deepEqual([state(down).ladder?.at, reach(down, '10.9.9.9', 80).verdict], [0.3, 'allow'])
  assert.equal(state(at(down, 0.1, 12)).ladder, undefined)
  const kept = at(middle, 0.55, 14)
  assert.equal(state(kept).ladder?.until, NOW + 29 * 60_000, 'renewed in its last third while the risk is there')
  assert.equal(state(at(middle, 0.1, 18)).ladder, undefined, 'and over after its ttl')
})

test('the step that denies is a containment with the step’s end', () => {
  const calm = worn(PERSONAS, laddered(null))
  const input = { ...calm, workloads: [laddered(0.95)] }
  const first = decide(input)
  assert.equal(first.plan?.direction, 'containment')
  const cut = confirmed(input, first)
  assert.equal(state(cut).containment?.directions, 'both')
  const second = decide(cut)
  assert.equal(second.plan?.direction, 'change', 'the rest of the step right after')
  assert.equal(state(confirmed(cut, second)).ladder?.at, 0.9)
})

test('what could be forged moves nobody up a ladder; never-block is spared by its rules', () => {
  const calm = worn(PERSONAS, laddered(null))
  assert.equal(decide({ ...calm, workloads: [laddered(0.6, 'forgeable')] }).plan, null)
  const settings = { ...calm.settings, neverBlock: ['203.0.113.9'] }
  const input = { ...calm, settings, workloads: [laddered(0.35)] }
  const climbed = confirmed(input, decide(input))
  assert.deepEqual(
    [reach(climbed, '203.0.113.9', 22).verdict, reach(climbed, '203.0.113.8', 22).verdict],
    ['allow', 'deny'],
  )
})

test('a step up does not wait for the approval of something else', () => {
  const fleet = Array.from({ length: 24 }, (_, i) => workloadRecord(i + 1, 'Laddered'))
  const input = decideInput(PERSONAS, fleet)
  const calm = confirmed(input, decide(input))
  const closed = PERSONAS.replace(
    'profile: { default: { egress: allow, ingress: allow } }\n  ladder',
    'profile: { default: { egress: deny, ingress: allow } }\n  ladder',
  )
  const talk = {
    workload: fleet[4]!.id,
    peer: '203.0.113.9',
    port: 443,
    proto: 6,
    direction: 'initiated' as const,
    start: NOW,
    last: NOW,
    flows: 1,
    failed: 0,
    bytesOut: 1,
    bytesIn: 1,
    service: null,
  }
  const waiting = { ...calm, manifests: decideInput(closed, []).manifests, conversations: [talk] }
  assert.equal(decide(waiting).plan?.approval, 'two')
  const risky = { ...waiting, workloads: fleet.map((one, i) => (i === 0 ? { ...one, risk: riskOfValue(0.4) } : one)) }
  const { plan } = decide(risky)
  assert.deepEqual([plan?.approval, plan?.steps.map((step) => step.workload)], ['auto', ['w_1']])
  const climbed = confirmed(risky, { plan })
  assert.deepEqual(
    [reach(climbed, '203.0.113.9', 22).verdict, reach(climbed, '203.0.113.9', 80).verdict],
    ['deny', 'allow'],
  )
})
