/** A workload that moves to another link takes all it wears along, and leaves nothing for whoever gets the old link's name. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until } from '../../bench/kill/range.ts'
import { addressOf, namespaceOf } from '../../lab/topology.ts'
import { needRoot } from '../../test/need.ts'
import type { AgentState } from '../model/desired.ts'
import type { WorkloadReport } from '../model/wire.ts'
import { ifbOf } from './facets/bandwidth.ts'

const skip = needRoot()
const on = agentOnRange('mv', skip)
const own = () => namespaceOf(on.range.plan.prefix, 'wa')
const within = (name: string, ...argv: string[]) =>
  execFileSync('ip', ['netns', 'exec', name, ...argv], { stdio: 'pipe' }).toString()
const here = (...argv: string[]) => within(on.range.router, ...argv)
const table = (name: string) =>
  here('nft', 'list', 'ruleset')
    .split('table ')
    .find((text) => text.startsWith(name)) ?? ''

const flow = { rule: 'p/0', cidr: '0.0.0.0/0', except: [], protocol: 'tcp' as const, from: 7_200, to: 7_209 }
function worn(): AgentState {
  const state = on.range.state(on.next(), 1)
  const redirects = { flows: [{ ...flow, address: '10.77.2.2', port: 7_300 }], spared: [] }
  const workloads = state.workloads.map((one, i) => (i === 0 ? { ...one, redirects } : one))
  return { ...state, workloads, confirmWithinMs: 20_000 }
}

function follow(change: (reports: WorkloadReport[]) => WorkloadReport[]): void {
  const reports = change(JSON.parse(readFileSync(on.range.inventory, 'utf8')) as WorkloadReport[])
  writeFileSync(`${on.range.inventory}.new`, JSON.stringify(reports))
  renameSync(`${on.range.inventory}.new`, on.range.inventory)
}
const behind = (name: string, face: string) => (reports: WorkloadReport[]) =>
  reports.map((one) => (one.name === name ? { ...one, interface: face } : one))

/** As whoever starts a container anew: the link is another one, what is inside and who it is are not. */
function replug(from: string, to: string): void {
  const { v4, v6, gateway4, gateway6 } = addressOf(0)
  here('ip', 'link', 'del', from)
  here('ip', 'link', 'add', to, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', own())
  here('ip', 'addr', 'add', `${gateway4}/24`, 'dev', to)
  here('ip', 'addr', 'add', `${gateway6}/64`, 'dev', to, 'nodad')
  here('ip', 'link', 'set', to, 'up')
  within(own(), 'ip', 'addr', 'add', `${v4}/24`, 'dev', 'eth0')
  within(own(), 'ip', 'addr', 'add', `${v6}/64`, 'dev', 'eth0', 'nodad')
  within(own(), 'ip', 'link', 'set', 'eth0', 'up')
}

test('it wears there what it wore, and the name of its old link is nobody’s', { skip }, async () => {
  await on.apply(worn(), 'confirm', 'confirmed')
  assert.match(table('inet guise_redirect'), /"wa" : jump r_wa/)
  replug('wa', 'wx')
  follow(behind('wa', 'wx'))
  await until('it is led away on its new link', 20_000, () => /"wx" : jump r_wx/.test(table('inet guise_redirect')))
  await until('it has its address', 20_000, () => /10\.99\.0\.5\/24/.test(within(own(), 'ip', 'addr')))
  await until('its rate', 20_000, () => /htb 6715:/.test(here('tc', 'qdisc', 'show', 'dev', 'wx')))
  await until('its egress address', 20_000, () => /"wx"/.test(table('inet guise_nat')))
  assert.doesNotMatch(table('inet guise_redirect'), /\bwa\b|r_wa/)
  assert.doesNotMatch(table('inet guise_nat'), /"wa"/)
  assert.match(here('ip', 'addr', 'show', 'dev', 'wx'), /10\.99\.0\.1\/24/)
  assert.ok(!here('ip', '-o', 'link').includes(ifbOf('wa')), 'nor is anything kept by that name')
})

test('whoever gets the name of a link wears nothing of who had it, also when both change at once', {
  skip,
}, async () => {
  // Two links change their names: `wx` is that of `wb` now, and `wa` that of the first again.
  here('ip', 'link', 'set', 'wx', 'down')
  replug('wx', 'wa')
  here('ip', 'link', 'set', 'wb', 'down')
  here('ip', 'link', 'set', 'wb', 'name', 'wx')
  here('ip', 'link', 'set', 'wx', 'up')
  follow((reports) => behind('wb', 'wx')(behind('wa', 'wa')(reports)))
  await until('led away by its own link alone', 20_000, () => {
    const text = table('inet guise_redirect')
    return text.includes('"wa" : jump r_wa') && !text.includes('wx')
  })
  await until('its rate', 20_000, () => /htb 6715:/.test(here('tc', 'qdisc', 'show', 'dev', 'wa')))
  assert.doesNotMatch(here('tc', 'qdisc', 'show', 'dev', 'wx'), /6715/)
})

test('what was there before us comes back where it is now', { skip }, async () => {
  const state = on.range.state(on.next(), 0)
  const bare = state.workloads.map(({ workload, key, persona, egress, ingress, containment }) => ({
    ...{ workload, key, persona, egress, ingress, containment },
  }))
  await on.apply({ ...state, workloads: bare, confirmWithinMs: 20_000 }, 'confirm', 'confirmed')
  assert.equal(table('inet guise_redirect'), '')
  await until('old addresses are gone', 90_000, () => !within(own(), 'ip', 'addr').includes('10.99.'))
  assert.match(within(own(), 'ip', 'addr'), /10\.77\.1\.2\/24/)
  assert.match(here('ip', 'addr', 'show', 'dev', 'wa'), /10\.77\.1\.1\/24/)
  assert.doesNotMatch(here('tc', 'qdisc', 'show', 'dev', 'wa'), /6715/)
})

test('a move that cannot be written down is followed as soon as it can be, though nothing else changes', {
  skip,
}, async () => {
  const inTheWay = join(on.range.home, 'journal', '.confirmed.tmp')
  const isBound = () => /"wy"/.test(table('inet guise {'))
  mkdirSync(inTheWay)
  try {
    here('ip', 'link', 'set', 'wc', 'down')
    here('ip', 'link', 'set', 'wc', 'name', 'wy')
    here('ip', 'link', 'set', 'wy', 'up')
    const tried = () => on.server.last.counters['enforce.unreachable'] ?? 0
    const before = tried()
    follow(behind('wc', 'wy'))
    await until('it is tried in vain, again and again', 30_000, () => tried() > before + 2)
    assert.ok(!isBound())
  } finally {
    rmSync(inTheWay, { recursive: true })
  }
  await until('its rules are on its new link', 10_000, isBound)
})
