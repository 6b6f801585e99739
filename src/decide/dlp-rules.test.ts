import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { ResolvedRule } from '../model/desired.ts'
import { DEFAULT_TENANT, type PersonaId } from '../model/ids.ts'
import type { ManifestRecord } from '../model/records.ts'
import { parseManifests } from './manifest.ts'
import { type DecideInput, decide } from './plan.ts'

const NOW = Date.UTC(2026, 0, 5, 12)
const PERSONA = `apiVersion: guise/v1
kind: Persona
metadata: { name: Web }
spec:
  profile:
    default: { egress: allow, ingress: allow }
    rules: [{ action: allow, direction: egress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 443 }] }]
    dlp:
      budgets:
        - { to: everyone, bytes: 10GiB, per: day }
        - { to: unrated, bytes: 50MiB, per: hour }
        - { to: { persona: Web }, bytes: 1GiB, per: hour }
      dnsTunnels: watch
  ladder:
    - { at: 0.7, dlp: { burst: { bytes: 20MiB, within: 10s }, newDestinations: { hold: 10m }, names: ['*.Example.com'] } }
`

function input(risk: number, driver: 'netns' | 'host', text = PERSONA): DecideInput {
  const parsed = parseManifests(text, { file: 'f' })
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.why)
  const record = (manifest: (typeof parsed.value)[number]) =>
    ({ kind: 'Persona', id: 'web', tenant: DEFAULT_TENANT, manifest, version: 1 }) as unknown as ManifestRecord
  const term = {
    evidence: { authenticated: true, kind: 'manual', why: '' },
    logOdds: Math.log(risk / (1 - risk)) + 2.6,
  }
  return {
    now: NOW,
    seed: 1,
    tenant: DEFAULT_TENANT,
    settings: {
      homeNetworks: ['10.0.0.0/8'],
      neverBlock: ['203.0.113.9/32'],
      resolvers: ['10.0.0.53'],
      maxChangesPerMinute: 10,
      confirmWithinMs: 30_000,
      version: 1,
    },
    agents: [{ id: 'a1', mode: 'enforce' }] as unknown as DecideInput['agents'],
    workloads: [
      {
        id: 'w_1',
        tenant: DEFAULT_TENANT,
        agent: 'a1',
        report: {
          key: 'w1',
          name: 'w1',
          kind: driver === 'host' ? 'host' : 'namespace',
          driver,
          interface: driver === 'host' ? null : 'w1h',
          addresses: ['10.0.0.5'],
          labels: {},
        },
        assigned: { id: 'web' as PersonaId, name: 'Web', version: 1 },
        belief: null,
        risk: { value: risk, base: -2.6, sum: 0, terms: [term], at: NOW },
      },
    ] as unknown as DecideInput['workloads'],
    manifests: parsed.value.map(record),
    intel: { entries: [{ cidr: '198.51.100.0/24', score: 0.9 }], neverBlock: [], hash: 'h' },
    shifts: [],
    target: {},
    conversations: [],
    controlPlane: [],
    recentChanges: 0,
    activations: {},
  }
}
const stateOf = (given: DecideInput) => Object.values(decide(given).plan!.agents)[0]!
const said = (rules: readonly ResolvedRule[]) =>
  rules.map(({ why, match: { peer }, beyond }) => [
    why.rule,
    peer.kind === 'set' ? `${peer.not === true ? 'not ' : ''}${peer.set.replace(/[0-9a-f]{16}$/, '')}` : peer.kind,
    beyond?.kind ?? 'all',
  ])

