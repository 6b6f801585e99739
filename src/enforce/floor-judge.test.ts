import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentState, DesiredState, RuleList } from '../model/desired.ts'
import { DEFAULT_FLOOR, type Floor } from './floor.ts'
import { type Held, judgeState, UNKNOWN_HOST } from './floor-judge.ts'

const why = { rule: 'default-deny', text: 'nothing else may' }
const DENY: RuleList = { rules: [], otherwise: 'deny', why }
const ALLOW: RuleList = { rules: [], otherwise: 'allow', why }

function workload(key: string, more: Partial<DesiredState> = {}): DesiredState {
  const persona = { id: 'web', name: 'Web server', version: 1 }
  return {
    workload: `w_${Buffer.from(key).toString('hex').slice(0, 40)}`,
    key,
    persona,
    egress: ALLOW,
    ingress: ALLOW,
    containment: null,
    ...more,
  }
}
function state(workloads: DesiredState[], more: Partial<AgentState> = {}): AgentState {
  return {
    generation: { system: '7392', timeline: 1, n: 4 },
    plan: 'p_1',
    mode: 'enforce',
    workloads,
    sets: [],
    neverBlock: [],
    failSafe: [],
    confirmWithinMs: 30_000,
    ...more,
  }
}
const held = (more: Partial<Held> = {}): Held => ({
  ...UNKNOWN_HOST,
  now: 1_000_000,
  drivers: new Map([
    ['wa', 'netns'],
    ['host:edge', 'host'],
  ]),
  server: [{ address: '192.0.2.7', port: 7443 }],
  gateways: ['198.51.100.1'],
  ...more,
})
const judge = (of: AgentState, floor: Partial<Floor> = {}, more: Partial<Held> = {}) =>
  judgeState(of, { ...DEFAULT_FLOOR, ...floor }, held(more))
const limits = (more: Partial<Floor['limits']>) => ({ limits: { ...DEFAULT_FLOOR.limits, ...more } })

test('a plain state is let through by the defaults', () => {
  assert.equal(judge(state([workload('wa', { egress: DENY }), workload('host:edge')])), null)
})

test('the host keeps its way to the server, whatever the plan', () => {
  const cut = judge(state([workload('wa', { egress: DENY }), workload('host:edge', { egress: DENY })]))
  assert.deepEqual(cut, {
    pointer: '/workloads/1',
    reason: 'it would cut host:edge off from the control plane: by what it does to the rest',
  })
  const containment = { directions: 'both' as const, until: 1_001_000, why }
  assert.match(judge(state([workload('host:edge', { containment })]))!.reason, /by its containment/)
})

test('a protected network is kept by the host, and by every workload where the floor says so', () => {
  const path = { name: 'management', cidr: '203.0.113.0/24', reach: 'ingress' as const, service: null }
  const of = (whose: 'host' | 'every') => ({ protected: [{ ...path, of: whose }] })
  const both = state([workload('wa', { ingress: DENY }), workload('host:edge')])
  assert.equal(judge(both, of('host')), null)
  assert.match(judge(both, of('every'))!.reason, /wa off from management/)
})

test('nobody is given the address of the server, of the gateway, of a protected network, or of somebody else', () => {
  const wearing = (address: string, gateway = '10.0.0.1') =>
    state([workload('wa', { network: { addresses: [address], gateways: [gateway] } })])
  assert.equal(judge(wearing('10.0.0.5/24')), null)
  assert.match(judge(wearing('192.0.2.7/32'))!.reason, /the control plane/)
  assert.match(judge(wearing('192.0.2.99/24'))!.reason, /the control plane/, 'its subnet would swallow it')
  assert.match(judge(wearing('10.0.0.5/24', '198.51.100.1'))!.reason, /default gateway/)
  const fence = {
    protected: [{ name: 'lan', cidr: '10.9.0.0/16', reach: 'none' as const, of: 'host' as const, service: null }],
  }
  assert.match(judge(wearing('10.9.3.4/24'), fence)!.reason, /lan, which is protected/)
  for (const bad of ['224.0.0.1/24', '127.0.0.1/8', '0.0.0.0/0', '10.0.0.5/33', '10.0.0.999/24', ':::::/64'])
    assert.notEqual(judge(wearing(bad)), null, bad)
  const both = [
    ['10.0.0.5/24', '10.0.0.5/24'],
    ['10.0.0.5/24', '::ffff:10.0.0.5/64'],
    ['2001:db8::5/64', '2001:DB8:0::5/64'],
  ]
  for (const addresses of both) {
    const twice = addresses.map((one, i) => workload(`w${i}`, { network: { addresses: [one], gateways: [] } }))
    assert.match(judge(state(twice))?.reason ?? '', /two workloads/, addresses.join(' '))
  }
})

