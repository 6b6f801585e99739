import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { DATA, needData } from '../../../test/need.ts'
import { parseManifests, problemText } from '../manifest.ts'
import { resolve } from '../resolve.ts'
import { importPolicies } from './import-policies.ts'

const imported = (text: string, file = 'k.yaml') => {
  const found = importPolicies([{ file, text }])
  assert.deepEqual(found.problems.map(problemText), [])
  return found
}
const told = (text: string) => importPolicies([{ file: 'k.yaml', text }]).problems.map(problemText)

const SAMPLE = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: db
  namespace: shop
  annotations: {any: thing}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - podSelector: {matchLabels: {app: api}}
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops, team: sre}}
          podSelector: {}
        - ipBlock: {cidr: 10.1.2.3/16, except: [10.1.9.0/24]}
      ports:
        - {port: 5432}
        - {protocol: UDP, port: 6000, endPort: 6010}
        - {port: metrics}
  egress: []
---
apiVersion: v1
kind: Service
metadata: {name: db}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: ops}
spec:
  tier: Admin
  priority: 7
  subject: {namespaces: {}}
  ingress:
    - name: let ops in
      action: Pass
      from: [{namespaces: {matchLabels: {team: sre}}}]
      protocols: [{sctp: {destinationPort: {range: {start: 1, end: 9}}}}]
`

test('every rule says of which file and line it was made', () => {
  const { manifests, notes } = imported(SAMPLE, 'shop.yaml')
  assert.deepEqual(notes, [{ where: 'shop.yaml:23', text: 'Service is no policy, so it is passed over' }])
  assert.deepEqual(
    manifests.map(({ metadata, spec }) => [metadata.name, spec.tier ?? 'policies', spec.priority, spec.subjects]),
    [
      ['np.shop.db', 'policies', 5000, { labels: { namespace: 'shop', app: 'db' } }],
      ['np.shop.db.end', 'policies', 9000, { labels: { namespace: 'shop', app: 'db' } }],
      ['cnp.ops', 'admin', 7, { matchExpressions: [{ key: 'namespace', operator: 'Exists' }] }],
    ],
  )
  assert.deepEqual(manifests[0]!.spec.rules, [
    {
      action: 'allow',
      direction: 'ingress',
      peers: [
        { labels: { namespace: 'shop', app: 'api' } },
        { labels: { namespace: 'ops', 'namespace/team': 'sre' } },
        { cidr: '10.1.0.0/16', except: ['10.1.9.0/24'] },
      ],
      ports: [
        { protocol: 'tcp', port: 5432 },
        { protocol: 'udp', port: 6000, to: 6010 },
        { name: 'metrics', protocol: 'tcp' },
      ],
      origin: 'shop.yaml:11',
    },
  ])
  const enforced = manifests.map((one) => ({ ...one, spec: { ...one.spec, mode: 'enforce' as const } }))
  const whys = resolve({ ref: { id: 'p' as never, name: 'P', version: 1 }, spec: {} }, enforced).ingress.rules.map(
    ({ why }) => why.text,
  )
  assert.equal(whys[0], 'policy cnp.ops rule 1: pass ingress from namespace/team=sre on sctp 1-9 (shop.yaml:34)')
  assert.ok(whys.every((text) => /\(shop\.yaml:\d+\)$/.test(text)))
  const back = parseManifests(manifests.map((one) => stringify(one)).join('---\n'), { file: 'back' })
  assert.ok(back.ok)
  assert.deepEqual(back.value, manifests)
})

test('what has no counterpart is refused at its place, and then nothing is imported', () => {
  const cluster = (spec: string) =>
    `apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: a}\nspec:\n  tier: Admin\n  priority: 1\n  subject: {namespaces: {}}\n${spec}`
  const network = (spec: string) =>
    `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: n}\nspec:\n${spec}`
  assert.deepEqual(
    [
      cluster('  egress: [{action: Deny, to: [{nodes: {}}]}]'),
      cluster('  egress: [{action: Accept, to: [{domainNames: [example.org]}]}]'),
      cluster('  egress: [{action: Accept, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: web}]}]'),
      cluster('  egress: [{action: Block, to: [{namespaces: {}}]}]'),
      cluster('  ingress: [{action: Deny, from: [{namespaces: {}, pods: {}}]}]'),
      cluster('  ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {}}}]}]'),
      network('  podSelector: {matchLabel: {a: b}}'),
      network('  ingress: [{from: [{ipBlock: {cidr: ten}, podSelector: {}}]}]'),
      network('  ingress: [{from: [{}]}]'),
      network('  ingress: [{ports: [{port: web, endPort: 9}]}]'),
      network('  ingress: [{ports: [{port: 90, endPort: 80}]}]'),
      network('  podSelector: {matchExpressions: [{key: a, operator: In}]}'),
      network('  podSelector: {matchLabels: {namespace: other}}'),
      'apiVersion: networking.k8s.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: a}\n',
      `${network('  {}')}\n---\n${network('  {}')}`,
      '- 1',
      '{{ .Values.x }}: 1',
      '',
    ].map((text) => told(text)[0]),
    [
      'k.yaml:8:33: nodes are no workloads here, so nobody would match. Use networks, namespaces or pods.',
      'k.yaml:8:48: nobody here knows the addresses of a domain. Use networks, namespaces or pods.',
      'k.yaml:8:12: networks give ports no names. Give the number of the port, or make two rules of it.',
      'k.yaml:8:21: "Block" is not known for spec.egress[0].action. Use one of Accept, Allow, Deny, Pass.',
      'k.yaml:8:35: it says both namespaces and pods. Give one of the two.',
      'k.yaml:8:67: destinationPort is a number or a range. Give one of the two.',
      'k.yaml:5:17: "matchLabel" is not a field of spec.podSelector. Did you mean matchLabels?',
      'k.yaml:5:21: an ipBlock stands alone in its peer. Make two peers of it.',
      'k.yaml:5:21: the peer says nobody. Give podSelector, namespaceSelector or ipBlock.',
      'k.yaml:5:43: endPort needs a port that is a number. Give port as a number, or leave endPort out.',
      'k.yaml:5:42: the range 90 to 80 runs backwards. Give an endPort of at least port.',
      'k.yaml:5:36: In does not say which values. Add values.',
      'k.yaml:5:42: the pod label namespace means something of its own here: namespace, namespace/KEY and port/NAME say where a workload is and how its ports are called. Select by another label.',
      'k.yaml:1:13: a NetworkPolicy of "networking.k8s.io/v1beta1" is not understood. Use networking.k8s.io/v1.',
      'k.yaml:9:18: NetworkPolicy n/a is here twice (k.yaml:1). Leave one out.',
      'k.yaml:1:1: this is no manifest. A manifest has apiVersion, kind, metadata and spec.',
      'k.yaml:1:1: With stringKeys, all keys must be strings. Fill in the template ({{ … }}) first.',
      'k.yaml:1:1: there is no manifest here. Give a file with NetworkPolicy manifests.',
    ],
  )
})

test('names that are one id here are kept apart', () => {
  const policy = (namespace: string, name: string) =>
    `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {ingress: [{}]}\n`
  const { manifests } = imported(`${policy('a', 'b-c')}---\n${policy('a-b', 'c')}---\n${policy('a', 'x'.repeat(90))}`)
  assert.equal(new Set(manifests.map(({ metadata }) => metadata.name)).size, 6)
  assert.ok(parseManifests(manifests.map((one) => stringify(one)).join('---\n'), { file: 'back' }).ok)
})

test('the older words mean the same', () => {
  const { manifests } = imported(`apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec:
  subject: {pods: {namespaceSelector: {matchLabels: {a: b}}, podSelector: {matchLabels: {c: d}}}}
  egress:
    - action: Allow
      to: [{namespaces: {matchExpressions: [{key: e, operator: NotIn, values: [f]}]}}]
      ports: [{portNumber: {protocol: UDP, port: 53}}, {portRange: {start: 1, end: 2}}, {namedPort: web}]