test('budgets stand before every rule, in both directions, and count by whom they are for', () => {
  const state = stateOf(input(0.1, 'netns'))
  const [workload] = state.workloads
  const budgets = [
    ['persona:web/dlp/budget/0', 'any', 'bytes'],
    ['persona:web/dlp/budget/1', 'not dlp-familiar', 'bytes'],
    ['persona:web/dlp/budget/2', 'believed:web', 'bytes'],
  ]
  assert.deepEqual(said(workload!.egress.rules), [...budgets, ['persona:web/allow/0', 'any', 'all']])
  assert.deepEqual(said(workload!.ingress.rules), budgets)
  for (const one of workload!.egress.rules) assert.ok(Value.Check(ResolvedRule, one), JSON.stringify(one))
  assert.deepEqual(workload!.egress.rules[1]!.beyond, {
    kind: 'bytes',
    bytes: 50 * 2 ** 20,
    seconds: 3_600,
    per: 'peer',
  })
  assert.equal(workload!.egress.rules[1]!.why.text, 'persona Web: it may send 50MiB to an unrated destination per hour')
  assert.deepEqual(state.sets.find(({ name }) => name === 'dlp-familiar')?.members, [
    '10.0.0.0/8',
    '198.51.100.0/24',
    '203.0.113.9/32',
  ])
  assert.deepEqual(workload!.dlp, { dnsTunnels: 'watch' })
})

test('the step of the ladder adds its own in front; names are learned, and spare who is spared', () => {
  const state = stateOf(input(0.8, 'netns'))
  const { egress, ladder } = state.workloads[0]!
  assert.equal(ladder?.at, 0.7)
  assert.deepEqual(said(egress.rules).slice(0, 3), [
    ['persona:web/ladder/0.7/dlp/name', 'not domain-only:', 'all'],
    ['persona:web/ladder/0.7/dlp/destination', 'not dlp-home', 'new'],
    ['persona:web/ladder/0.7/dlp/burst', 'not spared', 'bytes'],
  ])
  const names = state.sets.find(({ name }) => name.startsWith('domain-only:'))!
  assert.deepEqual(names.members, ['10.0.0.0/8', '203.0.113.9/32'])
  assert.deepEqual(names.learned, { names: ['*.example.com'], resolvers: ['10.0.0.53'], use: 'allow' })
})

test('a driver that cannot keep a budget is refused the persona, and told what of a ladder is left out', () => {
  const decision = decide(input(0.1, 'host'))
  assert.equal(decision.skipped[0]?.why.rule, 'facet-not-supported')
  assert.match(decision.skipped[0]!.why.text, /does not carry dlp/)
  const text = PERSONA.replace(/ {4}dlp:\n(?: {6}.*\n)+/, '')
  const other = decide(input(0.8, 'host', text))
  assert.match(other.skipped[0]!.why.text, /driver host does not carry dlp, so that part is left out/)
  assert.ok(
    Object.values(other.plan!.agents)[0]!.workloads[0]!.egress.rules.every(({ beyond }) => beyond === undefined),
  )
})

test('sizes and spans without a meaning are refused where they stand', () => {
  const problem = (dlp: string) => {
    const text = `apiVersion: guise/v1\nkind: Persona\nmetadata: { name: P }\nspec: { profile: { dlp: ${dlp} } }`
    const parsed = parseManifests(text, { file: 'f' })
    return parsed.ok ? null : parsed.problems[0]!.why
  }
  assert.equal(problem('{ budgets: [{ to: everyone, bytes: 1GiB, per: day }] }'), null)
  assert.equal(problem('{ dnsTunnels: watch, names: [example.com] }'), null)
  for (const bad of [
    '{}',
    '{ budgets: [] }',
    '{ budgets: [{ to: everyone, bytes: 0GiB, per: day }] }',
    '{ budgets: [{ to: everyone, bytes: 1GB, per: day }] }',
    '{ budgets: [{ to: nobody, bytes: 1GiB, per: day }] }',
    '{ burst: { bytes: 1MiB } }',
    '{ newDestinations: { hold: 0s } }',
    '{ names: [] }',
    '{ dnsTunnels: block }',
    '{ packets: 5 }',
  ])
    assert.ok(problem(bad) !== null, bad)
})
