import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PolicyManifest } from '../model/manifest.ts'
import { type LabelExpression, type Policy, type PolicyRule, TIER_ORDER } from '../model/policy.ts'
import type { Persona } from './effective.ts'
import { judge } from './judge.ts'
import { fitsLabels, type LabelQuery, labelsSet } from './label-match.ts'
import { fleetPortNames, ownPortLabels } from './named-ports.ts'
import { believedSet, personaSet } from './peer-sets.ts'
import { resolve } from './resolve.ts'

const any = [{ any: true as const }]
const rule = (action: PolicyRule['action'], more: Partial<PolicyRule> = {}): PolicyRule => ({
  action,
  direction: 'egress',
  peers: any,
  ...more,
})
const policy = (name: string, spec: Partial<Policy>): PolicyManifest => ({
  apiVersion: 'guise/v1',
  kind: 'Policy',
  metadata: { name },
  spec: { mode: 'enforce', rules: [rule('deny')], ...spec },
})
const persona = (rules: PolicyRule[]): Persona => ({
  ref: { id: 'p' as never, name: 'P', version: 1 },
  spec: { profile: { rules, default: { egress: 'deny', ingress: 'allow' } } },
})
const ids = (rules: readonly { readonly why: { readonly rule: string } }[]) => rules.map(({ why }) => why.rule)

test('rules stand by tier, then priority, then name; the own ones after policies, before baseline', () => {
  const { egress } = resolve(persona([rule('allow')]), [
    policy('base', { tier: 'baseline', priority: 0 }),
    policy('b', {}),
    policy('a', {}),
    policy('last', { priority: 2000 }),
    policy('boss', { tier: 'admin', priority: 9000 }),
    policy('first', { tier: 'admin', priority: 1 }),
  ])
  assert.deepEqual(ids(egress.rules), ['first/0', 'boss/0', 'a/0', 'b/0', 'last/0', 'persona:p/allow/0', 'base/0'])
  assert.deepEqual(
    TIER_ORDER.map(({ tier }) => tier),
    ['admin', 'policies', 'persona', 'baseline'],
  )
  assert.ok(egress.rules.every((one) => one.tier === undefined))
})

test('a pass leaves it to the next tier, over the rest of its own', () => {
  const { egress } = resolve(persona([]), [
    policy('boss', {
      tier: 'admin',
      rules: [
        rule('pass', { peers: [{ cidr: '10.0.0.0/8' }] }),
        rule('deny', { peers: [{ cidr: '10.0.0.0/8' }] }),
        rule('allow', { peers: [{ cidr: '192.0.2.0/24' }] }),
      ],
    }),
    policy('base', { tier: 'baseline', rules: [rule('reject', { peers: [{ cidr: '10.9.0.0/16' }] }), rule('allow')] }),
  ])
  assert.deepEqual(
    egress.rules.map((one) => one.tier),
    [0, 0, 0, 3, 3],
  )
  const verdict = (peer: string) => {
    const found = judge(egress, { peer, proto: 6, port: 80 }, () => [])
    return `${found.verdict} ${found.why.rule}`
  }
  assert.equal(verdict('10.1.1.1'), 'allow base/1')
  assert.equal(verdict('10.9.1.1'), 'deny base/0')
  assert.equal(verdict('192.0.2.1'), 'allow boss/2')
})

test('belief tightens by deny and reject, and never grants by allow or pass', () => {
  const sets = (action: PolicyRule['action']) => [
    ...resolve(persona([rule(action, { peers: [{ persona: 'Database' }] })]), []).sets.values(),
  ]
  for (const action of ['deny', 'reject'] as const) assert.equal(sets(action)[0]!.kind, 'believed')
  for (const action of ['allow', 'pass'] as const) assert.equal(sets(action)[0]!.kind, 'persona')
})

test('a limit and a log go with every rule that comes of it; the origin into its why', () => {
  const { egress } = resolve(persona([]), [
    policy('x', {
      rules: [
        rule('allow', { limit: { flowsPerSecond: 5 }, log: true, origin: 'np.yaml:7', ports: [{ protocol: 'sctp' }] }),
      ],
    }),
  ])
  const [one] = egress.rules
  assert.deepEqual(one!.limit, { unit: 'flows', perSecond: 5 })
  assert.equal(one!.log, true)
  assert.deepEqual(one!.match.service, { protocol: 'sctp-any' })
  assert.equal(
    one!.why.text,
    'policy x rule 1: allow egress to anyone on sctp, at most 5 new flows a second (np.yaml:7)',
  )
})

const fleet = [
  { labels: { app: 'web', 'port/http': '8080' } },
  { labels: { app: 'web', 'port/http': '80/tcp,443' } },
  { labels: { app: 'dns', 'port/dns': '53/udp', 'port/http': 'none' } },
]
const names = (own: Readonly<Record<string, string>>) => ({ own: ownPortLabels(own), fleet: fleetPortNames(fleet) })

