import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { explainFlow } from '../compile/evaluate.ts'
import type { AgentState, DesiredState, ResolvedRule } from '../model/desired.ts'
import type { ProtectedPath } from './floor.ts'
import { createReach } from './floor-reach.ts'

const why = { rule: 'r/0', text: 'test' }
const OPEN = { rules: [], otherwise: 'allow' as const, why }
const workload = (more: Partial<DesiredState>): DesiredState => ({
  workload: 'w0',
  key: 'host:x',
  persona: { id: 'p', name: 'P', version: 1 },
  egress: OPEN,
  ingress: OPEN,
  containment: null,
  ...more,
})
const state = (more: Partial<AgentState>): AgentState => ({
  generation: { system: 's', timeline: 1, n: 1 },
  plan: 'p',
  mode: 'enforce',
  workloads: [],
  sets: [],
  neverBlock: [],
  failSafe: [],
  confirmWithinMs: 1_000,
  ...more,
})
const PATH: ProtectedPath = {
  name: 'control plane',
  cidr: '192.0.2.7/32',
  reach: 'egress',
  of: 'host',
  service: { protocol: 'tcp', from: 7443, to: 7443 },
}
const rule = (verdict: ResolvedRule['verdict'], cidr: string, more: Partial<ResolvedRule> = {}): ResolvedRule => ({
  verdict,
  match: { peer: { kind: 'cidr', cidr }, service: null },
  why: { rule: `${verdict} ${cidr}`, text: 'test' },
  ...more,
})
const cut = (rules: readonly ResolvedRule[], otherwise: 'allow' | 'deny' = 'deny', more: Partial<AgentState> = {}) =>
  createReach(state(more)).cutBy(workload({ egress: { rules: [...rules], otherwise, why } }), PATH)

test('a path is cut by the rest, by a rule over a part of it, by a limit, and kept by what covers it whole', () => {
  assert.equal(cut([], 'allow'), null)
  assert.equal(cut([]), 'what it does to the rest')
  assert.equal(cut([rule('allow', '192.0.2.0/24')]), null)
  assert.equal(cut([rule('deny', '192.0.2.7'), rule('allow', '0.0.0.0/0')]), 'rule deny 192.0.2.7')
  assert.equal(cut([rule('allow', '192.0.2.7'), rule('deny', '0.0.0.0/0')]), null)
  assert.equal(cut([rule('reject', '::/0')], 'allow'), null, 'families are apart')
  const slow = rule('allow', '192.0.2.7', { limit: { unit: 'flows', perSecond: 1 } })
  assert.equal(cut([slow], 'allow'), 'rule allow 192.0.2.7')
})

test('a tier that passes leaves the path to the next one', () => {
  const pass = rule('pass', '192.0.2.0/24', { tier: 1 })
  assert.equal(cut([pass, rule('deny', '0.0.0.0/0', { tier: 1 })], 'allow'), null)
  assert.match(cut([pass, rule('deny', '192.0.2.7', { tier: 2 })], 'allow')!, /deny/)
  assert.match(cut([rule('deny', '192.0.2.7', { tier: 0 }), pass], 'allow')!, /deny/)
})

test('a containment cuts it unless a fail-safe path or a never-block entry keeps it', () => {
  const contained = workload({ containment: { directions: 'egress', until: 1, why } })
  const failSafe: AgentState['failSafe'] = [
    {
      id: 'failsafe/control-0',
      direction: 'egress',
      match: { peer: { kind: 'cidr', cidr: '192.0.2.7/32' }, service: { protocol: 'tcp', from: 7443, to: 7443 } },
      why,
    },
  ]
  assert.equal(createReach(state({})).cutBy(contained, PATH), 'its containment')
  assert.equal(createReach(state({ failSafe })).cutBy(contained, PATH), null)
  assert.equal(createReach(state({ neverBlock: ['192.0.2.0/24'] })).cutBy(contained, PATH), null)
})

test('an empty set matches nothing, also under not', () => {
  const set = (members: string[], not: boolean) =>
    cut([{ verdict: 'deny', match: { peer: { kind: 'set', set: 's', not }, service: null }, why }], 'allow', {
      sets: [{ name: 's', members }],
    })
  assert.equal(set([], false), null)
  assert.equal(set([], true), null)
  assert.equal(set(['192.0.2.7'], true), null)
  assert.equal(set(['192.0.2.8'], true), 'rule r/0')
})

/** The evaluator is the meaning: what the floor calls open, it must let through, address by address. */
test('what is called open is open for every address of it', () => {
  const cidrs = fc.constantFrom('192.0.2.0/24', '192.0.2.0/30', '192.0.2.2/31', '192.0.2.3', '0.0.0.0/0', '::/0')
  const services = fc.constantFrom(
    null,
    { protocol: 'tcp' as const, from: 1, to: 100 },
    { protocol: 'tcp' as const, from: 22, to: 22 },
    { protocol: 'tcp-any' as const },
    { protocol: 'udp-any' as const },
  )
  const peers = fc.oneof(
    fc.constant({ kind: 'any' as const }),
    fc.record({ kind: fc.constant('cidr' as const), cidr: cidrs, except: fc.array(cidrs, { maxLength: 2 }) }),
    fc.record({ kind: fc.constant('set' as const), set: fc.constantFrom('a', 'b', 'none'), not: fc.boolean() }),
  )
  const rules = fc.array(
    fc.record({
      verdict: fc.constantFrom('allow' as const, 'deny' as const),
      match: fc.record({ peer: peers, service: services }),
      why: fc.constant(why),
    }),
    { maxLength: 5 },
  )
  const path = { ...PATH, cidr: '192.0.2.0/30', service: { protocol: 'tcp' as const, from: 22, to: 23 } }
  fc.assert(
    fc.property(rules, fc.constantFrom('allow' as const, 'deny' as const), (list, otherwise) => {
      const one = workload({ egress: { rules: list, otherwise, why } })
      const whole = state({
        workloads: [one],
        sets: [
          { name: 'a', members: ['192.0.2.0/31'] },
          { name: 'b', members: [] },
        ],
      })
      if (createReach(whole).cutBy(one, path) !== null) return
      const bindings = [{ key: 'host:x', interface: null, addresses: ['10.0.0.1'], driver: 'host' as const }]
      for (const port of [22, 23])
        for (const last of [0, 1, 2, 3]) {
          const flow = { from: '10.0.0.1', to: `192.0.2.${last}`, protocol: 'tcp' as const, port }
          assert.equal(explainFlow(whole, bindings, flow).egress.verdict, 'allow', JSON.stringify(list))
        }
    }),
    { numRuns: 2_000 },
  )
})
