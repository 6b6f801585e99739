import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AgentId, DEFAULT_TENANT, slug, type WorkloadId } from '../model/ids.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import type { ManifestRecord, WorkloadRecord } from '../model/records.ts'
import { effectiveOf, personasOf } from './effective.ts'
import { parseManifests } from './manifest.ts'
import { policyTestText, runPolicyTests } from './policy-tests.ts'

const manifests = (text: string) => {
  const parsed = parseManifests(text, { file: 'test' })
  assert.ok(parsed.ok, parsed.ok ? '' : `${parsed.where} ${parsed.why}`)
  return parsed.value
}
const personas = personasOf(
  manifests(`
apiVersion: guise/v1
kind: Persona
metadata: {name: Database}
spec:
  profile:
    rules: [{action: allow, direction: ingress, peers: [{persona: API Server}], ports: [{protocol: tcp, port: 5432}]}]
    default: {egress: allow, ingress: deny}
---
apiVersion: guise/v1
kind: Persona
metadata: {name: API Server}
spec: {}
---
apiVersion: guise/v1
kind: Persona
metadata: {name: Printer}
spec: {profile: {network: {addresses: [10.5.0.9/24]}}}
`).map((manifest) => ({ manifest, version: 1 }) as ManifestRecord),
)
function workload(n: number, name: string, persona: string | null): WorkloadRecord {
  return {
    id: `w_${n}` as WorkloadId,
    tenant: DEFAULT_TENANT,
    agent: 'a' as AgentId,
    report: {
      key: name,
      name,
      kind: 'namespace',
      driver: 'netns',
      interface: `v${n}`,
      addresses: [`10.77.${n}.2`, `fd00::${n}`],
      labels: { app: name },
    },
    assigned: persona === null ? null : { id: slug(persona) as never, name: persona, version: 1 },
    worn: null,
    wornSince: null,
    containedUntil: null,
    belief: null,
    risk: null,
    rate: { out: 0, in: 0 },
    firstSeen: 0,
    lastSeen: 0,
    version: 1,
  }
}
const fleet = [workload(1, 'db1', 'Database'), workload(2, 'api1', 'API Server'), workload(3, 'spare', null)]
const run = (text: string, entries: { cidr: string; score: number }[] = []) =>
  runPolicyTests({
    policies: manifests(text).filter((one): one is PolicyManifest => one.kind === 'Policy'),
    personas,
    workloads: fleet.map((record) => ({ record, effective: effectiveOf(record, personas, [], 0) })),
    entries,
    homeNetworks: ['10.0.0.0/8', 'fd00::/8'],
    controlPlane: [],
  })
const policy = (spec: string, name = 'p') =>
  `apiVersion: guise/v1\nkind: Policy\nmetadata: {name: ${name}}\nspec: ${spec}\n`
const verdicts = (tests: string, rules: string, more = '') =>
  run(policy(`{${more}rules: [${rules}], tests: [${tests}]}`)).map((one) => `${one.verdict} ${one.why.rule}`)
const one = (from: string, to: string, port = 443, protocol = 'tcp') =>
  `{from: ${from}, to: ${to}, protocol: ${protocol}, port: ${port}, expect: deny}`
const DENY_WEB =
  '{action: deny, direction: egress, peers: [{cidr: 203.0.113.0/24}], ports: [{protocol: tcp, port: 443}]}'

test('addresses, workloads and personas stand on either end; the rule that decided is named', () => {
  assert.deepEqual(
    verdicts(
      [
        one('db1', '203.0.113.9'),
        one('db1', '203.0.113.9', 80),
        one('API Server', '203.0.113.9'),
        one('10.99.0.1', '203.0.113.9'),
        one('API Server', 'db1', 5432),
        one('api1', 'Database', 5432),
        one('spare', 'db1', 5432),
        one('203.0.113.9', 'db1', 5432),
        one('10.77.2.2', '10.77.1.2', 5432),
        one('API Server', 'db1', 53, 'udp'),
      ].join(', '),
      DENY_WEB,
    ),
    [
      'deny p/0',
      'allow default-allow',
      'deny p/0',
      'deny p/0',
      'allow default-allow',
      'allow default-allow',
      'deny default-deny',
      'deny default-deny',
      'allow default-allow',
      'deny default-deny',
    ],
  )
})

test('what cannot be judged fails and says why', () => {
  const results = run(
    policy(
      `{rules: [${DENY_WEB}], tests: [${one('nobody', 'db1')}, ${one('198.51.100.1', '203.0.113.9')}, ${one('Printer', '"2001:db8::1"')}]}`,
    ),
  )
  assert.deepEqual(
    results.map((result) => [result.passed, policyTestText(result)]),
    [
      [false, 'test from nobody to db1 tcp 443 cannot be judged: there is no workload, persona or address nobody'],
      [
        false,
        'test from 198.51.100.1 to 203.0.113.9 tcp 443 cannot be judged: neither 198.51.100.1 nor 203.0.113.9 is a workload, a persona or a home address, so no rule is between them',
      ],
      [
        false,
        'test from Printer to 2001:db8::1 tcp 443 cannot be judged: Printer and 2001:db8::1 have no addresses of one family',
      ],
    ],
  )
})

test('the policy under test is judged as if it enforced, the others as they are', () => {
  const rules = '{action: deny, direction: egress, peers: [{any: true}]}'
  const tests = `tests: [${one('spare', '203.0.113.9', 443)}]`
  const observed = policy(`{rules: [${rules}]}`, 'observed')
  const waiting = policy(`{mode: enforce, when: risk > 0.1, ttl: 5m, rules: [${rules}]}`, 'waiting')
  const allowing = policy(`{rules: [{action: allow, direction: egress, peers: [{any: true}]}], ${tests}}`, 'z')
  assert.equal(run([observed, waiting, allowing].join('---\n'))[0]!.verdict, 'allow')
  const strict = policy(`{mode: enforce, rules: [${rules}]}`, 'strict')
  const [result] = run([strict, allowing].join('---\n'))
  assert.equal(result!.why.rule, 'strict/0')
  assert.equal(result!.passed, true)
  const conditional = policy(`{when: risk > 0.9, ttl: 5m, rules: [${rules}], ${tests}}`)
  assert.equal(run(conditional)[0]!.verdict, 'deny')
})

test('subjects, labels and reputation hold as in a plan; DNS and neighbours are never cut', () => {
  const rules = '{action: deny, direction: egress, peers: [{any: true}]}'
  const tests = [one('db1', '203.0.113.9'), one('api1', '203.0.113.9'), one('db1', '203.0.113.9', 53, 'udp')].join(', ')
  assert.deepEqual(verdicts(tests, rules, 'subjects: {labels: {app: db1}}, '), [
    'deny p/0',
    'allow default-allow',
    'allow failsafe/dns-udp',
  ])
  const low = '{action: deny, direction: egress, peers: [{reputation: {below: 0.3, unrated: allow}}]}'
  const spec = policy(`{rules: [${low}], tests: [${one('spare', '203.0.113.9')}, ${one('spare', '198.51.100.1')}]}`)
  assert.deepEqual(
    run(spec, [{ cidr: '203.0.113.0/24', score: 0.1 }]).map((result) => result.passed),
    [true, false],
  )
})
