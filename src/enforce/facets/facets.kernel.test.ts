/** What the facets of a link and of a cgroup do to real traffic and real programs, and that nobody else keeps them changed. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { agentOnRange } from '../../../bench/kill/agent-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { stream } from '../../../bench/kill/throughput.ts'
import { namespaceOf } from '../../../lab/topology.ts'
import { needRoot } from '../../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../../model/desired.ts'

const skip = needRoot()
const on = agentOnRange('f', skip)
const OUT = '172.31.77.1'
const open: RuleList = { rules: [], otherwise: 'allow', why: { rule: 'open', text: 'all may' } }
const space = (name: string) => namespaceOf(on.range.plan.prefix, name)

/** Every workload open, `wa` with these facets. */
function wearing(facets: Partial<DesiredState>): AgentState {
  const state = on.range.state(on.next(), 0)
  const workloads = state.workloads.map(({ workload, key, persona, containment }, i) => ({
    ...{ workload, key, persona, egress: open, ingress: open, containment },
    ...(i === 0 ? facets : {}),
  }))
  return { ...state, workloads, confirmWithinMs: 20_000 }
}
const wear = (facets: Partial<DesiredState>) => on.apply(wearing(facets), 'confirm', 'confirmed')
const mbit = (rate: number) => ({ rate: rate * 1e6, ceiling: rate * 1e6 })
const within = (value: number, low: number, high: number, what: string) =>
  assert.ok(value >= low && value <= high, `${what}: ${value.toFixed(2)} is not within ${low} to ${high}`)

test('what somebody changes of it is put back and reported', { skip }, async () => {
  const facets: Partial<DesiredState> = {
    bandwidth: { down: mbit(10), up: mbit(10), priority: 'low' },
    cpu: { cores: 0.5 },
    network: { addresses: ['10.99.0.5/24'], gateways: ['10.99.0.1'] },
    dns: { servers: ['10.77.53.51'], search: [] },
    publishedPorts: [{ protocol: 'udp', port: 5_353, to: 53 }],
  }
  await wear(facets)
  // Connections of tests that came before would keep the old address for a while.
  const isOld = async () => (await on.range.capture()).includes('eth0 10.77.1.2/24')
  await until('the old address is let go', 90_000, async () => !(await isOld()))
  const held = await on.range.capture()
  const router = (...argv: string[]) => execFileSync('ip', ['netns', 'exec', space('r'), ...argv])
  const ifb = /gifb-\w+/.exec(held)![0]
  const limit = on.range.groups.map((folder) => `${folder}/cpu.cfs_quota_us`).find((path) => held.includes(path))
  const acts: [string, () => void][] = [
    ['a deleted qdisc', () => router('tc', 'qdisc', 'del', 'dev', 'wa', 'root')],
    [
      'a slower class',
      () => router('tc', 'class', 'change', 'dev', 'wa', 'classid', '6715:10', 'htb', 'rate', '1mbit'),
    ],
    ['a deleted device', () => router('ip', 'link', 'del', ifb)],
    ['a stopped device', () => router('ip', 'link', 'set', ifb, 'down')],
    ['a flushed chain of translation', () => router('nft', 'flush', 'chain', 'inet', 'guise_nat', 'prerouting')],
    ['a deleted table of translation', () => router('nft', 'delete', 'table', 'inet', 'guise_nat')],
    ['an edited resolver', () => writeFileSync(`/etc/netns/${space('wa')}/resolv.conf`, 'nameserver 192.0.2.1\n')],
    [
      'a deleted address',
      () => execFileSync('ip', ['-n', space('wa'), 'addr', 'flush', 'dev', 'eth0', 'to', '10.99.0.5']),
    ],
    ['a lifted quota', () => limit !== undefined && writeFileSync(limit, '-1')],
  ]
  const shorten = () => router('tc', 'qdisc', 'change', 'dev', 'wa', 'handle', '6716:', 'bfifo', 'limit', '262000')
  // As he leaves it who dies after the classes; with fq_codel there is nothing to it.
  if (held.includes(' bfifo 6716: ')) acts.push(['a shorter queue', shorten])
  const repairs = () => on.server.reports.at(-1)?.counters['enforce.driftRepairs'] ?? 0
  for (const [what, act] of acts) {
    const before = repairs()
    act()
    // Two seconds on an idle machine; this one is shared.
    await until(`repair of ${what}`, 30_000, async () => (await on.range.capture()) === held)
    await until(`report of ${what}`, 30_000, () => repairs() > before)
  }
})

test('a queue that somebody took off is off again when ours goes, by our hand and by the supervisor', {
  skip,
}, async () => {
  const tc = (verb: string, ...rest: string[]) =>
    execFileSync('ip', ['netns', 'exec', space('r'), 'tc', 'qdisc', verb, 'dev', 'wc', ...rest]).toString()
  // Of a workload that no other test shapes: what was there before us is remembered as it was first seen.
  const shaped = (): AgentState => {
    const { workloads, ...state } = wearing({})
    const bandwidth = { down: mbit(10), up: mbit(10) }
    return { ...state, workloads: workloads.map((one, i) => (i === 2 ? { ...one, bandwidth } : one)) }
  }
  tc('add', 'root', 'noqueue')
  const isOff = () => /^qdisc noqueue (?!0:)\w+: root/.test(tc('show'))
  assert.ok(isOff(), tc('show'))
  await on.apply(shaped(), 'confirm', 'confirmed')
  assert.match(tc('show'), /^qdisc htb 6715: root/)
  await wear({})
  assert.ok(isOff(), tc('show'))
  await on.apply({ ...shaped(), confirmWithinMs: 3_000 }, 'nothing', 'rolled-back')
  assert.ok(isOff(), tc('show'))
})

