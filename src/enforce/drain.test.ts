import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentState } from '../model/desired.ts'
import { DRAIN_MS, drained, lingering } from './drain.ts'
import type { FacetPart } from './facet.ts'
import { network } from './facets/network.ts'
import { type Draining, withOldAddresses, withOldMembers } from './old-addresses.ts'
import { NOTHING, type Snapshot } from './snapshot.ts'

const draining: Draining = {
  key: 'w1',
  facet: 'network',
  addresses: ['10.0.0.2', 'fd00::2'],
  instead: ['10.0.9.2'],
  until: DRAIN_MS,
}
const state: AgentState = {
  generation: { system: 's', timeline: 1, n: 1 },
  plan: 'p',
  mode: 'enforce',
  workloads: [],
  sets: [
    { name: 'friends', members: ['10.0.9.2/32', '10.0.7.7'] },
    { name: 'others', members: ['10.0.7.7', '10.0.9.0/24'] },
  ],
  neverBlock: [],
  failSafe: [],
  confirmWithinMs: 1_000,
}

test('an old address is a source of its workload and a member wherever the new one is, in its own family', () => {
  const binding = { key: 'w1', interface: 'w1h', addresses: ['10.0.9.2'], driver: 'netns' } as const
  const other = { ...binding, key: 'w2', interface: 'w2h', addresses: ['10.0.7.7'] } as const
  assert.deepEqual(
    withOldAddresses([binding, other], [draining]).map(({ addresses }) => addresses),
    [['10.0.9.2', '10.0.0.2', 'fd00::2'], ['10.0.7.7']],
  )
  const sets = withOldMembers(state, [draining]).sets
  assert.deepEqual(sets[0]!.members, ['10.0.9.2/32', '10.0.7.7', '10.0.0.2'])
  assert.deepEqual(sets[1], state.sets[1])
})

test('a change of something else does not cut a wait short; another change of the address ends it', () => {
  const at = (...addresses: string[]) => ({
    device: 'eth0',
    mtu: 1_500,
    addresses,
    gateways: [],
    routes: [],
    router: { device: 'w1h', mtu: 1_500, addresses: [], routes: [] },
  })
  const place = {
    key: 'w1',
    namespace: '/run/netns/w1',
    face: 'w1h',
    addresses: [],
    cgroup: null,
    root: null,
    monitor: null,
  }
  const part = network as FacetPart
  const first = lingering(part, { place, original: at('a/24'), state: at('a/24') }, at('b/24'), NOTHING, 1_000)!
  assert.deepEqual(first.draining.addresses, ['a'])
  assert.equal(first.draining.until, 1_000 + DRAIN_MS)
  const from = { place, original: at('a/24'), state: first.meanwhile, afterwards: at('b/24') }
  const before = { ...NOTHING, draining: [first.draining] }
  const same = lingering(part, from, at('b/24'), before, 30_000)!
  assert.deepEqual(same, first)
  const other = lingering(part, from, at('c/24'), before, 30_000)!
  assert.deepEqual(other.draining.addresses, ['b'])
  assert.deepEqual((other.meanwhile as { addresses: string[] }).addresses, ['c/24', 'b/24'])
})

test('what lingers goes when its time is over, though nobody can be asked whether it is used', async () => {
  const place = { key: 'w1', face: 'w1h', addresses: [], cgroup: null, root: null, monitor: null }
  const worn = {
    device: 'eth0',
    addresses: ['10.0.9.2/24'],
    gateways: [],
    router: { device: 'w1h', addresses: [], routes: [] },
  }
  const meanwhile = { ...worn, addresses: ['10.0.9.2/24', '10.0.0.2/24'] }
  const snapshot = (namespace: string): Snapshot => ({
    ...NOTHING,
    state,
    facets: {
      network: { w1: { place: { ...place, namespace }, original: meanwhile, state: meanwhile, afterwards: worn } },
    },
    draining: [draining],
  })
  const gone = snapshot('/run/netns/guise-there-is-none')
  for (const now of [0, DRAIN_MS]) {
    const after = await drained(gone, now)
    if (now === 0) assert.equal(after, gone, 'it cannot be counted: its time decides')
    else {
      assert.equal(after.draining, undefined)
      assert.deepEqual(after.facets.network?.w1?.state, worn)
      assert.equal('afterwards' in after.facets.network!.w1!, false)
    }
  }
  assert.equal(await drained(NOTHING, 0), NOTHING)
})
