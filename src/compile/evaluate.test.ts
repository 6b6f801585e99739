import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentState, RuleList } from '../model/desired.ts'
import type { RuleMatch } from '../model/rule-match.ts'
import { evaluate, explainFlow, type Flow, NOTHING_LIVE, type Packet } from './evaluate.ts'
import type { Binding } from './tree.ts'

const why = (rule: string) => ({ rule, text: rule })
const OPEN: RuleList = { rules: [], otherwise: 'allow', why: why('open') }
const rule = (verdict: 'allow' | 'deny', peer: RuleMatch['peer'], service: RuleMatch['service'] = null) => ({
  verdict,
  match: { peer, service },
  why: why(`${verdict}/0`),
})
const deny: RuleList = { rules: [], otherwise: 'deny', why: why('default-deny') }
const BINDINGS: Binding[] = [
  { key: 'a', interface: 'ga', addresses: ['10.0.0.1', 'fd00::1'], driver: 'netns' },
  { key: 'b', interface: 'gb', addresses: ['10.0.0.2'], driver: 'netns' },
]

function state(egress: RuleList, more: Partial<AgentState> = {}): AgentState {
  const workload = (key: string, egress: RuleList) => ({
    workload: key,
    key,
    persona: { id: key, name: key, version: 1 },
    egress,
    ingress: OPEN,
    containment: null,
  })
  return {
    generation: { system: 's', timeline: 1, n: 1 },
    plan: 'p',
    mode: 'enforce',
    confirmWithinMs: 1_000,
    workloads: [workload('a', egress), workload('b', OPEN)],
    sets: [
      { name: 'some', members: ['10.0.0.0/24'] },
      { name: 'empty', members: [] },
    ],
    neverBlock: [],
    failSafe: [],
    ...more,
  }
}
const FLOW: Flow = { from: '10.0.0.1', to: '10.0.0.2', protocol: 'tcp', port: 80 }
const verdict = (s: AgentState, flow: Partial<Flow> = {}, live = NOTHING_LIVE) =>
  explainFlow(s, BINDINGS, { ...FLOW, ...flow }, live).verdict
const list = (...rules: RuleList['rules']): RuleList => ({ ...deny, rules })

test('empty means nothing: unknown and empty sets match nothing, also under not', () => {
  for (const set of ['empty', 'unknown'])
    for (const not of [false, true]) {
      assert.equal(verdict(state(list(rule('allow', { kind: 'set', set, not })))), 'deny')
      assert.equal(verdict(state({ ...OPEN, rules: [rule('deny', { kind: 'set', set, not })] })), 'allow')
    }
  assert.equal(verdict(state(list(rule('allow', { kind: 'set', set: 'some' })))), 'allow')
  assert.equal(verdict(state(list(rule('allow', { kind: 'set', set: 'some', not: true })))), 'deny')
  assert.equal(verdict(state(list(rule('allow', { kind: 'set', set: 'some', not: true }))), { to: 'fd00::9' }), 'allow')
})

test('families are apart: ::/0 holds no IPv4 address, 0.0.0.0/0 no IPv6 one', () => {
  assert.equal(verdict(state(list(rule('allow', { kind: 'cidr', cidr: '::/0' })))), 'deny')
  assert.equal(verdict(state(list(rule('allow', { kind: 'cidr', cidr: '0.0.0.0/0' }))), { to: 'fd00::9' }), 'deny')
})

test('echo request is one rule for both families', () => {
  const ping = state(list(rule('allow', { kind: 'any' }, { protocol: 'icmp', type: 8 })))
  assert.equal(verdict(ping, { protocol: 'icmp', port: 8 }), 'allow')
  assert.equal(verdict(ping, { protocol: 58, to: 'fd00::9', port: 128 }), 'allow')
  assert.equal(verdict(ping, { protocol: 'icmp', port: 13 }), 'deny')
})

test('never-block spares from reflex and containment, not from an authored deny', () => {
  const live = { now: 0, reflexes: [{ key: 'a', peer: '10.0.0.2' }] }
  const neverBlock = ['10.0.0.2']
  assert.equal(verdict(state(OPEN), {}, live), 'deny')
  assert.equal(verdict(state(OPEN, { neverBlock }), {}, live), 'allow')
  assert.equal(verdict(state(list(rule('deny', { kind: 'any' })), { neverBlock }), {}, live), 'deny')
})

