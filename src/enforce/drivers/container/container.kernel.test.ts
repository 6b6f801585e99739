/**
 * A podman container from one end to the other, through the real agent: found by itself, given a whole persona in one step by
 * the parts that dress a namespace, shifted, rolled back, destroyed.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { agentOnRange } from '../../../../bench/kill/agent-on-range.ts'
import { until } from '../../../../bench/kill/range.ts'
import { buildContainerRoot } from '../../../../guest/container-root.ts'
import { removePodmanFolder } from '../../../../guest/podman-folder.ts'
import { namespaceOf } from '../../../../lab/topology.ts'
import { needPodman, needRoot } from '../../../../test/need.ts'
import {
  allowing,
  INNER,
  type Secrets,
  secretsOf,
  seenFrom,
  TEN_MBIT,
  TUNNEL_PORT,
} from '../../../../test/whole-persona.ts'
import type { AgentState, DesiredState } from '../../../model/desired.ts'
import type { WorkloadReport } from '../../../model/wire.ts'
import { findContainer } from './container.ts'

const run = promisify(execFile)
const skip = needRoot() || needPodman()
const folder = skip === false ? mkdtempSync(join(tmpdir(), 'guise-podman-')) : ''
const PODMAN = [
  ...['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--tmpdir', join(folder, 'tmp')],
  ...['--cgroup-manager', 'cgroupfs', '--runtime', 'runc'],
]
const podman = async (...argv: string[]) =>
  (await run('podman', [...PODMAN, ...argv], { timeout: 60_000 })).stdout.trim()
const ADDRESS = '10.77.2.2'
const WORN = '10.79.0.2'
const PEER = '10.77.3.2'
const OUTSIDE = '172.31.77.2'
/** Of the router: where a published port is reached. */
const ROUTER = '172.31.77.1'
let key = ''
let secrets: Secrets
let outside: ReturnType<typeof seenFrom>

// Before the range's own, which takes the namespace away.
after(async () => {
  if (skip !== false) return
  await podman('rm', '-f', '-t', '0', '-a')
  await removePodmanFolder(folder)
})
const on = agentOnRange('ct', skip)
const space = (name: string) => namespaceOf(on.range.plan.prefix, name)
/** What the agent named last. */
const named = () => on.server.reports.flatMap(({ workloads }) => (workloads === undefined ? [] : [workloads])).at(-1)

before(async () => {
  if (skip !== false) return
  const archive = await buildContainerRoot()
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  secrets = await secretsOf(on.range.home, on.range.dir)
  outside = seenFrom(space('out'))
  await podman('import', '-q', archive, 'guise-test')
  // The inventory says nothing of what will be behind this link.
  const reports = JSON.parse(readFileSync(on.range.inventory, 'utf8')) as WorkloadReport[]
  writeFileSync(on.range.inventory, JSON.stringify(reports.filter((one) => one.key !== space('wb'))))
})

function wearing(persona: string, worn: Partial<DesiredState>, peer: Partial<DesiredState> = {}): AgentState {
  const state = on.range.state(on.next(), 0)
  const own: DesiredState = {
    workload: 'web',
    key,
    persona: { id: persona, name: persona, version: 1 },
    egress: allowing(),
    ingress: allowing(),
    containment: null,
    ...worn,
  }
  const others = state.workloads.map((one) => (one.key === space('wc') ? { ...one, ...peer } : one))
  return { ...state, confirmWithinMs: 60_000, workloads: [...others, own] }
}
function apply(state: AgentState, answer: 'confirm' | 'nothing', reaches: string): Promise<void> {
  secrets.bring()
  return on.apply(state, answer, reaches, 60_000)
}

const resolver = () => podman('exec', 'web', '/bin/cat', '/etc/resolv.conf')
const inPeer = async (...argv: string[]) => (await run('ip', ['netns', 'exec', space('wc'), ...argv])).stdout

test('one that runs is found by itself, with its name, its link and its address', { skip }, async () => {
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']
  const argv = ['run', '-d', '--name', 'web', ...limits, '--network', `ns:/run/netns/${space('wb')}`, 'guise-test']
  const serve = 'truncate -s 64M /srv/zeros; exec nginx -g "daemon off;"'
  const id = await podman(...argv, '/bin/sh', '-c', serve)
  key = `container:${id}`
  await until('the agent names it', 40_000, () => named()?.some((one) => one.key === key) === true)
  const report = named()?.find((one) => one.key === key)
  assert.deepEqual(
    { ...report, addresses: report?.addresses.slice(0, 1) },
    {
      key,
      name: 'web',
      kind: 'container',
      driver: 'container',
      interface: 'wb',
      addresses: [ADDRESS],
      labels: {},
    },
  )
  const found = findContainer(key)
  assert.equal(found?.namespace, `/run/netns/${space('wb')}`)
  assert.match(found?.cgroup ?? '', /^\/libpod_parent\/libpod-[0-9a-f]{64}$/)
  assert.match(found?.resolver ?? '', /\/userdata\/resolv\.conf$/)
  for (const other of ['container:../../etc', 'container:nobody', 'vm:1', 'container:'])
    assert.equal(findContainer(other), null)
})

