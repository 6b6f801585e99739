import assert from 'node:assert/strict'
import { test } from 'node:test'
import { confirmed, decideInput, NOW, riskOfValue, workloadRecord } from '../../test/decide-input.ts'
import type { ResolvedRule, RuleList } from '../model/desired.ts'
import type { ShiftId } from '../model/ids.ts'
import type { ShiftRecord } from '../model/records.ts'
import { APPROVAL_ROWS, approvalOf, type Change } from './authority.ts'
import { createWidening } from './authority-widens.ts'
import { decide } from './plan.ts'

const QUIET: Change = {
  isContainment: false,
  fleet: 40,
  moved: 1,
  cut: 0,
  failSafeGone: [],
  trusted: { auto: [], one: [], two: [] },
  widenedByItself: () => [],
  widened: () => 0,
  switchedOff: [],
}
const EACH: readonly (readonly [string, string, Partial<Change>])[] = [
  ['approval/fail-safe', 'two', { failSafeGone: ['failsafe/dns-udp'] }],
  ['approval/trusts-belief', 'two', { trusted: { auto: [], one: ['a'], two: ['b'] } }],
  ['approval/half-the-fleet', 'two', { moved: 21, cut: 1 }],
  ['approval/trusts-belief', 'one', { trusted: { auto: [], one: ['a'], two: [] } }],
  ['approval/switches-off', 'one', { switchedOff: ['a'] }],
  ['approval/widens-by-itself', 'one', { widenedByItself: () => ['a', 'b', 'c', 'd'] }],
  ['approval/quarter-of-fleet', 'one', { moved: 11, cut: 1 }],
  ['approval/widens-many', 'one', { moved: 21, widened: () => 21 }],
  ['approval/containment', 'auto', { isContainment: true, widenedByItself: () => ['a'] }],
  ['approval/small', 'auto', {}],
]

test('each row of the table, and the row that needs most people wins', () => {
  assert.deepEqual(
    EACH.map(([, , more]) => {
      const { approval, why } = approvalOf({ ...QUIET, ...more })
      return [why.rule, approval]
    }),
    EACH.map(([rule, approval]) => [rule, approval]),
  )
  assert.equal(EACH.length, APPROVAL_ROWS.length)
  const order = { two: 0, one: 1, auto: 2 }
  for (const [i, row] of APPROVAL_ROWS.entries())
    assert.ok(i === 0 || order[row.approval] >= order[APPROVAL_ROWS[i - 1]!.approval], row.rule)
})

const PERSONAS = `
apiVersion: guise/v1
kind: Persona
metadata: { name: Narrow }
spec:
  profile: { default: { egress: deny, ingress: allow } }
  mitigationRules: [{ when: "risk >= 0.5", do: deny, ttl: 15m }]
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Wide }
spec: { profile: { default: { egress: allow, ingress: allow } } }
`
const fleet = (n: number, risk: number | null = null) =>
  Array.from({ length: n }, (_, i) =>
    workloadRecord(i + 1, 'Narrow', { risk: risk === null ? null : riskOfValue(risk) }),
  )
const calm = (n: number) => {
  const input = decideInput(PERSONAS, fleet(n))
  return confirmed(input, decide(input))
}
const shift = (by: string): ShiftRecord => ({
  id: 's_1' as ShiftId,
  tenant: 'main' as ShiftRecord['tenant'],
  workload: 'w_1' as ShiftRecord['workload'],
  from: null,
  to: { id: 'wide' as never, name: 'Wide', version: 1 },
  plan: null,
  state: 'proposed',
  requestedBy: by,
  why: [],
  until: null,
  createdAt: NOW,
  updatedAt: NOW,
  version: 1,
})

test('what widens is one person’s word when a person asked, and needs one when automation did', () => {
  const input = calm(3)
  assert.equal(decide({ ...input, shifts: [shift('kim')] }).plan?.approval, 'auto')
  const byItself = decide({ ...input, shifts: [shift('guise')] }).plan
  assert.equal(byItself?.approval, 'one')
  assert.equal(byItself.approvalWhy.text, 'one person: automation would let w1 reach more, and nobody asked for that')
})

test('a budget hides nothing that is let through, and one that goes lets more through', () => {
  const bounded = PERSONAS.replace(
    'egress: allow, ingress: allow } }',
    'egress: allow, ingress: allow }, dlp: { burst: { bytes: 1MiB, within: 1m } } }',
  )
  const input = decideInput(bounded, fleet(3))
  const worn = confirmed(input, decide(input))
  assert.equal(decide({ ...worn, shifts: [shift('guise')] }).plan?.approval, 'one')
  const why = { rule: 'r', text: '' }
  const budget = (bytes: number, seconds = 60): ResolvedRule => ({
    verdict: 'deny',
    match: { peer: { kind: 'any' }, service: null },
    why,
    beyond: { kind: 'bytes', bytes, seconds, per: 'workload' },
  })
  const lists = (otherwise: 'allow' | 'deny', ...rules: ResolvedRule[]) => {
    const list: RuleList = { rules, otherwise, why }
    return { egress: list, ingress: list }
  }
  const widens = createWidening()
  const open = lists('allow', budget(1e6))
  assert.equal(widens(open, lists('allow')), true, 'without its budget')
  assert.equal(widens(open, lists('allow', budget(2e6))), true, 'with a greater one')
  assert.equal(widens(open, lists('allow', budget(1e6, 30))), true, 'with the same for half the time')
  assert.equal(widens(open, lists('allow', budget(1e5, 90))), false, 'with a smaller one')
  assert.equal(widens(open, lists('deny')), false, 'what is denied needs no budget')
  assert.equal(widens(lists('allow'), open), false)
})

test('a fail-safe path goes only with two people', () => {
  const input = calm(3)
  const without = { ...input, settings: { ...input.settings, failSafeOff: ['failsafe/dns-udp'] } }
  const { plan } = decide(without)
  assert.equal(plan?.approval, 'two')
  assert.equal(plan.approvalWhy.text, 'two people: it takes the fail-safe path failsafe/dns-udp away')
  const moved = { ...input, controlPlane: [{ cidr: '192.0.2.1', port: 7070 }] }
  assert.equal(decide({ ...confirmed(moved, decide(moved)), controlPlane: [] }).plan?.approval, 'auto')
})

test('a cap trips on a share of the fleet, and then only suggests until somebody resumes it', () => {
  const burst = { ...calm(12), workloads: fleet(12, 0.8) }
  const wide = { ...burst, settings: { ...burst.settings, maxChangesPerMinute: 100 } }
  const tripping = decide(wide)
  assert.equal(tripping.plan, null)
  assert.deepEqual([tripping.alarms[0]?.rule, tripping.trip?.rule], ['cap/share-of-fleet', 'cap/share-of-fleet'])
  assert.match(tripping.alarms[0]!.text, /above the cap of 25 % of 12 workloads within a minute/)
  const tripped = { ...wide.settings, tripped: { at: NOW, by: 'guise', why: tripping.trip! } }
  const after = decide({
    ...wide,
    workloads: fleet(12).map((one, i) => (i === 0 ? fleet(1, 0.8)[0]! : one)),
    settings: tripped,
  })
  assert.equal(after.plan, null, 'one alone would be below the cap')
  assert.equal(after.alarms.length, 0, 'said once')
  assert.match(after.wouldDo[0]!.why.text, /^contain it/)
  const asked = decide({ ...wide, workloads: fleet(12), settings: tripped, shifts: [shift('kim')] })
  assert.equal(asked.plan?.steps.length, 1, 'a person’s word goes on')
})