test('a containment ends with its time, keeps fail-safe paths, and says why', () => {
  const base = state(OPEN, {
    failSafe: [
      {
        id: 'failsafe/dns',
        direction: 'egress',
        match: { peer: { kind: 'any' }, service: { protocol: 'udp', from: 53, to: 53 } },
        why: why('failsafe/dns'),
      },
    ],
  })
  const [a, b] = base.workloads
  const held = {
    ...base,
    workloads: [{ ...a!, containment: { directions: 'egress' as const, until: 100, why: why('isolate') } }, b!],
  }
  assert.equal(explainFlow(held, BINDINGS, FLOW).egress.why.rule, 'isolate')
  assert.equal(verdict(held, { protocol: 'udp', port: 53 }), 'allow')
  assert.equal(verdict(held, {}, { now: 100, reflexes: [] }), 'allow')
  assert.equal(verdict(held, { from: '10.0.0.2', to: '10.0.0.1' }), 'allow')
})

test('a packet is judged on the original tuple whichever way it goes', () => {
  const closed = state(deny)
  const packet = (more: Partial<Packet>): Packet => ({
    enters: 'ga',
    leaves: 'gb',
    source: '10.0.0.1',
    tracking: 'original',
    flow: FLOW,
    ...more,
  })
  const rule = (more: Partial<Packet>, s = closed) => evaluate(s, BINDINGS, packet(more)).why.rule
  assert.equal(rule({}), 'default-deny')
  assert.equal(rule({ enters: 'gb', leaves: 'ga', source: '10.0.0.2', tracking: 'reply' }), 'default-deny')
  assert.equal(rule({ source: '10.0.0.2' }), 'guise/spoofed')
  assert.equal(rule({ tracking: 'untracked' }), 'guise/untracked')
  assert.equal(rule({ tracking: 'related-icmp' }), 'guise/related-icmp')
  assert.equal(rule({ enters: 'x', leaves: 'y', source: '8.8.8.8' }), 'guise/foreign')
  assert.equal(rule({ enters: 'x', source: '8.8.8.8' }), 'open')
})

test('tiers: lowest first, a pass leaves it to the next, a limit denies new flows, a reject answers who asked', () => {
  type Rules = RuleList['rules']
  const one = (id: string, verdict: Rules[number]['verdict'], more: Partial<Rules[number]> = {}): Rules[number] => {
    return { verdict, match: { peer: { kind: 'any' }, service: null }, why: why(id), ...more }
  }
  const judged = (rules: Rules, tracking: Packet['tracking'] = 'first', live = NOTHING_LIVE) => {
    const back = tracking === 'reply'
    const packet: Packet = {
      enters: back ? 'gb' : 'ga',
      leaves: back ? 'ga' : 'gb',
      source: back ? FLOW.to : FLOW.from,
      tracking,
      flow: FLOW,
    }
    const said = evaluate(state(list(...rules)), BINDINGS, packet, live)
    return [said.verdict, said.why.rule, said.answer ?? said.log ?? null]
  }
  assert.deepEqual(judged([one('late', 'deny', { tier: 2 }), one('soon', 'allow', { tier: 1 })]), [
    'allow',
    'soon',
    null,
  ])
  const passing = [one('p', 'pass'), one('over', 'deny'), one('next', 'allow', { tier: 1, log: true })]
  assert.deepEqual(judged(passing), ['allow', 'next', true])
  assert.deepEqual(judged(passing, 'original'), ['allow', 'next', null])
  assert.deepEqual(judged([one('p', 'pass', { tier: 9 })]), ['deny', 'default-deny', null])
  assert.deepEqual(judged([one('no', 'reject')]), ['deny', 'no', 'reset'])
  assert.deepEqual(judged([one('no', 'reject')], 'reply'), ['deny', 'no', null])
  const spent = { ...NOTHING_LIVE, spent: [{ key: 'a', rule: 'slow' }] }
  const slow = (unit: 'flows' | 'bytes') => [one('slow', 'allow', { limit: { unit, perSecond: 1 } })]
  assert.deepEqual(judged(slow('flows'), 'first', spent), ['deny', 'slow', null])
  assert.deepEqual(judged(slow('flows'), 'reply', spent), ['allow', 'slow', null])
  assert.deepEqual(judged(slow('bytes'), 'reply', spent), ['deny', 'slow', null])
})
