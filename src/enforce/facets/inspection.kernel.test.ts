/** What a sensor of the host gets to see of a workload's real packets, beside its bandwidth, and that nothing of it is left. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { agentOnRange } from '../../../bench/kill/agent-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { namespaceOf } from '../../../lab/topology.ts'
import { needRoot } from '../../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../../model/desired.ts'
import type { Mirrored } from '../../model/facets/inspection.ts'
import type { WireVitals } from '../../model/vitals.ts'

const skip = needRoot()
const on = agentOnRange('in', skip)
const SENSOR = 'sensor0'
const MARK = '192.0.2.99'
const open: RuleList = { rules: [], otherwise: 'allow', why: { rule: 'open', text: 'all may' } }
const space = (name: string) => namespaceOf(on.range.plan.prefix, name)
const inside = (name: string, ...argv: string[]) =>
  execFileSync('nsenter', [`--net=/run/netns/${name}`, ...argv], { stdio: 'pipe' }).toString()

before(async () => {
  if (skip !== false) return
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  inside(on.range.router, 'ip', 'link', 'add', SENSOR, 'type', 'veth', 'peer', 'name', 'sensor1')
  for (const link of [SENSOR, 'sensor1']) inside(on.range.router, 'ip', 'link', 'set', link, 'up')
  inside(on.range.router, 'ip', 'address', 'add', '192.0.2.1/24', 'dev', SENSOR)
})

function wearing(facets: Partial<DesiredState>): AgentState {
  const state = on.range.state(on.next(), 0)
  const workloads = state.workloads.map(({ workload, key, persona, containment }, i) => ({
    ...{ workload, key, persona, egress: open, ingress: open, containment },
    ...(i === 0 ? facets : {}),
  }))
  return { ...state, workloads, confirmWithinMs: 20_000 }
}
const wear = (facets: Partial<DesiredState>) => on.apply(wearing(facets), 'confirm', 'confirmed')

/** What tcpdump sees on the sensor's far end, in its own words, up to a packet that ends it. */
async function seeing(act: () => void): Promise<string> {
  const argv = ['tcpdump', '-l', '-n', '--immediate-mode', '-i', 'sensor1', 'ip', 'or', 'arp']
  const child: ChildProcess = spawn('nsenter', [`--net=/run/netns/${on.range.router}`, ...argv], { stdio: 'pipe' })
  const said = { out: '', error: '' }
  child.stdout!.on('data', (chunk: Buffer) => {
    said.out += chunk.toString()
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    said.error += chunk.toString()
  })
  try {
    await until('it listens', 10_000, () => said.error.includes('listening on'))
    act()
    await until('the mark was seen', 10_000, () => {
      // Nobody answers: it is the question that is looked for.
      spawnSync('nsenter', [`--net=/run/netns/${on.range.router}`, 'ping', '-c1', '-W1', MARK])
      return said.out.includes(`who-has ${MARK}`)
    })
  } finally {
    child.kill('SIGTERM')
    await until('it ended', 5_000, () => child.exitCode !== null || child.signalCode !== null)
  }
  return said.out
}

const TALK = `import socket, sys
s = socket.create_connection((sys.argv[1], 7300), 5); s.sendall(b'x' * 20000); s.shutdown(1)
while s.recv(65536): pass`
const LISTEN = `import socket
l = socket.create_server(('0.0.0.0', 7300)); print('up', flush=True)
while True:
  c, _ = l.accept()
  while c.recv(65536): pass
  c.sendall(b'y' * 20000); c.close()`

