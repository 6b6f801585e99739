/** A podman container wears a persona, through the real agent: found by its id, dressed by the parts that dress a namespace. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { agentOnRange } from '../../../../bench/kill/agent-on-range.ts'
import { until } from '../../../../bench/kill/range.ts'
import { fetchPackages } from '../../../../guest/packages.ts'
import { namespaceOf } from '../../../../lab/topology.ts'
import { needPodman, needRoot } from '../../../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../../../model/desired.ts'
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
const OUTSIDE = '172.31.77.2'
let key = ''

// Before the range's own, which takes the namespace away.
after(async () => {
  if (skip !== false) return
  await podman('rm', '-f', '-t', '0', '-a')
  // Its storage may be mounted over itself; podman has no command that undoes that.
  await run('umount', ['-q', '-R', join(folder, 'root', 'overlay')]).catch(() => {})
  rmSync(folder, { recursive: true, force: true })
})
const on = agentOnRange('ct', skip)

before(async () => {
  if (skip !== false) return
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  const namespace = namespaceOf(on.range.plan.prefix, 'wb')
  await makeImage()
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']
  const argv = ['run', '-d', '--name', 'web', ...limits, '--network', `ns:/run/netns/${namespace}`, 'guise-test']
  const id = await podman(...argv, '/bin/busybox', 'httpd', '-f', '-p', '80', '-h', '/srv')
  key = `container:${id}`
  const reports = JSON.parse(readFileSync(on.range.inventory, 'utf8')) as WorkloadReport[]
  const told = on.server.reports.length
  const worn = reports.map((one) =>
    one.key === namespace ? { ...one, key, name: 'web', kind: 'container', driver: 'container' } : one,
  )
  writeFileSync(on.range.inventory, JSON.stringify(worn))
  await until('the agent knows', 40_000, () =>
    on.server.reports.slice(told).some(({ workloads }) => workloads?.some(({ driver }) => driver === 'container')),
  )
})

/** A root of one program, from a Debian package. */
async function makeImage(): Promise<void> {
  const packages = mkdtempSync(join(tmpdir(), 'guise-busybox-'))
  chmodSync(packages, 0o755)
  try {
    const [root] = await fetchPackages(['busybox-static'], packages)
    for (const name of ['proc', 'sys', 'dev', 'etc', 'srv', 'tmp']) mkdirSync(join(root!, name), { recursive: true })
    for (const name of ['sh', 'cat']) symlinkSync('busybox', join(root!, 'bin', name))
    writeFileSync(join(root!, 'srv', 'name'), 'container\n')
    const archive = join(packages, 'root.tar')
    execFileSync('tar', ['-C', root!, '-cf', archive, '.'])
    await podman('import', '-q', archive, 'guise-test')
  } finally {
    rmSync(packages, { recursive: true, force: true })
  }
}

function rules(peers: readonly string[]): RuleList {
  return {
    rules: peers.map((cidr, i) => ({
      verdict: 'allow',
      match: { peer: { kind: 'cidr', cidr }, service: { protocol: 'tcp', from: 80, to: 80 } },
      why: { rule: `container/${i}`, text: 'it may' },
    })),
    otherwise: 'deny',
    why: { rule: 'default-deny', text: 'nothing else may' },
  }
}

function wearing(persona: string, worn: Partial<DesiredState>): AgentState {
  const state = on.range.state(on.next(), 0)
  const own: DesiredState = {
    workload: 'web',
    key,
    persona: { id: persona, name: persona, version: 1 },
    egress: rules([]),
    ingress: rules([]),
    containment: null,
    ...worn,
  }
  return { ...state, workloads: [...state.workloads, own] }
}

async function fetched(address: string): Promise<string> {
  const outside = namespaceOf(on.range.plan.prefix, 'out')
  const argv = ['netns', 'exec', outside, 'curl', '-s', '-m', '3', `http://${address}/name`]
  return run('ip', argv).then(
    ({ stdout }) => stdout.trim(),
    (error: { code?: number }) => `curl ${error.code}`,
  )
}

test('a container is found by its id, and nothing that calls itself one', { skip }, () => {
  const found = findContainer(key)
  assert.equal(found?.namespace, `/run/netns/${namespaceOf(on.range.plan.prefix, 'wb')}`)
  assert.match(found?.cgroup ?? '', /^\/libpod_parent\/libpod-[0-9a-f]{64}$/)
  assert.match(found?.resolver ?? '', /\/userdata\/resolv\.conf$/)
  for (const other of ['container:../../etc', 'container:nobody', 'vm:1', 'container:'])
    assert.equal(findContainer(other), null)
})

test('it wears rules, addresses, a resolver, a rate and limits; shifted and taken back, nothing of them is left', {
  skip,
}, async () => {
  const resolver = () => podman('exec', 'web', '/bin/cat', '/etc/resolv.conf')
  const before = await resolver()
  assert.equal(await fetched(ADDRESS), 'container')
  const web = { ingress: rules([OUTSIDE]) }
  await on.apply(
    wearing('web', {
      ...web,
      network: { addresses: ['10.79.0.2/24'], gateways: ['10.79.0.1'] },
      dns: { servers: ['10.77.53.53'], search: ['ct.lab.internal'] },
      bandwidth: { down: { rate: 10_000_000, ceiling: 10_000_000 } },
      cpu: { cores: 0.5 },
      memory: { maxBytes: 64 << 20 },
    }),
    'confirm',
    'confirmed',
  )
  assert.equal(await fetched('10.79.0.2'), 'container')
  assert.match(await resolver(), /nameserver 10\.77\.53\.53\nsearch ct\.lab\.internal/)
  const cgroup = findContainer(key)!.cgroup!
  assert.match(limit(cgroup, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000\b/)
  assert.equal(limit(cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(64 << 20))
  await on.apply(wearing('closed', {}), 'confirm', 'confirmed')
  assert.equal(await fetched(ADDRESS), 'curl 28')
  assert.equal(await resolver(), before)
  assert.doesNotMatch(limit(cgroup, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000\b/)
  await on.apply({ ...wearing('web', web), confirmWithinMs: 3_000 }, 'nothing', 'rolled-back')
  assert.equal(await fetched(ADDRESS), 'curl 28')
})

function limit(cgroup: string, controller: string, v1: string, v2: string): string {
  const read = (path: string) => readFileSync(path, 'utf8').trim()
  try {
    return read(`/sys/fs/cgroup/${controller}${cgroup}/${v1}`)
  } catch {
    return read(`/sys/fs/cgroup${cgroup}/${v2}`)
  }
}
