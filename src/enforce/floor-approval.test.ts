import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { type Approval, approvalText } from '../model/approval.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import { DEFAULT_FLOOR, type Floor } from './floor.ts'
import { approvalFault } from './floor-approval.ts'

const people = ['kim', 'lee'].map((name) => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { name, privateKey, key: `ed25519:${publicKey.export({ format: 'jwk' }).x}` }
})
const [kim, lee] = people as [(typeof people)[0], (typeof people)[0]]
const signed = (by: typeof kim, state: AgentState, agent = 'edge'): Approval => ({
  key: by.key,
  signature: sign(null, approvalText(agent, state), by.privateKey).toString('base64url'),
})
const floor = (more: Partial<NonNullable<Floor['approvals']>> = {}): Floor => ({
  ...DEFAULT_FLOOR,
  approvals: {
    keys: Object.fromEntries(people.map(({ name, key }) => [name, key])),
    needed: 2,
    of: 'high',
    facets: [],
    aboveShare: null,
    ...more,
  },
})
const why = { rule: 'r', text: 'test' }
const open = { rules: [], otherwise: 'allow' as const, why }
const workload = (i: number, more: Partial<DesiredState> = {}): DesiredState => ({
  workload: `w${i}`,
  key: `k${i}`,
  persona: { id: 'p', name: 'P', version: 1 },
  egress: open,
  ingress: open,
  containment: null,
  ...more,
})
const state = (n: number, more: Partial<AgentState> = {}): AgentState => ({
  generation: { system: 's', timeline: 1, n },
  plan: `p${n}`,
  mode: 'enforce',
  workloads: [workload(0)],
  sets: [],
  neverBlock: [],
  failSafe: [{ id: 'failsafe/dns', direction: 'egress', match: { peer: { kind: 'any' }, service: null }, why }],
  confirmWithinMs: 1_000,
  ...more,
})
const BEFORE = state(1)
const DROPS = state(2, { failSafe: [] })

test('a plan that drops a fail-safe path needs two people, whatever the server calls it', () => {
  const judge = (approvals: readonly Approval[]) => approvalFault('edge', DROPS, approvals, floor(), BEFORE)
  assert.match(judge([])!.reason, /drops the fail-safe path failsafe\/dns, which needs 2 .* it has 0/)
  assert.match(judge([signed(kim, DROPS)])!.reason, /it has 1/)
  assert.match(judge([signed(kim, DROPS), signed(kim, DROPS)])!.reason, /it has 1/, 'one person twice')
  assert.equal(judge([signed(kim, DROPS), signed(lee, DROPS)]), null)
})

test('a signature fits one agent, one generation and one content', () => {
  const judge = (approvals: readonly Approval[]) =>
    approvalFault('edge', DROPS, approvals, floor({ needed: 1 }), BEFORE)
  assert.equal(judge([signed(kim, DROPS)]), null)
  assert.notEqual(judge([signed(kim, DROPS, 'other')]), null)
  assert.notEqual(judge([signed(kim, { ...DROPS, generation: { ...DROPS.generation, n: 3 } })]), null)
  assert.notEqual(judge([signed(kim, { ...DROPS, neverBlock: ['192.0.2.1'] })]), null)
  const stranger = generateKeyPairSync('ed25519')
  const key = `ed25519:${stranger.publicKey.export({ format: 'jwk' }).x}`
  assert.notEqual(judge([signed({ name: 'x', privateKey: stranger.privateKey, key }, DROPS)]), null)
  assert.notEqual(judge([{ key: kim.key, signature: 'A'.repeat(86) }]), null)
  assert.equal(approvalFault('edge', reordered(DROPS), [signed(kim, DROPS)], floor({ needed: 1 }), BEFORE), null)
})

test('what the floor says is of the high class, and what never is', () => {
  const needs = (after: AgentState, more: Parameters<typeof floor>[0] = {}, before: AgentState | null = BEFORE) =>
    approvalFault('edge', after, [], floor(more), before)?.reason ?? null
  assert.equal(needs(state(2)), null)
  assert.equal(needs(DROPS, {}, null), null, 'what a host was enrolled for')
  assert.match(needs(state(2, { mode: 'observe' }))!, /takes enforcement off/)
  const dns = state(2, { workloads: [workload(0, { dns: { servers: ['10.0.0.1'], search: [] } })] })
  assert.equal(needs(dns), null)
  assert.match(needs(dns, { facets: ['dns'] })!, /changes facet dns/)
  const many = (name: string) =>
    state(2, {
      workloads: Array.from({ length: 20 }, (_, i) => workload(i, i < 11 ? { workload: `${name}${i}` } : {})),
    })
  assert.match(needs(many('b'), { aboveShare: 0.5 }, many('a'))!, /11 of 20/)
  assert.equal(needs(many('b'), { aboveShare: 0.6 }, many('a')), null)
  assert.match(needs(state(2, { neverBlock: ['192.0.2.1'] }), { of: 'every' })!, /it is a change/)
  const contained = state(2, { workloads: [workload(0, { containment: { directions: 'both', until: 5, why } })] })
  assert.equal(needs(contained, { of: 'every' }), null, 'a containment waits for nobody')
  assert.equal(approvalFault('edge', DROPS, [], DEFAULT_FLOOR, BEFORE), null, 'no keys, no demand')
})

function reordered(of: AgentState): AgentState {
  return Object.fromEntries(Object.entries(of).reverse()) as AgentState
}
