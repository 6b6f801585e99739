import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AgentState, DesiredState } from '../model/desired.ts'
import type { WorkloadReport } from '../model/wire.ts'
import { machineKey } from './drivers/places.ts'
import { socketsOf } from './drivers/qemu/machine.ts'
import { type NetworkState, wantedNetwork } from './facets/network.ts'
import { UNTOUCHED, writeRecord } from './facets/packages/record.ts'
import { keepSecretsIn } from './secret-files.ts'
import { bare, NOTHING, onlyContains, snapshotFrom } from './snapshot.ts'
import { bindingsOf, snapshotOf, uncarried } from './snapshot-of.ts'

const why = { rule: 'r', text: 't' }
const open = { rules: [], otherwise: 'allow' as const, why }
const workload = (more: Partial<DesiredState> = {}): DesiredState => ({
  workload: 'w',
  key: 'a',
  persona: { id: 'p', name: 'P', version: 1 },
  egress: open,
  ingress: open,
  containment: null,
  ...more,
})
const state = (...workloads: DesiredState[]): AgentState => ({
  generation: { system: 's', timeline: 1, n: 1 },
  plan: 'p',
  mode: 'enforce',
  workloads,
  sets: [],
  neverBlock: [],
  failSafe: [],
  confirmWithinMs: 1_000,
})
const report = (driver: WorkloadReport['driver'], face: string | null): WorkloadReport => ({
  key: 'a',
  name: 'a',
  kind: 'namespace' as WorkloadReport['kind'],
  driver,
  interface: face,
  addresses: ['10.0.0.2'],
  labels: {},
})
const contain = (until: number, directions: 'egress' | 'both' = 'egress') => ({
  containment: { directions, until, why },
})

test('a plan that adds or lengthens containment only contains; anything else does not', () => {
  const plain = state(workload())
  assert.equal(onlyContains(plain, state(workload(contain(5)))), true)
  assert.equal(onlyContains(state(workload(contain(5))), state(workload(contain(9, 'both')))), true)
  assert.equal(onlyContains(state(workload(contain(5, 'both'))), state(workload(contain(9)))), false)
  assert.equal(onlyContains(state(workload(contain(5))), state(workload(contain(4)))), false)
  assert.equal(onlyContains(state(workload(contain(5))), plain), false)
  assert.equal(onlyContains(plain, plain), false)
  assert.equal(onlyContains(null, plain), false)
  assert.equal(onlyContains(plain, state(workload({ ...contain(5), egress: { ...open, otherwise: 'deny' } }))), false)
})

test('what a driver does not carry is refused whole, with facet and driver named', () => {
  const namespaces = new Map([['a', '/run/netns/a']])
  const network = { addresses: ['10.0.0.9/24'], gateways: [] }
  const inventory = (driver: WorkloadReport['driver'], face: string | null) => ({
    workloads: [report(driver, face)],
    namespaces,
  })
  assert.equal(uncarried(state(workload({ network })), inventory('netns', 'va')), null)
  assert.match(uncarried(state(workload({ network })), inventory('host', null)) ?? '', /driver host .* facet network/)
  assert.match(uncarried(state(workload()), inventory('recording', null)) ?? '', /driver recording .* facet policies/)
  const nowhere = { workloads: [report('netns', 'va')], namespaces: new Map<string, string>() }
  assert.match(uncarried(state(workload({ network })), nowhere) ?? '', /no registered namespace/)
})

test('resolvers alone are refused for a guest that is told by DHCP, before anything is applied', () => {
  const uuid = '00000000-0000-4000-8000-00000000feed'
  const key = machineKey(uuid)
  const leased = { workloads: [{ ...report('qemu', 'gv0'), key }], namespaces: new Map<string, string>() }
  const dns = { servers: ['10.0.0.53'], search: [] }
  const why = uncarried(state(workload({ key, dns })), leased) ?? ''
  assert.match(why, /facet dns of a cannot be carried here: .* give its persona a network as well/)
  const places = new Map([[key, { monitor: socketsOf(uuid).monitor }]])
  assert.equal(uncarried(state(workload({ key, dns })), { ...leased, places }), null, 'its agent takes them alone')
})

test('the addresses worn are the ones that may be used', () => {
  const inventory = { workloads: [report('netns', 'va')], namespaces: new Map<string, string>() }
  const worn = workload({ network: { addresses: ['10.9.0.5/24'], gateways: [] } })
  assert.deepEqual(bindingsOf(inventory, state(worn))[0]?.addresses, ['10.9.0.5'])
  assert.deepEqual(bindingsOf(inventory, state(workload()))[0]?.addresses, ['10.0.0.2'])
  assert.deepEqual(bindingsOf({ ...inventory, workloads: [report('recording', null)] }, null), [])
})