test("a port's name is the subject's own at ingress, and each peer's at egress", () => {
  const http = [{ name: 'http' }]
  const inward = (own: Readonly<Record<string, string>>) =>
    resolve(persona([rule('allow', { direction: 'ingress', ports: http })]), [], names(own)).ingress.rules.map(
      ({ match }) => match.service,
    )
  assert.deepEqual(inward(fleet[1]!.labels), [
    { protocol: 'tcp', from: 80, to: 80 },
    { protocol: 'tcp', from: 443, to: 443 },
  ])
  assert.deepEqual(inward(fleet[2]!.labels), [])
  const outward = resolve(persona([rule('allow', { peers: [{ labels: { app: 'web' } }], ports: http })]), [], names({}))
  const reach = fleet.map(({ labels }) =>
    outward.egress.rules.flatMap(({ match }) => {
      const meaning = match.peer.kind === 'set' ? outward.sets.get(match.peer.set) : undefined
      const service = match.service as { from: number }
      return meaning?.kind === 'labels' && fitsLabels(labels, meaning.query) ? [service.from] : []
    }),
  )
  assert.deepEqual(reach, [[8080], [80, 443], []])
  const service = resolve(
    persona([rule('deny', { peers: [{ service: { labels: { app: 'web' }, port: 'http' } }] })]),
    [],
    names({}),
  )
  assert.deepEqual(
    service.egress.rules.map(({ match }) => match),
    outward.egress.rules.map(({ match }) => match),
  )
  assert.equal(service.egress.rules[0]!.why.text, 'persona P rule 1: deny egress to port http of app=web')
})

test('expressions over labels mean what they mean in Kubernetes', () => {
  const fits = (expression: object, labels: Record<string, string> = { app: 'web' }) =>
    fitsLabels(labels, { matchExpressions: [expression as never] })
  assert.ok(fits({ key: 'app', operator: 'In', values: ['api', 'web'] }))
  assert.ok(!fits({ key: 'app', operator: 'In', values: ['api'] }))
  assert.ok(!fits({ key: 'app', operator: 'NotIn', values: ['web'] }))
  assert.ok(fits({ key: 'app', operator: 'NotIn', values: ['web'] }, {}))
  assert.ok(fits({ key: 'app', operator: 'Exists' }, { app: '' }))
  assert.ok(!fits({ key: 'toString', operator: 'Exists' }))
  assert.ok(fits({ key: 'tier', operator: 'DoesNotExist' }))
  assert.ok(!fitsLabels({ app: 'web' }, {}))
  const set = (values: string[]) =>
    labelsSet({ labels: { a: 'b' }, matchExpressions: [{ key: 'k', operator: 'In', values }] })
  assert.equal(set(['x', 'y']), set(['y', 'x']))
  assert.notEqual(set(['x']), set(['y']))
  assert.match(labelsSet({ labels: { app: 'shop' } }), /^labels:app\.shop:[0-9a-f]{6}$/)
})

test('names of sets are as they were for ordinary labels, and no two queries share one', () => {
  const expression = (operator: LabelExpression['operator'], values: string[]) => ({ key: 'k', operator, values })
  assert.equal(labelsSet({ labels: { zone: 'dmz', app: 'shop' } }), 'labels:app.shop:zone.dmz:6eaf73')
  assert.equal(
    labelsSet({ labels: { a: 'b' }, matchExpressions: [expression('In', ['y', 'x'])] }),
    'labels:0167544bda6074e4',
  )
  assert.notEqual(labelsSet({ labels: { app: 'shop', zone: 'dmz' } }), labelsSet({ labels: { app: 'shop,zone=dmz' } }))
  assert.notEqual(
    labelsSet({ matchExpressions: [expression('In', ['a', 'b'])] }),
    labelsSet({ matchExpressions: [expression('In', ['a, b'])] }),
  )
  const part = fc.constantFrom('a', 'b', ',', '=', 'a,b', 'a, b', 'a=b', 'a=b,b', 'b\nno a', 'a in (b)', '')
  const key = part.filter((text) => text !== '')
  const labels = fc.dictionary(key, part, { maxKeys: 2, noNullPrototype: true })
  const operator = fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist')
  const one = fc.record({ key, operator, values: fc.uniqueArray(part, { minLength: 1, maxLength: 3 }) })
  const query = fc.record({ labels, matchExpressions: fc.array(one, { maxLength: 2 }) }) as fc.Arbitrary<LabelQuery>
  const meaning = ({ labels: pairs = {}, matchExpressions = [] }: LabelQuery) =>
    JSON.stringify([
      Object.entries(pairs).sort(),
      matchExpressions
        .map(({ key, operator, values }) =>
          JSON.stringify([key, operator, operator.endsWith('In') && [...values!].sort()]),
        )
        .sort(),
    ])
  const meant = new Map<string, string>()
  fc.assert(
    fc.property(query, (each) => {
      const name = labelsSet(each)
      assert.ok(name.length <= 64)
      const known = meant.get(name)
      meant.set(name, meaning(each))
      assert.equal(known ?? meaning(each), meaning(each))
    }),
    { numRuns: 3_000 },
  )
})

test('a long name of a persona is a set of its own', () => {
  for (const nameOf of [personaSet, believedSet]) {
    const [one, two] = ['one', 'two'].map((end) => nameOf(`${'a'.repeat(58)}${end}`))
    assert.notEqual(one, two)
    assert.ok(one!.length <= 64 && two!.length <= 64)
  }
  assert.equal(personaSet('Data Exporter'), 'persona:data-exporter')
  assert.equal(personaSet('a'.repeat(56)), `persona:${'a'.repeat(56)}`)
  assert.equal(believedSet('a'.repeat(55)), `believed:${'a'.repeat(55)}`)
})
