/** Routes and the size of packets, through the real agent: put there, changed, defended, and gone with the persona. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { agentOnRange } from '../../../bench/kill/agent-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { namespaceOf } from '../../../lab/topology.ts'
import { needRoot } from '../../../test/need.ts'
import type { AgentState, DesiredState } from '../../model/desired.ts'

const skip = needRoot()
const on = agentOnRange('nw', skip)
const space = (name: string) => namespaceOf(on.range.plan.prefix, name)
const ip = (...argv: string[]) => execFileSync('ip', ['-n', space('wa'), ...argv], { stdio: 'pipe' }).toString()
const ofRouter = (...argv: string[]) =>
  execFileSync('ip', ['-n', on.range.router, ...argv], { stdio: 'pipe' }).toString()

type Network = NonNullable<DesiredState['network']>
function wearing(network: Network | null): AgentState {
  const state = on.range.state(on.next(), 0)
  const workloads = state.workloads.map((one) =>
    one.key === space('wa') && network !== null ? { ...one, network } : one,
  )
  return { ...state, workloads, confirmWithinMs: 20_000 }
}
const wear = (network: Network | null) => on.apply(wearing(network), 'confirm', 'confirmed')

const own: Network = { addresses: ['10.77.1.2/24', 'fd77:0:1::2/64'], gateways: ['10.77.1.1', 'fd77:0:1::1'] }
const routes: Network['routes'] = [
  { to: '10.50.0.0/16', via: '10.77.1.254' },
  { to: 'fd50::/32', via: 'fd77:0:1::fe' },
]

test('routes and the size of packets come with a persona, change with it and go with it', { skip }, async () => {
  await wear(null)
  const bare = await on.range.capture()
  await wear({ ...own, routes, mtu: 1_400 })
  assert.match(ip('route', 'get', '10.50.3.4'), /via 10\.77\.1\.254 /)
  assert.match(ip('route', 'get', 'fd50::1'), /via fd77:0:1::fe /)
  assert.match(ip('link', 'show', 'eth0'), / mtu 1400 /)
  assert.match(ofRouter('link', 'show', 'wa'), / mtu 1400 /)
  // Its next hop is there to answer.
  execFileSync('ip', ['netns', 'exec', space('wa'), 'ping', '-c1', '-W2', '10.77.1.254'], { stdio: 'pipe' })

  await wear({ ...own, routes: [{ to: '10.50.0.0/16', via: '10.77.1.1' }, routes[1]!] })
  assert.match(ip('route', 'get', '10.50.3.4'), /via 10\.77\.1\.1 /)
  assert.match(ip('link', 'show', 'eth0'), / mtu 1500 /)
  const repairs = () => on.server.reports.at(-1)?.counters['enforce.driftRepairs'] ?? 0
  const before = repairs()
  ip('route', 'del', '10.50.0.0/16')
  ip('link', 'set', 'eth0', 'mtu', '1300')
  await until('both are put back', 15_000, () => /10\.50\.0\.0/.test(ip('route')) && /mtu 1500/.test(ip('link')))
  await until('and told', 10_000, () => repairs() > before)

  await wear(null)
  await until('all as before', 20_000, async () => (await on.range.capture()) === bare)
  assert.match(ofRouter('link', 'show', 'wa'), / mtu 1500 /)
})

test('what nobody confirms is taken back; a route of somebody else is not touched, and the plan is refused', {
  skip,
}, async () => {
  const bare = await on.range.capture()
  await on.apply({ ...wearing({ ...own, routes, mtu: 1_300 }), confirmWithinMs: 3_000 }, 'nothing', 'rolled-back')
  assert.equal(await on.range.capture(), bare)
  assert.match(ip('link', 'show', 'eth0'), / mtu 1500 /)
  ip('route', 'add', '10.50.0.0/16', 'via', '10.77.1.1')
  await on.apply(wearing({ ...own, routes }), 'confirm', 'rolled-back')
  assert.match(
    on.server.last.applied?.why ?? '',
    /has a route of its own to 10\.50\.0\.0\/16 \(10\.77\.1\.1, boot\)\. Remove it there, or leave/,
  )
  assert.match(ip('route', 'get', '10.50.3.4'), /via 10\.77\.1\.1 /)
  ip('route', 'del', '10.50.0.0/16')
})

test('what a journal of an older release says of it is completed from what is there', { skip }, () => {
  execFileSync('ip', ['-n', space('wb'), 'link', 'set', 'eth0', 'mtu', '1450'])
  const place = { key: 'wb', namespace: `/run/netns/${space('wb')}`, face: 'wb', addresses: [] }
  const whole = { ...place, cgroup: null, root: null, monitor: null }
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const code = `import { network } from ${from('./network.ts')}
import { readSnapshot } from ${from('../snapshot-of.ts')}
const place = ${JSON.stringify(whole)}
const now = await network.capture(place)
const { mtu, routes, router: { mtu: ours, ...router }, ...rest } = now
const state = { ...rest, router }
const read = await readSnapshot({ state: null, bindings: [], facets: { network: { wb: { place, state, original: state } } } })
const { wb } = read.facets.network
console.log(mtu, network.normalise(wb.state) === network.normalise(now), network.normalise(wb.original) === network.normalise(now))
const gone = { ...place, namespace: '/run/netns/guise-nobody' }
console.log(typeof network.normalise(await network.complete(gone, state)), (await network.complete(place, now)) === now)`
  const argv = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code]
  const said = execFileSync('nsenter', [`--net=/run/netns/${on.range.router}`, ...argv]).toString()
  assert.equal(said, '1450 true true\nstring true\n')
})
