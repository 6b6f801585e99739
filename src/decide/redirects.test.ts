/** Rules that redirect: an allow in the list, and beside it where its flows go; the persona's and its policies' in the order of asking. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { AGENT, beliefIn, decideInput, workloadRecord } from '../../test/decide-input.ts'
import { DesiredState } from '../model/desired.ts'
import type { WorkloadRecord } from '../model/records.ts'
import { lintRules } from './lint/lint-rules.ts'
import { parseManifests } from './manifest.ts'
import { decide } from './plan.ts'

const MANIFESTS = `
apiVersion: guise/v1
kind: Persona
metadata: { name: Watched }
spec:
  profile:
    default: { egress: deny, ingress: allow }
    rules:
      - { action: redirect, direction: egress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 80 }], to: { address: 10.0.0.9, port: 8080 } }
  overlap: { strategy: priority, believed: 0.3 }
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Plain }
spec:
  profile: { default: { egress: deny, ingress: allow } }
  overlap: { strategy: priority, believed: 0.3 }
---
apiVersion: guise/v1
kind: Policy
metadata: { name: names }
spec:
  mode: enforce
  subjects: { persona: Watched }
  rules:
    - { action: redirect, direction: egress, peers: [{ cidr: 0.0.0.0/0, except: [10.0.0.0/8] }], ports: [{ protocol: udp, port: 53, to: 54 }], to: { address: 10.0.0.53 } }
`
const decided = (record: WorkloadRecord) =>
  decide({ ...decideInput(MANIFESTS, [record]), controlPlane: [{ cidr: '192.0.2.1', port: 7_070 }] })

test('it is an allow of one family with its why, and says where to, in the order of asking', () => {
  const state = decided(workloadRecord(1, 'Watched')).plan?.agents[AGENT]?.workloads[0]
  assert.ok(state !== undefined && Value.Check(DesiredState, state))
  assert.deepEqual(state.redirects, {
    flows: [
      {
        ...{ rule: 'names/0', cidr: '0.0.0.0/0', except: ['10.0.0.0/8'], protocol: 'udp', from: 53, to: 54 },
        ...{ address: '10.0.0.53', port: null },
      },
      {
        ...{ rule: 'persona:watched/redirect/0', cidr: '0.0.0.0/0', except: [], protocol: 'tcp', from: 80, to: 80 },
        ...{ address: '10.0.0.9', port: 8_080 },
      },
    ],
    spared: [{ cidr: '192.0.2.1', port: 7_070 }],
  })
  assert.deepEqual(
    state.egress.rules.map(({ verdict, why }) => [verdict, why.text]),
    [
      ['allow', 'policy names rule 1: redirect egress to 0.0.0.0/0 except 10.0.0.0/8 on udp 53-54, led to 10.0.0.53'],
      ['allow', 'persona Watched rule 1: redirect egress to anyone on tcp 80, led to 10.0.0.9 port 8080'],
    ],
  )
})

test('where no link carries it, it is refused; it never becomes a plain allow', () => {
  const record = workloadRecord(1, 'Watched')
  const host = { ...record, report: { ...record.report, driver: 'host' as const, interface: null } }
  assert.match(decided(host).skipped[0]?.why.text ?? '', /driver host does not carry redirects/)
  const beside = workloadRecord(2, 'Plain', { belief: beliefIn({ Watched: 0.9 }) })
  const state = decided(beside).plan?.agents[AGENT]?.workloads[0]
  assert.equal(state?.redirects, undefined)
  assert.ok(state?.egress.rules.every(({ why, verdict }) => verdict !== 'allow' || !why.rule.includes('redirect')))
})

test('lint: an allow before it hides no redirect, a deny does', () => {
  const ports = 'ports: [{ protocol: tcp, port: 80 }]'
  const hidden = (action: string) => {
    const parsed = parseManifests(
      `{apiVersion: guise/v1, kind: Policy, metadata: {name: a}, spec: {rules: [
        {action: ${action}, direction: egress, peers: [{cidr: 0.0.0.0/0}], ${ports}},
        {action: redirect, direction: egress, peers: [{cidr: 0.0.0.0/0}], ${ports}, to: {address: 10.0.0.9}}]}}`,
      { file: 'x' },
    )
    assert.ok(parsed.ok)
    return lintRules(parsed.value).map(({ kind }) => kind)
  }
  assert.deepEqual([hidden('allow').includes('shadowed'), hidden('deny').includes('shadowed')], [false, true])
})
