/**
 * A machine wears a persona, through the real agent: rules and rates on our end of its link, addresses, resolver, tunnel and
 * certificate inside it, processor time from its cgroup; then another one; then nothing of it is left.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { agentOnRange } from '../../../../bench/kill/agent-on-range.ts'
import { until } from '../../../../bench/kill/range.ts'
import { buildGuest } from '../../../../guest/build.ts'
import { namespaceOf } from '../../../../lab/topology.ts'
import { needQemu, needRoot } from '../../../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../../../model/desired.ts'
import type { WorkloadReport } from '../../../model/wire.ts'
import { cgroupOf } from './cgroup.ts'
import { guestAnswers, runInGuest } from './guest-agent.ts'
import { type Machine, socketsOf } from './machine.ts'
import { type Machines, openMachines } from './machines.ts'

const run = promisify(execFile)
const skip = needRoot() || needQemu()
const OUTSIDE = '172.31.77.2'
let machines: Machines
// Before the range's own, which takes their namespace away.
after(async () => {
  if (skip !== false) return
  for (const { machine } of machines?.all() ?? []) await machines.destroy(machine.uuid)
})
const on = agentOnRange('v', skip)
let base: Machine
let copy: Machine

const agentOf = (machine: Machine) => socketsOf(machine.uuid).agent
const inGuest = (machine: Machine, program: string, ...argv: string[]) => runInGuest(agentOf(machine), program, argv)
const inNamespace = (name: string, program: string, ...argv: string[]) =>
  run('ip', ['netns', 'exec', namespaceOf(on.range.plan.prefix, name), program, ...argv], { maxBuffer: 1 << 26 })

before(async () => {
  if (skip !== false) return
  const image = await buildGuest()
  // Hooks of a whole file begin together.
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  const namespace = `/run/netns/${on.range.router}`
  machines = openMachines({ home: on.range.home, namespace, quota: { machines: 4, memoryMb: 1_024 } })
  const made = machines.define({
    name: 'base',
    boot: { from: 'kernel', ...image },
    memoryMb: 128,
    cpus: 1,
    face: 'gvbase',
    gateways: ['10.78.1.1/24'],
    addresses: [],
    accelerator: 'tcg',
  })
  assert.ok(made.ok)
  base = made.value
  await machines.start(base.uuid)
  await until('the guest boots', 60_000, () => guestAnswers(agentOf(base), 1_000))
  const copied = await machines.clone(base.uuid, {
    name: 'copy',
    face: 'gvcopy',
    gateways: ['10.78.2.1/24'],
    addresses: [],
  })
  assert.ok(copied.ok)
  copy = copied.value
  await until('the copy answers', 10_000, () => guestAnswers(agentOf(copy), 1_000))
  await tellAgent([base, copy])
})
async function tellAgent(known: readonly Machine[]): Promise<void> {
  const folder = dirname(on.range.inventory)
  const before = (JSON.parse(readFileSync(on.range.inventory, 'utf8')) as WorkloadReport[]).filter(
    ({ driver }) => driver !== 'qemu',
  )
  const places = known.map(({ uuid }) => [keyOf(uuid), { cgroup: cgroupOf(uuid), monitor: socketsOf(uuid).monitor }])
  const file = join(folder, 'places.json')
  const there = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : {}
  writeFileSync(file, JSON.stringify({ ...there, ...Object.fromEntries(places) }))
  const reports = known.map(
    ({ uuid, name, face }): WorkloadReport => ({
      key: keyOf(uuid),
      name,
      kind: 'vm' as WorkloadReport['kind'],
      driver: 'qemu',
      interface: face,
      addresses: [],
      labels: {},
    }),
  )
  const told = on.server.reports.length
  writeFileSync(on.range.inventory, JSON.stringify([...before, ...reports]))
  await until('the agent knows', 10_000, () =>
    on.server.reports.slice(told).some(({ workloads }) => workloads?.length === before.length + reports.length + 1),
  )
}

const keyOf = (uuid: string) => `vm:${uuid}`

function rules(allowed: readonly { readonly peer: string; readonly port: number }[]): RuleList {
  return {
    rules: allowed.map(({ peer, port }, i) => ({
      verdict: 'allow',
      match: { peer: { kind: 'cidr', cidr: peer }, service: { protocol: 'tcp', from: port, to: port } },
      why: { rule: `vm/${i}`, text: 'it may' },
    })),
    otherwise: 'deny',
    why: { rule: 'default-deny', text: 'nothing else may' },
  }
}

function wearing(persona: string, wears: (machine: Machine) => Partial<DesiredState>): AgentState {
  const state = on.range.state(on.next(), 0)
  const worn = [base, copy].map(
    (machine): DesiredState => ({
      workload: machine.name,
      key: keyOf(machine.uuid),
      persona: { id: persona, name: persona, version: 1 },
      egress: rules([]),
      ingress: rules([]),
      containment: null,
      ...wears(machine),
    }),
  )
  return { ...state, confirmWithinMs: 20_000, workloads: [...state.workloads, ...worn] }
}

/** Answers the status of the page, or what curl ended with. */
async function fetched(url: string, ...rest: string[]): Promise<string> {
  const argv = ['-s', '-k', '-m', '4', '-o', '/dev/null', '-w', '%{http_code}', ...rest, url]
  return inNamespace('out', 'curl', ...argv).then(
    ({ stdout }) => stdout,
    (error: { code?: number }) => `curl ${error.code}`,
  )
}

