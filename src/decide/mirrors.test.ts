/** Rules that mirror: an allow in the list, and beside it what is copied; of every persona that is worn, and of its ladder. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { AGENT, beliefIn, decideInput, workloadRecord } from '../../test/decide-input.ts'
import { facetWords } from '../api/facet-words.ts'
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
      - { action: mirror, direction: egress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 80 }] }
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
kind: Persona
metadata: { name: Whole }
spec:
  profile:
    inspection: signatures
    rules: [{ action: mirror, direction: egress, peers: [{ any: true }] }]
---
apiVersion: guise/v1
kind: Policy
metadata: { name: names }
spec:
  mode: enforce
  subjects: { persona: Watched }
  rules:
    - { action: mirror, direction: ingress, peers: [{ cidr: 10.0.0.0/8, except: [10.9.0.0/16] }], ports: [{ protocol: udp, port: 53, to: 54 }, { protocol: icmp, type: 8 }, { protocol: sctp }] }
---
apiVersion: guise/v1
kind: Policy
metadata: { name: seen }
spec:
  mode: observe
  rules: [{ action: mirror, direction: egress, peers: [{ any: true }] }]
`
const decided = (record: WorkloadRecord) => decide(decideInput(MANIFESTS, [record]))
const stateOf = (record: WorkloadRecord) => decided(record).plan?.agents[AGENT]?.workloads[0]

const OWN = { rule: 'persona:watched/mirror/0', direction: 'egress' } as const

test('it is an allow with its why, and says what is copied; one that is only observed copies nothing', () => {
  const state = stateOf(workloadRecord(1, 'Watched'))
  assert.ok(state !== undefined && Value.Check(DesiredState, state))
  const named = { rule: 'names/0', direction: 'ingress' } as const
  const peer = { kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.9.0.0/16'] } as const
  assert.deepEqual(state.inspection, {
    level: 'none',
    mirrored: [
      { ...OWN, match: { peer: { kind: 'any' }, service: { protocol: 'tcp', from: 80, to: 80 } } },
      { ...named, match: { peer, service: { protocol: 'udp', from: 53, to: 54 } } },
      { ...named, match: { peer, service: { protocol: 'icmp', type: 8 } } },
      { ...named, match: { peer, service: { protocol: 'sctp-any' } } },
    ],
  })
  assert.deepEqual(
    state.egress.rules.map(({ verdict, why }) => [verdict, why.text]),
    [['allow', 'persona Watched rule 1: mirror egress to anyone on tcp 80']],
  )
  assert.equal(facetWords(state).inspection, 'rules: what is mirrored by persona:watched/mirror/0, names/0, both ways')
})

test('where no link carries it, it is refused; beside another persona it is copied all the same', () => {
  const record = workloadRecord(1, 'Watched')
  const host = { ...record, report: { ...record.report, driver: 'host' as const, interface: null } }
  assert.match(
    decided(host).skipped[0]?.why.text ?? '',
    /driver host does not carry inspection, which persona:watched\/mirror\/0 asks for/,
  )
  const beside = stateOf(workloadRecord(2, 'Plain', { belief: beliefIn({ Watched: 0.9 }) }))
  assert.ok(beside?.merged !== undefined)
  assert.ok(beside.inspection?.mirrored?.some(({ rule }) => rule === OWN.rule))
})

test('where every packet is copied anyway, rules add nothing', () => {
  assert.deepEqual(stateOf(workloadRecord(3, 'Whole'))?.inspection, { level: 'signatures' })
})

test('lint: nothing before it hides a mirror but another one; to copy for everyone is to let everyone through', () => {
  const found = (action: string) => {
    const parsed = parseManifests(
      `{apiVersion: guise/v1, kind: Policy, metadata: {name: a}, spec: {rules: [
        {action: ${action}, direction: egress, peers: [{any: true}]},
        {action: mirror, direction: egress, peers: [{cidr: 0.0.0.0/0}]}]}}`,
      { file: 'x' },
    )
    assert.ok(parsed.ok)
    return lintRules(parsed.value).map(({ kind, index }) => `${kind} ${index}`)
  }
  const isHidden = (action: string) => found(action).some((one) => one.startsWith('shadowed'))
  assert.deepEqual([isHidden('allow'), isHidden('deny'), isHidden('mirror')], [false, false, true])
  assert.ok(found('deny').some((one) => one.startsWith('broad')))
})
