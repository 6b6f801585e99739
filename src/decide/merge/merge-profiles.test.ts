/** What every strategy promises, over generated personas and flows; and what each does, on one example. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { type ResolvedRule, RuleList } from '../../model/desired.ts'
import type { PersonaId } from '../../model/ids.ts'
import { type Overlap, STRATEGIES, WORD, type Word } from '../../model/overlap.ts'
import { judge, type Talk } from '../judge.ts'
import { createPeerSets, type SetMeaning } from '../peer-sets.ts'
import { type Candidate, type MergedLists, mergeProfiles } from './merge-profiles.ts'

const MEANINGS: ReadonlyMap<string, SetMeaning> = new Map([
  ['rep:0.3', { kind: 'reputation', below: 0.3 }],
  ['rep:0.6', { kind: 'reputation', below: 0.6 }],
  ['rated', { kind: 'rated' }],
  ['persona:nobody', { kind: 'persona', persona: 'nobody' }],
])
const ENTRIES = [
  { cidr: '192.0.2.0/26', score: 0.1 },
  { cidr: '192.0.2.64/26', score: 0.5 },
  { cidr: '2001:db8::/64', score: 0.2 },
]
const membersOf = (sets: ReadonlyMap<string, SetMeaning>) =>
  createPeerSets({ workloads: [], entries: ENTRIES, homeNetworks: ['10.0.0.0/8'], names: sets }).members

const peer = fc.oneof(
  fc.constant({ kind: 'any' as const }),
  fc.record({ kind: fc.constant('set' as const), set: fc.constantFrom(...MEANINGS.keys()) }),
  fc.record({ kind: fc.constant('set' as const), set: fc.constantFrom(...MEANINGS.keys()), not: fc.constant(true) }),
  fc.record({
    kind: fc.constant('cidr' as const),
    cidr: fc.constantFrom('192.0.2.0/24', '192.0.2.64/27', '0.0.0.0/0', '::/0', '10.1.0.0/16', '2001:db8::/32'),
    except: fc.constantFrom('192.0.2.80/28', '10.1.2.0/24', '2001:db8::1').map((one) => [one]),
  }),
)
const service = fc.constantFrom<ResolvedRule['match']['service']>(
  null,
  { protocol: 'tcp-any' },
  { protocol: 'tcp', from: 80, to: 443 },
  { protocol: 'tcp', from: 443, to: 8443 },
  { protocol: 'udp', from: 53, to: 53 },
  { protocol: 'icmp', type: null },
  { protocol: 'icmp', type: 8 },
  { protocol: 'icmp6', type: 128 },
)
const verdict = fc.constantFrom('allow', 'deny', 'allow', 'deny', 'reject', 'pass') as fc.Arbitrary<
  ResolvedRule['verdict']
>
const list = (name: string, id: string) =>
  fc
    .record({
      rules: fc.array(fc.record({ verdict, peer, service, tier: fc.constantFrom(2, 3) }), { maxLength: 6 }),
      otherwise: fc.constantFrom('allow' as const, 'deny' as const),
    })
    .map(({ rules, otherwise }): RuleList => {
      const isTiered = rules.some((rule) => rule.verdict === 'pass')
      return {
        rules: rules.map((rule, i) => ({
          verdict: rule.verdict,
          match: { peer: rule.peer, service: rule.service },
          why: { rule: `persona:${id}/${rule.verdict}/${i}`, text: `rule ${i + 1}`, persona: name },
          ...(isTiered ? { tier: rule.tier } : {}),
        })),
        otherwise,
        why: { rule: `default-${otherwise}`, text: 'the rest', persona: name },
      }
    })
const candidate = (n: number, word: Word) =>
  fc.record({
    persona: fc.constant({ id: `p${n}` as PersonaId, name: `P${n}`, version: 1 }),
    probability: fc.integer({ min: 5, max: 100 }).map((percent) => percent / 100),
    word: fc.constant(word),
    rules: fc.constant(6),
    egress: list(`P${n}`, `p${n}`),
    ingress: list(`P${n}`, `p${n}`),
    sets: fc.constant(MEANINGS),
  }) satisfies fc.Arbitrary<Candidate>
type Some = [Candidate, ...Candidate[]]
const candidates = fc
  .tuple(fc.constantFrom(...WORD), fc.constantFrom(...WORD))
  .chain(([a, b]) => fc.tuple(candidate(0, 'assigned'), candidate(1, a), candidate(2, b))) as fc.Arbitrary<Some>
const talk = fc.record({
  peer: fc.constantFrom(
    '192.0.2.5',
    '192.0.2.70',
    '192.0.2.84',
    '192.0.2.200',
    '10.1.2.3',
    '10.1.9.9',
    '203.0.113.9',
    '2001:db8::1',
    '2001:db8:1::1',
  ),
  proto: fc.constantFrom(6, 17, 1, 58, 47),
  port: fc.constantFrom(53, 80, 443, 8443, 8, 128, 0),
})
const known = new WeakMap<object, ReturnType<typeof membersOf>>()
function isAllowed({ egress, sets }: MergedLists, flow: Talk): boolean {
  const members = known.get(sets) ?? membersOf(sets)
  known.set(sets, members)
  return judge(egress, flow, members).verdict === 'allow'
}
const strategy = fc.constantFrom(...STRATEGIES)
const overlap = fc.record({
  strategy,
  cut: fc.constantFrom(0, 0.3, 0.9),
  cost: fc.record({ breach: fc.constantFrom(1, 10), outage: fc.constantFrom(1, 10) }),
}) satisfies fc.Arbitrary<Overlap>
const RUNS = { numRuns: 150 }

test('belief never grants: for every strategy, what is merged is allowed by the assigned ones together', () => {
  fc.assert(
    fc.property(candidates, overlap, fc.array(talk, { minLength: 15, maxLength: 15 }), (all, how, flows) => {
      const granting = all.filter((one) => one.word !== 'inferred') as Some
      const granted = mergeProfiles(granting, how)!
      const whole = mergeProfiles(all, how)!
      for (const flow of flows) if (isAllowed(whole, flow)) assert.ok(isAllowed(granted, flow), JSON.stringify(flow))
    }),
    RUNS,
  )
})

test('strictest allows what every one allows, and nothing else', () => {
  fc.assert(
    fc.property(candidates, fc.array(talk, { minLength: 15, maxLength: 15 }), (all, flows) => {
      const whole = mergeProfiles(all, { strategy: 'strictest' })!
      for (const flow of flows)
        assert.equal(
          isAllowed(whole, flow),
          all.every((one) => isAllowed(one, flow)),
          JSON.stringify(flow),
        )
    }),
    RUNS,
  )
})

test('one persona alone is itself, by every strategy', () => {
  fc.assert(
    fc.property(candidate(0, 'assigned'), overlap, (one, how) => {
      assert.deepEqual(mergeProfiles([one], how), one)
    }),
  )
})

test('priority: the first persona’s own rules decide what they name', () => {
  fc.assert(
    fc.property(candidate(0, 'assigned'), candidate(1, 'assigned'), talk, (first, second, flow) => {
      const merged = mergeProfiles([first, second], { strategy: 'priority' })!
      const own = judge(first.egress, flow, membersOf(MEANINGS))
      if (own.rule !== null && !first.egress.rules.some((rule) => rule.verdict === 'pass'))
        assert.equal(isAllowed(merged, flow), own.verdict === 'allow')
    }),
    RUNS,
  )
})

test('expectedCost denies where p(bad)·breach is above p(good)·outage, flow by flow', () => {
  const assigned = fc.tuple(candidate(0, 'assigned'), candidate(1, 'assigned'), candidate(2, 'trusted'))
  fc.assert(
    fc.property(assigned, overlap, fc.array(talk, { minLength: 15, maxLength: 15 }), (all, how, flows) => {
      const merged = mergeProfiles(all, { ...how, strategy: 'expectedCost' })!
      for (const flow of flows) {
        const good = all.reduce((p, one) => (isAllowed(one, flow) ? p + one.probability : p), 0)
        const bad = all.reduce((p, one) => (isAllowed(one, flow) ? p : p + one.probability), 0)
        assert.equal(isAllowed(merged, flow), !(bad * how.cost.breach > good * how.cost.outage))
      }
    }),
    RUNS,
  )
})

test('every rule of a merge says which persona it is from and how probable that was; lists fit the schema', () => {
  fc.assert(
    fc.property(candidates, overlap, (all, how) => {
      const { egress } = mergeProfiles(all, how)!
      assert.ok(Value.Check(RuleList, egress), JSON.stringify([...Value.Errors(RuleList, egress)].slice(0, 2)))
      for (const { why } of egress.rules) {
        const from = all.find((one) => one.persona.name === why.persona)
        assert.ok(from !== undefined && why.p !== undefined, JSON.stringify(why))
      }
    }),
    RUNS,
  )
})
