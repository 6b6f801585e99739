/** The quick judge says what the slow and obvious one says, whatever the rules and the flow. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { explainFlow } from '../../compile/evaluate.ts'
import type { AgentState, RuleList } from '../../model/desired.ts'
import type { AgentId } from '../../model/ids.ts'
import type { RuleMatch } from '../../model/rule-match.ts'
import { createFlowJudge } from './flow-judge.ts'

const HOST = 'host-a' as AgentId
const OWN = ['10.0.0.5', 'fd00::5']
const ADDRESSES = ['10.0.0.9', '10.0.1.7', '203.0.113.7', '198.51.100.9', 'fd00::9', '2001:db8::1', '10.0.0.255']
const CIDRS = [
  '10.0.0.0/8',
  '10.0.0.0/24',
  '203.0.113.7',
  '0.0.0.0/0',
  '::/0',
  'fd00::/8',
  '2001:db8::/32',
  '10.0.0.9/32',
]
const SETS = ['none', 'some', 'six', 'absent']

const cidr = fc.constantFrom(...CIDRS)
const peer: fc.Arbitrary<RuleMatch['peer']> = fc.oneof(
  fc.constant({ kind: 'any' as const }),
  fc.record({ kind: fc.constant('set' as const), set: fc.constantFrom(...SETS), not: fc.boolean() }),
  fc.record({ kind: fc.constant('cidr' as const), cidr, except: fc.array(cidr, { maxLength: 2 }) }),
)
const service: fc.Arbitrary<RuleMatch['service']> = fc.oneof(
  fc.constant(null),
  fc.record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const),
    from: fc.constantFrom(1, 53, 443),
    to: fc.constantFrom(443, 65_535),
  }),
  fc.constantFrom({ protocol: 'tcp-any' as const }, { protocol: 'udp-any' as const }),
  fc.record({ protocol: fc.constantFrom('icmp' as const, 'icmp6' as const), type: fc.constantFrom(null, 8, 0, 128) }),
)
const verdict = fc.constantFrom('allow' as const, 'deny' as const)
const ruled = fc.constantFrom('allow' as const, 'deny' as const, 'reject' as const, 'pass' as const)
const tier = fc.constantFrom(0, 1, 7)
let made = 0
const whyOf = () => ({ rule: `r/${made++}`, text: 'because' })
const list: fc.Arbitrary<RuleList> = fc
  .record({
    rules: fc.array(fc.record({ verdict: ruled, tier, match: fc.record({ peer, service }) }), { maxLength: 5 }),
    otherwise: verdict,
  })
  .map(({ rules, otherwise }) => ({
    rules: rules.map((rule) => ({ ...rule, why: whyOf() })),
    otherwise,
    why: whyOf(),
  }))
const state = fc
  .record({
    mode: fc.constantFrom('observe' as const, 'enforce' as const),
    egress: list,
    ingress: list,
    containment: fc.option(
      fc.record({ directions: fc.constantFrom('egress' as const, 'both' as const), until: fc.constantFrom(50, 5_000) }),
    ),
    neverBlock: fc.array(cidr, { maxLength: 2 }),
    failSafe: fc.array(
      fc.record({
        direction: fc.constantFrom('egress' as const, 'ingress' as const, 'both' as const),
        match: fc.record({ peer, service }),
      }),
      { maxLength: 2 },
    ),
  })
  .map(
    (given): AgentState => ({
      generation: { system: 's', timeline: 1, n: 1 },
      plan: 'p',
      mode: given.mode,
      workloads: [
        {
          workload: 'w_1',
          key: 'db-1',
          persona: { id: 'p', name: 'P', version: 1 },
          egress: given.egress,
          ingress: given.ingress,
          containment: given.containment === null ? null : { ...given.containment, why: whyOf() },
        },
      ],
      sets: [
        { name: 'none', members: [] },
        { name: 'some', members: ['10.0.0.0/24', '203.0.113.0/24'] },
        { name: 'six', members: ['2001:db8::/32', '198.51.100.9'] },
      ],
      neverBlock: given.neverBlock,
      failSafe: given.failSafe.map((path, i) => ({ ...path, id: `failsafe/f${i}`, why: whyOf() })),
      confirmWithinMs: 60_000,
    }),
  )
const flow = fc.record({
  peer: fc.constantFrom(...ADDRESSES),
  initiated: fc.boolean(),
  proto: fc.constantFrom(6, 17, 1, 58, 47),
  port: fc.constantFrom(0, 8, 53, 128, 443, 8_080),
})
const NAMES: Readonly<Record<number, 'tcp' | 'udp' | 'icmp'>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp' }

test('it is the evaluator, only quicker', () => {
  fc.assert(
    fc.property(state, fc.array(flow, { minLength: 1, maxLength: 12 }), (rules, flows) => {
      const judge = createFlowJudge({ [HOST]: rules })
      const number = judge.rules(HOST, 'db-1')!
      for (const { peer: other, initiated, proto, port } of flows) {
        const own = OWN.find((one) => one.includes(':') === other.includes(':'))!
        const slow = explainFlow(
          rules,
          [{ key: 'db-1', interface: null, addresses: OWN, driver: 'netns' }],
          { from: initiated ? own : other, to: initiated ? other : own, protocol: NAMES[proto] ?? proto, port },
          { now: 1_000, reflexes: [] },
        )
        const wanted = initiated ? slow.egress : slow.ingress
        const said = judge.judge(
          number,
          initiated ? 'egress' : 'ingress',
          judge.traits(own),
          judge.traits(other),
          proto,
          port,
          1_000,
        )
        assert.equal(said.why.rule, wanted.why.rule)
        const counted = wanted.verdict === 'deny' && rules.mode !== 'enforce' ? 'would-deny' : wanted.verdict
        assert.equal(said.verdict, counted)
      }
    }),
    { numRuns: 400 },
  )
})

test('workloads treated alike share a class; one without rules has none', () => {
  const one = fc.sample(state, 1)[0]!
  const alike = { ...one, workloads: [one.workloads[0]!, { ...one.workloads[0]!, key: 'db-2', workload: 'w_2' }] }
  const judge = createFlowJudge({ [HOST]: alike })
  assert.equal(judge.rules(HOST, 'db-1'), judge.rules(HOST, 'db-2'))
  assert.equal(judge.rules(HOST, 'web-1'), null)
  assert.equal(judge.traits('192.0.2.1'), judge.traits('192.0.2.2'))
})