test('nothing without a sensor; opening packets; every packet, also beside a bandwidth; its calls; and nothing is left', {
  skip,
}, async () => {
  const listener = spawn('nsenter', [`--net=/run/netns/${space('out')}`, 'python3', '-c', LISTEN], { stdio: 'pipe' })
  try {
    let up = false
    listener.stdout!.on('data', () => {
      up = true
    })
    await until('the listener is up', 10_000, () => up)
    const talk = () =>
      void inside(space('wa'), 'python3', '-c', TALK, '172.31.77.2') +
      inside(space('wb'), 'ping', '-c1', '-W1', '172.31.77.2')
    await on.apply(wearing({ inspection: { level: 'flows' } }), 'confirm', 'refused')
    assert.match(
      on.server.last.applied?.why ?? '',
      /this host names no sensor; its administrator can add sensor to floor/,
    )
    writeFileSync(join(on.range.home, 'floor.yaml'), `version: 1\nsensor: ${SENSOR}\n`)
    await wear({})
    const bare = await on.range.capture()
    await wear({ inspection: { level: 'flows' } })
    const flows = await seeing(talk)
    assert.match(flows, /10\.77\.1\.2\.\d+ > 172\.31\.77\.2\.7300: Flags \[S\]/)
    assert.match(flows, /172\.31\.77\.2\.7300 > 10\.77\.1\.2\.\d+: Flags \[S\.\]/)
    assert.doesNotMatch(flows, /length [1-9]\d{2,}/)
    assert.doesNotMatch(flows, /10\.77\.2\.2/, 'another workload is not looked at')
    const rate = { rate: 50_000_000, ceiling: 50_000_000 }
    await wear({ inspection: { level: 'signatures' }, bandwidth: { up: rate, down: rate } })
    const all = await seeing(talk)
    const bytes = (from: RegExp) => [...all.matchAll(from)].reduce((sum, [, length]) => sum + Number(length), 0)
    assert.equal(bytes(/10\.77\.1\.2\.\d+ > 172\.31\.77\.2\.7300: .* length (\d+)/g), 20_000)
    assert.equal(bytes(/172\.31\.77\.2\.7300 > 10\.77\.1\.2\.\d+: .* length (\d+)/g), 20_000)
    assert.match(await callsOf('wa', /asked for|^known/), /asked for/)
    await wear({ inspection: { level: 'full' }, bandwidth: { up: rate, down: rate } })
    // Nobody is in it: nothing was called, and no counter is needed to know that.
    assert.equal(await callsOf('wa', /^known/), 'known: 0')
    assert.match(await callsOf('wb', /asked for|^known/), /asked for/)
    const { driftRepairs } = counters()
    const face = faceOf()
    inside(on.range.router, 'tc', 'filter', 'del', 'dev', face, 'egress', 'pref', '6708')
    await until('it is repaired', 10_000, () =>
      /Mirror to device sensor0/.test(inside(on.range.router, 'tc', 'filter', 'show', 'dev', face, 'egress')),
    )
    await until('and told', 10_000, () => counters().driftRepairs > driftRepairs)
    await wear({ bandwidth: { up: rate, down: rate } })
    await wear({})
    assert.equal(await on.range.capture(), bare)
    assert.equal(counters().driftRepairs, driftRepairs + 1, 'two parts on one qdisc do not repair each other')
  } finally {
    listener.kill('SIGKILL')
  }
})

function netOf(cidr: string, ...except: string[]) {
  return { kind: 'cidr', cidr, except } as const
}
const MIRRORED: Mirrored = {
  ...{ rule: 'persona:p/mirror/0', direction: 'egress' },
  match: { peer: netOf('172.31.0.0/16', '172.31.78.0/24'), service: { protocol: 'tcp', from: 7_300, to: 7_309 } },
}

const without = (peer: ReturnType<typeof netOf>) => ({ ...MIRRORED, match: { ...MIRRORED.match, peer } })