const network = { addresses: ['10.78.2.2/24', 'fd78:2::2/64'], gateways: ['10.78.2.1', 'fd78:2::1'] }
const web = {
  ingress: rules([
    { peer: OUTSIDE, port: 80 },
    { peer: OUTSIDE, port: 443 },
  ]),
}
const ofCopy = (worn: Partial<DesiredState>) => (machine: Machine) => (machine === copy ? worn : {})

test('a copy gets an address of its own before its uplink opens, a resolver, and the rules of its persona', {
  skip,
}, async () => {
  const dns = { servers: ['10.77.53.53'], search: ['vm.lab.internal'] }
  await on.apply(wearing('web', ofCopy({ ...web, network, dns })), 'nothing', 'rolled-back')
  assert.match(on.server.last.applied?.why ?? '', /probe address 10\.78\.2\.2 failed/, 'nobody reaches it yet')
  assert.ok((await machines.connect(copy.uuid, 'open')).ok)
  await on.apply(wearing('web', ofCopy({ ...web, network, dns })), 'confirm', 'confirmed')
  assert.match(await inGuest(copy, 'cat', '/etc/resolv.conf'), /nameserver 10\.77\.53\.53\nsearch vm\.lab\.internal/)
  assert.match(await inGuest(copy, 'ip', 'route'), /default via 10\.78\.2\.1 dev eth0 src 10\.78\.2\.2/)
  assert.equal(await fetched('http://10.78.2.2/name'), '200')
  assert.equal(await fetched('https://10.78.2.2/name'), '200')
})

test('shifted, it is denied in both directions; not confirmed, everything comes back', { skip }, async () => {
  await on.apply(wearing('closed', ofCopy({ network })), 'confirm', 'confirmed')
  assert.equal(await fetched('http://10.78.2.2/name'), 'curl 28')
  assert.equal(await inGuest(copy, 'cat', '/etc/resolv.conf'), '', 'the resolver is as it was before us')
  const other = { addresses: ['10.78.2.9/24'], gateways: ['10.78.2.1'] }
  const state = wearing('open', ofCopy({ ...web, network: other }))
  await on.apply({ ...state, confirmWithinMs: 6_000 }, 'nothing', 'confirming')
  assert.equal(await fetched('http://10.78.2.9/name'), '200')
  await until('rolled back', 20_000, () => String(on.server.last.applied?.state) === 'rolled-back')
  assert.match(await inGuest(copy, 'ip', '-br', 'addr', 'show', 'eth0'), /10\.78\.2\.2\/24 fd78:2::2\/64/)
  assert.doesNotMatch(await inGuest(copy, 'ip', '-br', 'addr', 'show', 'eth0'), /10\.78\.2\.9/)
  assert.equal(await fetched('http://10.78.2.2/name'), 'curl 28')
})