`)
  const { metadata, spec } = manifests[0]!
  assert.deepEqual([metadata.name, spec.tier, spec.priority], ['banp.default', 'baseline', 1000])
  assert.deepEqual(spec.subjects, { labels: { 'namespace/a': 'b', c: 'd' } })
  assert.deepEqual(spec.rules[0]!.peers, [
    {
      matchExpressions: [
        { key: 'namespace/e', operator: 'NotIn', values: ['f'] },
        { key: 'namespace', operator: 'Exists' },
      ],
    },
  ])
  assert.deepEqual(spec.rules[0]!.ports, [
    { protocol: 'udp', port: 53 },
    { protocol: 'tcp', port: 1, to: 2 },
    { name: 'web' },
  ])
})

test('whatever the text, it is imported or refused, never thrown on', () => {
  fc.assert(
    fc.property(fc.nat(SAMPLE.length), fc.string({ maxLength: 4 }), (at, junk) => {
      for (const text of [SAMPLE.slice(0, at), SAMPLE.slice(0, at) + junk + SAMPLE.slice(at + junk.length)]) {
        const { manifests, problems } = importPolicies([{ file: 'k.yaml', text }])
        assert.ok(problems.length === 0 || manifests.length === 0)
        const back = parseManifests(manifests.map((one) => stringify(one)).join('---\n'), { file: 'back' })
        assert.ok(back.ok || manifests.length === 0, back.ok ? '' : problemText(back.problems[0]!))
      }
    }),
    { numRuns: 300 },
  )
  for (const text of [
    '\0',
    '['.repeat(100_000),
    'items: '.repeat(9_000),
    'kind: List\nitems: 5',
    'kind: List\nitems: [null, [], 1]',
  ])
    importPolicies([{ file: 'k.yaml', text }])
})

const CYCLONUS = 'policy/cyclonus/networkpolicies'
test('every example of cyclonus is taken in', { skip: needData(CYCLONUS) }, () => {
  const files = globSync('**/*.yaml', { cwd: join(DATA, CYCLONUS) })
  assert.ok(files.length >= 12)
  for (const file of files)
    assert.ok(imported(readFileSync(join(DATA, CYCLONUS, file), 'utf8'), file).manifests.length > 0, file)
})