test('what a rule mirrors is copied, both ways, and nothing else; beside opening packets each once', {
  skip,
}, async () => {
  const listener = spawn('nsenter', [`--net=/run/netns/${space('out')}`, 'python3', '-c', LISTEN], { stdio: 'pipe' })
  try {
    await until('the listener is up', 10_000, () => listener.stdout!.read() !== null)
    const talk = () =>
      void inside(space('wa'), 'python3', '-c', TALK, '172.31.77.2') +
      inside(space('wa'), 'ping', '-c1', '-W1', '172.31.77.2')
    await wear({})
    const bare = await on.range.capture()
    const rate = { rate: 50_000_000, ceiling: 50_000_000 }
    const bandwidth = { up: rate, down: rate }
    const bytes = (seen: string, from: RegExp) =>
      [...seen.matchAll(from)].reduce((sum, [, length]) => sum + Number(length), 0)
    const sent = /10\.77\.1\.2\.\d+ > 172\.31\.77\.2\.7300: .* length (\d+)/g
    const got = /172\.31\.77\.2\.7300 > 10\.77\.1\.2\.\d+: .* length (\d+)/g
    await wear({ inspection: { level: 'none', mirrored: [MIRRORED] }, bandwidth })
    const picked = await seeing(talk)
    assert.deepEqual([bytes(picked, sent), bytes(picked, got)], [20_000, 20_000])
    assert.equal([...picked.matchAll(/Flags \[S\.?\]/g)].length, 2)
    assert.doesNotMatch(picked, /10\.77\.1\.2.* ICMP/, 'what no rule mirrors')
    const face = faceOf()
    const { driftRepairs } = counters()
    inside(on.range.router, 'tc', 'filter', 'del', 'dev', face, 'ingress', 'pref', '6707')
    await until('it is repaired', 10_000, () =>
      /bytecode/.test(inside(on.range.router, 'tc', 'filter', 'show', 'dev', face, 'ingress')),
    )
    await until('and told', 10_000, () => counters().driftRepairs > driftRepairs)
    await wear({ inspection: { level: 'flows', mirrored: [MIRRORED] }, bandwidth })
    const both = await seeing(talk)
    assert.deepEqual([bytes(both, sent), bytes(both, got)], [20_000, 20_000])
    assert.equal([...both.matchAll(/Flags \[S\.?\]/g)].length, 2, both)
    assert.match(both, /10\.77\.1\.2 > 172\.31\.77\.2: ICMP echo request/)
    // Only one way: an exception that is all of it leaves nothing to copy.
    await wear({ inspection: { level: 'none', mirrored: [without(netOf('172.31.0.0/16', '172.0.0.0/8'))] } })
    assert.doesNotMatch(await seeing(talk), /10\.77\.1\.2/)
    const nets = Array.from({ length: 100 }, (_, i) => `fd00:0:0:${(i + 1).toString(16)}::/127`)
    const huge = Array.from({ length: 3 }, () => without(netOf('::/0', ...nets)))
    await on.apply(wearing({ inspection: { level: 'none', mirrored: huge } }), 'confirm', 'refused')
    assert.match(on.server.last.applied?.why ?? '', /takes \d+ instructions .* and 1900 are the most: name fewer/)
    await wear({})
    assert.equal(await on.range.capture(), bare)
    assert.equal(counters().driftRepairs, driftRepairs + 1)
  } finally {
    listener.kill('SIGKILL')
  }
})

function faceOf(): string {
  const state = JSON.parse(execFileSync('cat', [on.range.inventory]).toString()) as { key: string; interface: string }[]
  return state.find(({ key }) => key === space('wa'))!.interface
}

/** What the agent tells of a workload's system calls: `known: N`, or why not; once that is as it should be. */
async function callsOf(name: string, wanted: RegExp): Promise<string> {
  let said = ''
  await until(`calls of ${name} are ${wanted}`, 30_000, () => {
    for (const { vitals } of on.server.reports as unknown as { vitals?: WireVitals }[]) {
      const row = vitals?.rows.find(({ key }) => key === space(name))
      const calls = row?.values[vitals!.figures.indexOf('systemCalls')] ?? null
      if (calls !== null) said = `known: ${calls}`
      else if (row?.why !== undefined) said = row.why.systemCalls ?? 'nothing'
    }
    return wanted.test(said)
  })
  return said
}

function counters(): { driftRepairs: number } {
  const found = on.server.reports.at(-1) as unknown as { counters: Record<string, number> }
  return { driftRepairs: found.counters['enforce.driftRepairs'] ?? 0 }
}