test('a gateway inside a subnet becomes our address on the link; an address outside every subnet gets a route', () => {
  const now: NetworkState = {
    device: 'eth0',
    mtu: 1_500,
    addresses: ['10.0.0.2/24', 'fd00::2/64'],
    gateways: ['10.0.0.1', 'fd00::1'],
    routes: [],
    router: { device: 'va', mtu: 1_500, addresses: ['10.0.0.1/24', 'fd00::1/64'], routes: [] },
  }
  const moved = wantedNetwork(now, { addresses: ['10.9.0.5/24'], gateways: ['10.9.0.1'] })
  assert.deepEqual(moved.router, { device: 'va', mtu: 1_500, addresses: ['fd00::1/64', '10.9.0.1/24'], routes: [] })
  assert.deepEqual(moved.addresses, ['10.9.0.5/24'])
  assert.deepEqual(wantedNetwork(now, { addresses: ['192.0.2.7'], gateways: [] }).router.routes, ['192.0.2.7'])
})

test('a route is written as the kernel writes it, and its next hop is ours; everywhere is no route', () => {
  const now: NetworkState = {
    device: 'eth0',
    mtu: 1_500,
    addresses: ['10.0.0.2/24'],
    gateways: ['10.0.0.1'],
    routes: [],
    router: { device: 'va', mtu: 1_500, addresses: ['10.0.0.1/24'], routes: [] },
  }
  const routes = [
    { to: '10.50.0.0/16', via: '10.9.0.254' },
    { to: 'FD50:0::/32', via: 'fd09::0:1' },
  ]
  const wanted = wantedNetwork(now, { addresses: ['10.9.0.5/24', 'FD09::5/64'], gateways: [], routes, mtu: 1_400 })
  assert.deepEqual(wanted.routes, ['10.50.0.0/16 via 10.9.0.254', 'fd50::/32 via fd09::1'])
  assert.deepEqual(wanted.router, {
    device: 'va',
    mtu: 1_400,
    addresses: ['10.9.0.254/24', 'fd09::1/64'],
    routes: [],
  })
  const everywhere = { addresses: ['10.9.0.5/24'], gateways: [], routes: [{ to: '0.0.0.0/0', via: '10.9.0.1' }] }
  assert.throws(() => wantedNetwork(now, everywhere), /0\.0\.0\.0\/0 is everywhere: that is a gateway/)
})

test('packages of a workload that was away are ours when it is back, so they come off with the wish', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-snapshot-'))
  try {
    const [home, root] = [join(folder, 'home'), join(folder, 'root')]
    keepSecretsIn(home)
    mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true })
    const status = 'Package: gp-tool\nStatus: install ok installed\nVersion: 1.0\n'
    writeFileSync(join(root, 'var/lib/dpkg/status'), status)
    const here = {
      workloads: [report('container', 'va')],
      namespaces: new Map<string, string>(),
      places: new Map([['a', { root }]]),
    }
    const away = { workloads: [], namespaces: new Map<string, string>() }
    const worn = state(workload({ packages: ['gp-tool'] }))
    const packs = [{ name: 'gp-tool', version: '1.0', isPinned: false }]

    const first = await snapshotOf(worn, here, NOTHING, 0)
    assert.deepEqual(first.facets.packages?.a?.state, { packs, flaws: [] })
    writeRecord(home, 'a', { ...UNTOUCHED, wanted: packs, named: ['gp-tool'], ours: ['gp-tool'] })
    renameSync(root, `${root}.away`)
    const stopped = await snapshotOf(worn, away, first, 0)
    assert.equal(stopped.facets.packages, undefined)
    renameSync(`${root}.away`, root)
    const again = await snapshotOf(worn, here, stopped, 0)
    assert.deepEqual(again.facets.packages?.a?.original, { packs: [], flaws: [] })
    const bareAgain = await snapshotOf(state(workload()), here, again, 0)
    assert.deepEqual(bareAgain.facets.packages?.a?.state, { packs: [], flaws: [] })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a journal of an older release, with two facets by name, still says what to take off', () => {
  const old = {
    state: null,
    bindings: [],
    network: { a: { namespace: '/run/netns/a', face: 'va', state: { n: 2 }, original: { n: 1 } } },
    dns: { a: { namespace: '/run/netns/a', face: '', state: 'new', original: null } },
  }
  const place = { key: 'a', namespace: '/run/netns/a', addresses: [], cgroup: null, root: null, monitor: null }
  const read = snapshotFrom(JSON.parse(JSON.stringify(old)))
  assert.deepEqual(read, {
    state: null,
    bindings: [],
    facets: {
      network: { a: { place: { ...place, face: 'va' }, state: { n: 2 }, original: { n: 1 } } },
      dns: { a: { place: { ...place, face: null }, state: 'new', original: null } },
    },
  })
  assert.deepEqual(snapshotFrom(read), read)
  assert.equal(bare(read).facets.dns?.a?.state, null)
})