test('empty means nothing: a floor without facets takes no rules', () => {
  assert.equal(judge(state([workload('wa')]), { facets: [] }), null)
  assert.match(judge(state([workload('wa', { egress: DENY })]), { facets: [] })!.reason, /facet policies/)
  const dns = state([workload('wa', { dns: { servers: ['10.0.0.53'], search: [] } })])
  assert.match(judge(dns, { facets: ['policies', 'network'] })!.reason, /facet dns/)
})

test('every bound is hit', () => {
  const rule = { verdict: 'allow' as const, match: { peer: { kind: 'any' as const }, service: null }, why }
  const two = workload('wa', { egress: { ...DENY, rules: [rule, rule] } })
  assert.match(judge(state([two]), limits({ rules: 1 }))!.reason, /2 rules; this host takes at most 1/)
  assert.match(judge(state([two]), limits({ workloads: 0 }))!.reason, /1 workloads/)
  const sets = [{ name: 'a', members: ['10.0.0.1', '10.0.0.2'] }]
  assert.match(judge(state([], { sets }), limits({ elements: 1 }))!.reason, /2 addresses in sets/)
  assert.match(judge(state([], { sets }), limits({ sets: 0 }))!.reason, /1 sets/)
  assert.match(judge(state([]), limits({ confirmWithinMs: 1_000 }))!.reason, /30000 ms/)
  const inForce = state([workload('wb')])
  assert.match(judge(state([two]), limits({ changesPerMinute: 1 }), { inForce })!.reason, /2 workloads changed/)
  assert.match(judge(state([two]), limits({ changesPerMinute: 9 }), { inForce, changed: 8 })!.reason, /10 workloads/)
  const endless = workload('wa', { containment: { directions: 'egress', until: Number.MAX_VALUE, why } })
  assert.deepEqual(judge(state([endless]))?.pointer, '/workloads/0/containment/until')
  assert.match(judge(state([], { mode: 'observe' }), { leastMode: 'enforce' })!.reason, /less than enforce/)
})

test('names are plain, and none that an object is born with', () => {
  for (const key of ['wa; reboot', '$(id)', '../../etc', 'a\u0000b', '__proto__', 'constructor', 'eth*', '-o', ''])
    assert.notEqual(judge(state([workload(key)])), null, key)
  const known = new Map([['my guest (old)', 'netns']])
  assert.equal(judge(state([workload('my guest (old)')]), {}, { drivers: known }), null, 'its owner called it so')
  const named = (name: string) => state([workload('wa', { persona: { id: 'x', name, version: 1 } })])
  for (const name of ['a`id`', '\u001b[2J', 'x\u202ey', 'a\nb']) assert.notEqual(judge(named(name)), null, name)
  const said = (text: string) => state([workload('wa', { egress: { ...ALLOW, why: { rule: 'r/0', text } } })])
  assert.equal(judge(said('holds because `risk > 0.7`; see\nthe page')), null, 'people may quote what they like')
  for (const text of ['\u001b]0;x\u0007', 'a\u0000', 'x\u009b31m', 'a\rb'])
    assert.notEqual(judge(said(text)), null, text)
  assert.ok(!judge(named('\u001b[2J'))!.reason.includes('\u001b'), 'the refusal itself is safe to print')
})

test('what stands twice is refused: the second would be the one that counts somewhere', () => {
  assert.match(judge(state([workload('wa'), workload('wa')]))!.reason, /named twice/)
  const set = { name: 'a', members: [] }
  assert.match(judge(state([], { sets: [set, set] }))!.reason, /named twice/)
})
