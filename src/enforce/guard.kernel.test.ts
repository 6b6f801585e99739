/** What an agent refuses, repairs, contains and does at once. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until } from '../../bench/kill/range.ts'
import { namespaceOf } from '../../lab/topology.ts'
import { needRoot } from '../../test/need.ts'

const skip = needRoot()
const on = agentOnRange('g', skip)

test('begins with a confirmed generation', { skip }, async () => {
  for (const variant of [1, 0]) await on.apply(on.range.state(on.next(), variant), 'confirm', 'confirmed')
})

test('an older generation and a state that breaks the model are refused with the reason', { skip }, async () => {
  const held = await on.range.capture()
  await on.apply(on.range.state(1, 1), 'confirm', 'refused')
  assert.match(on.server.last.applied?.why ?? '', /older than generation/)
  const broken = on.range.state(on.next(), 1)
  await on.apply({ ...broken, sets: [{ name: 'friends', members: ['10.0.0.1/8'] }] }, 'confirm', 'refused')
  assert.match(on.server.last.applied?.why ?? '', /host bits/)
  on.server.send({ type: 'state', state: { ...broken, run: 'reboot' } } as never)
  await until('refused by its schema', 8_000, () =>
    on.server.reports.some(({ counters }) => counters['link.badMessages'] === 1),
  )
  assert.equal(await on.range.capture(), held)
})

test('somebody deletes our table, flushes a base chain, removes an entry: put back within two seconds, reported', {
  skip,
}, async () => {
  const held = await on.range.capture()
  for (const argv of [
    ['delete', 'table', 'inet', 'guise'],
    ['flush', 'chain', 'inet', 'guise', 'forward_egress'],
    ['delete', 'element', 'inet', 'guise', 'eg', '{ "wa" }'],
  ]) {
    on.nft(...argv)
    // Two seconds on an idle machine; this one is shared.
    await until(`repair of ${argv.slice(0, 3).join(' ')}`, 8_000, async () => (await on.range.capture()) === held)
  }
  await until('reported', 8_000, () => (on.server.reports.at(-1)?.counters['enforce.driftRepairs'] ?? 0) >= 3)
})

test('a containment is confirmed by host-side probes alone and ends by itself, with nobody to say so', {
  skip,
}, async () => {
  const base = on.range.state(on.next(), 0)
  const [first, ...rest] = base.workloads
  const why = { rule: 'quarantine', text: 'it called a listed address' }
  const contained = {
    ...base,
    workloads: [{ ...first!, containment: { directions: 'both' as const, until: Date.now() + 4_000, why } }, ...rest],
  }
  await on.apply(contained, 'nothing', 'confirmed')
  assert.match(on.nft('list', 'map', 'inet', 'guise', 'eg_contain'), /"wa"/)
  await until('its end', 10_000, () => !on.nft('list', 'map', 'inet', 'guise', 'eg_contain').includes('"wa"'))
})

test('the host itself wears rules on input and output, and no facet that its driver lacks', { skip }, async () => {
  const base = on.range.state(on.next(), 0)
  const all = { rules: [], otherwise: 'allow' as const, why: { rule: 'open', text: 'for this test' } }
  const host = { ...base.workloads[2]!, workload: 'h', key: `host:${hostname()}`, egress: all, ingress: all }
  await on.apply({ ...base, workloads: [...base.workloads, host] }, 'confirm', 'confirmed')
  assert.match(on.nft('list', 'map', 'inet', 'guise', 'host_eg'), /ipv4 : goto e_/)
  const held = await on.range.capture()
  const dressed = { ...host, dns: { servers: ['10.77.53.53'], search: [] } }
  const next = on.range.state(on.next(), 1)
  await on.apply({ ...next, workloads: [...next.workloads, dressed] }, 'confirm', 'refused')
  assert.match(on.server.last.applied?.why ?? '', /driver host .* does not carry facet dns/)
  assert.equal(await on.range.capture(), held)
})

test('a call to a listed address becomes a timed element at once, never against the never-block list', {
  skip,
}, async () => {
  on.server.send({
    type: 'indicators',
    hash: 'x',
    entries: [{ cidr: '198.51.100.0/24', score: 0, feed: 'test', confidence: 1 }],
    neverBlock: ['198.51.100.9'],
    homeNetworks: [],
  })
  const call = (address: string) =>
    execFileSync('ip', ['netns', 'exec', namespaceOf(on.range.plan.prefix, 'wb'), 'ping', '-c1', '-W1', address], {
      stdio: 'ignore',
    })
  // Rules of the range drop it before conntrack confirms it, so open them.
  const open = on.range.state(on.next(), 0)
  const all = { rules: [], otherwise: 'allow' as const, why: { rule: 'open', text: 'for this test' } }
  await on.apply(
    { ...open, workloads: open.workloads.map((one) => ({ ...one, egress: all, ingress: all })) },
    'confirm',
    'confirmed',
  )
  const elements = () => on.nft('list', 'set', 'inet', 'guise', 'reflex4')
  await until('the reflex', 10_000, () => {
    try {
      call('198.51.100.7')
    } catch {}
    return elements().includes('"wb" . 198.51.100.7')
  })
  assert.throws(() => call('198.51.100.7'), 'the second call is dropped')
  call('198.51.100.9')
  assert.ok(!elements().includes('198.51.100.9'))
  await until('the report', 10_000, () =>
    on.server.reports.some(({ reflexes }) => reflexes.some(({ peer }) => peer === '198.51.100.7')),
  )
  on.nft('delete', 'table', 'inet', 'guise')
  await until('the reflex is back with the table', 8_000, () => {
    try {
      return elements().includes('198.51.100.7')
    } catch {
      return false
    }
  })
})