test('10 Mbit/s is 9 to 10.5 both ways; another rate takes hold in the same connection', { skip }, async () => {
  await wear({})
  const bare = await on.range.capture()
  await wear({ bandwidth: { down: mbit(10), up: mbit(10) } })
  const ways = {
    down: () => stream(space('out'), space('wa'), '10.77.1.2', 7_001),
    up: () => stream(space('wa'), space('out'), '172.31.77.2', 7_002),
  }
  // One after the other: what a full queue does to the answers of the other way is not the rate.
  for (const way of ['down', 'up'] as const) {
    const flow = await ways[way]()
    try {
      await flow.measure(1)
      within(await flow.measure(3), 9, 10.5, way)
      await wear({ bandwidth: { down: mbit(10), up: mbit(10), [way]: mbit(20) } })
      await flow.measure(1)
      within(await flow.measure(2), 18, 21, `${way}, changed`)
      assert.ok(flow.unbroken)
      await wear({ bandwidth: { down: mbit(10), up: mbit(10) } })
    } finally {
      flow.stop()
    }
  }
  await wear({})
  assert.equal(await on.range.capture(), bare)
})

/** Tells whoever connects which address it came from, and answers each line. */
const TELLER = `require('node:net').createServer((s) => { s.on('error', () => {}); s.on('data', () => s.write(s.remoteAddress + '\\n')) }).listen(Number(process.argv[1]), '0.0.0.0', () => console.log('up'))`
const ASKER = `const s = require('node:net').connect(Number(process.argv[2]), process.argv[1], () => s.write('?'))
s.on('data', (d) => process.stdout.write(d)).on('error', (e) => { console.log(e.code); process.exit(1) }); process.stdin.on('data', () => s.write('?')); setTimeout(() => process.exit(2), 20000)`

function program(name: string, code: string, ...args: string[]): { child: ChildProcess; heard: () => string } {
  const child = spawn('nsenter', [`--net=/run/netns/${space(name)}`, process.execPath, '-e', code, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { child, heard: () => text }
}

test('others see the egress address and reach published ports; live flows keep what they had', { skip }, async () => {
  const started: ChildProcess[] = []
  const run = (name: string, code: string, ...args: string[]) => {
    const it = program(name, code, ...args)
    started.push(it.child)
    return it
  }
  const says = async (it: { heard: () => string }, text: string) =>
    until(`hears ${text}`, 10_000, () => it.heard().trim().endsWith(text))
  try {
    for (const name of ['out', 'wa', 'wb']) await says(run(name, TELLER, '7100'), 'up')
    const live = run('wa', ASKER, '172.31.77.2', '7100')
    await says(live, '10.77.1.2')
    await wear({
      egressAddress: { addresses: [OUT], except: ['10.77.2.0/24', '10.77.0.0/16'] },
      publishedPorts: [{ protocol: 'tcp', port: 8_443, to: 7_100 }],
    })
    await says(run('wa', ASKER, '172.31.77.2', '7100'), OUT)
    await says(run('wa', ASKER, '10.77.2.2', '7100'), '10.77.1.2')
    const published = run('out', ASKER, OUT, '8443')
    await says(published, '172.31.77.2')
    const before = live.heard().length
    live.child.stdin!.write('?')
    await until('the live flow goes on', 10_000, () => live.heard().length > before)
    assert.match(live.heard(), /^(10\.77\.1\.2\n)+$/)
    await wear({})
    const answers = published.heard().length
    published.child.stdin!.write('?')
    await until('the published flow goes on', 10_000, () => published.heard().length > answers)
    await says(run('out', ASKER, OUT, '8443'), 'ECONNREFUSED')
  } finally {
    for (const child of started) child.kill('SIGKILL')
  }
})

test('two workloads cannot publish one port: refused with both names', { skip }, async () => {
  const state = wearing({ publishedPorts: [{ protocol: 'tcp', port: 8_443, to: 80 }] })
  const [first, second, ...rest] = state.workloads
  const twice = { ...second!, publishedPorts: first!.publishedPorts! }
  await on.apply({ ...state, workloads: [first!, twice, ...rest] }, 'confirm', 'refused')
  assert.match(on.server.last.applied?.why ?? '', /port tcp 8443 is published by wa and by wb/)
})

function inGroup(code: string): ChildProcess {
  const child = spawn(process.execPath, ['-e', `process.stdin.once('data', () => { ${code} })`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  for (const folder of on.range.groups) writeFileSync(`${folder}/cgroup.procs`, String(child.pid))
  child.stdin!.write('go')
  return child
}

const busyTicks = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return Number(fields[11]) + Number(fields[12])
}

test('a quota holds a busy program, a maximum ends one that takes more memory', { skip }, async () => {
  await wear({ cpu: { cores: 0.2 }, memory: { maxBytes: 96 << 20 } })
  const busy = inGroup('for (;;) {}')
  const greedy = inGroup('const all = []; setInterval(() => all.push(Buffer.alloc(8 << 20, 1)), 5)')
  try {
    const [began, ticks] = [performance.now(), busyTicks(busy.pid!)]
    await until('the greedy one ends', 15_000, () => greedy.signalCode !== null || greedy.exitCode !== null)
    assert.equal(greedy.signalCode, 'SIGKILL')
    await until('two seconds of work', 15_000, () => performance.now() - began > 2_000)
    const share = (busyTicks(busy.pid!) - ticks) / 100 / ((performance.now() - began) / 1_000)
    within(share, 0.05, 0.26, 'share of a processor')
  } finally {
    busy.kill('SIGKILL')
    greedy.kill('SIGKILL')
  }
})