const web = { ingress: allowing(...[80, 443, 8_443].map((port) => ({ peer: OUTSIDE, port }))) }
const whole = (): Partial<DesiredState> => ({
  ...web,
  egress: allowing({ peer: PEER, protocol: 'udp', port: TUNNEL_PORT }, { peer: OUTSIDE, port: 7_100 }),
  network: { addresses: [`${WORN}/24`], gateways: ['10.79.0.1'] },
  dns: { servers: ['10.77.53.53'], search: ['ct.lab.internal'] },
  vpn: secrets.tunnel('own', PEER),
  tls: secrets.tls,
  egressAddress: { addresses: ['10.79.200.7'], except: [] },
  publishedPorts: [{ protocol: 'tcp', port: 8_443, to: 443 }],
  bandwidth: { up: TEN_MBIT, down: TEN_MBIT },
  cpu: { cores: 0.5 },
  memory: { maxBytes: 256 << 20 },
})
/** The other end of its tunnel, which waits to be called. */
const peer = () => ({
  // It is called from the address before, as long as that lingers.
  ingress: allowing(...[ADDRESS, WORN].map((one) => ({ peer: one, protocol: 'udp' as const, port: TUNNEL_PORT }))),
  vpn: secrets.tunnel('peer', null),
})

/** Tells whoever asks which address they came from. */
const TELLER = `require('node:http').createServer((q, a) => a.end(q.socket.remoteAddress)).listen(7100, '172.31.77.2')`
let resolverBefore = ''
test('it wears a whole persona, every facet in one step', { skip }, async (t) => {
  resolverBefore = await resolver()
  assert.equal(await outside.page(`http://${ADDRESS}/name`), 'container')
  await apply(wearing('web', whole(), peer()), 'confirm', 'confirmed')
  assert.match(await resolver(), /nameserver 10\.77\.53\.53\nsearch ct\.lab\.internal/)
  await until(
    'its certificate is served',
    10_000,
    async () => (await outside.trustedPage(WORN, 443, secrets.trusted)) === 'container',
  )
  assert.equal(await outside.trustedPage(ROUTER, 8_443, secrets.trusted), 'container', 'by its published port')
  await until('the tunnel carries packets', 20_000, () =>
    inPeer('ping', '-c', '1', '-W', '1', INNER.own).then(
      () => true,
      () => false,
    ),
  )
  const teller = spawn('ip', ['netns', 'exec', space('out'), process.execPath, '-e', TELLER], { stdio: 'ignore' })
  try {
    await until('the outside sees its egress address', 10_000, async () =>
      /^10\.79\.200\.7$/.test(
        await podman('exec', 'web', '/bin/wget', '-qO-', `http://${OUTSIDE}:7100/`).catch(() => ''),
      ),
    )
  } finally {
    teller.kill('SIGKILL')
  }
  const cgroup = findContainer(key)!.cgroup!
  assert.match(limit(cgroup, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000\b/)
  assert.equal(limit(cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(256 << 20))
  const held = await outside.speed(`http://${WORN}/zeros`, 5_000_000)
  t.diagnostic(`10 Mbit/s measured as ${(held / 1e6).toFixed(2)}`)
  assert.ok(held >= 9e6 && held <= 10.5e6, `${held}`)
})

test('shifted, nothing of it is left but what the next persona wears too', { skip }, async (t) => {
  await apply(wearing('small', { ...web, cpu: { cores: 0.02 } }), 'confirm', 'confirmed')
  assert.equal(await resolver(), resolverBefore)
  assert.doesNotMatch(await inPeer('ip', '-br', 'link'), /wg0/)
  await until(
    'the certificate before it is served',
    10_000,
    async () => (await outside.trustedPage(ADDRESS, 443, secrets.trusted)) === 'curl 60',
  )
  assert.equal(await outside.trustedPage(ROUTER, 8_443, secrets.trusted), 'curl 7')
  const small = await outside.speed(`http://${ADDRESS}/zeros`, 60_000_000)
  await apply(wearing('free', web), 'confirm', 'confirmed')
  const free = await outside.speed(`http://${ADDRESS}/zeros`, 60_000_000)
  t.diagnostic(`Mbit/s with 0.02 processors ${(small / 1e6).toFixed(0)}, with all ${(free / 1e6).toFixed(0)}`)
  assert.ok(small < free / 2, `${small} of ${free}`)
})

test('denied in both directions; what nobody confirms comes off by itself', { skip }, async () => {
  await apply(wearing('closed', {}), 'confirm', 'confirmed')
  await apply({ ...wearing('open', whole(), peer()), confirmWithinMs: 3_000 }, 'nothing', 'rolled-back')
  assert.equal(await outside.page(`http://${ADDRESS}/name`, 2), 'curl 28')
  assert.equal(await resolver(), resolverBefore)
  assert.doesNotMatch(await inPeer('ip', '-br', 'link'), /wg0/)
})

test('destroyed while it wears something, it is named no longer, and the others go on', { skip }, async () => {
  await apply(wearing('web', whole(), peer()), 'confirm', 'confirmed')
  await podman('rm', '-f', '-t', '0', 'web')
  await until('the agent no longer names it', 40_000, () => named()?.some((one) => one.key === key) === false)
  await apply({ ...on.range.state(on.next(), 0), confirmWithinMs: 60_000 }, 'confirm', 'confirmed')
  assert.doesNotMatch((await run('ip', ['netns', 'exec', space('wb'), 'ip', '-br', 'link'])).stdout, /wg0/)
})

function limit(cgroup: string, controller: string, v1: string, v2: string): string {
  const read = (path: string) => readFileSync(path, 'utf8').trim()
  try {
    return read(`/sys/fs/cgroup/${controller}${cgroup}/${v1}`)
  } catch {
    return read(`/sys/fs/cgroup${cgroup}/${v2}`)
  }
}
