import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until } from '../../bench/kill/range.ts'
import { namespaceOf } from '../../lab/topology.ts'
import { needRoot } from '../../test/need.ts'

const skip = needRoot()
const it = agentOnRange('b', skip)
const MAIN = new URL('../cli/main.ts', import.meta.url).pathname

/** As guise-base.service runs it: root that may do nothing but write the tables of its namespace. */
function restore(): { restored: number | null; why?: string } {
  const drop = ['setpriv', '--bounding-set=-all,+net_admin', '--inh-caps=-all', '--no-new-privs']
  const guise = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, 'agent', 'restore-base']
  const argv = [`--net=/run/netns/${it.range.router}`, ...drop, ...guise, '--home', it.range.home, '--json']
  return JSON.parse(execFileSync('nsenter', argv, { stdio: 'pipe' }).toString())
}

test('the rules of the last confirmed generation come back without agent, server or capabilities', {
  skip,
}, async () => {
  assert.equal(restore().restored, null, 'nothing was confirmed yet')
  await it.apply(it.range.state(it.next(), 1), 'confirm', 'confirmed')
  const rules = () => it.nft('-s', 'list', 'table', 'inet', 'guise').replace(/ (?:timeout|expires) \S+/g, '')
  const before = rules()
  it.agent.kill('SIGTERM')
  await until('the agent left', 8_000, () => it.agent.exitCode !== null || it.agent.signalCode !== null)
  it.nft('delete', 'table', 'inet', 'guise')
  assert.equal(restore().restored, 1)
  assert.equal(rules(), before)
  assert.equal(restore().restored, 1, 'again changes nothing')
  assert.equal(rules(), before)
})

for (const waiting of [false, true])
  test(`where the rules did not come back, the agent loads them before it dresses anybody${waiting ? ', and while a change waited' : ''}`, {
    skip,
  }, async () => {
    const child = it.range.startAgent()
    const ended = () => child.exitCode !== null || child.signalCode !== null
    const passed = `${it.range.faults}.passed`
    const workload = namespaceOf(it.range.plan.prefix, 'wa')
    try {
      await until('the agent listens again', 20_000, () => it.server.connected)
      const network = { addresses: ['10.77.1.5/24'], gateways: ['10.77.1.1'] }
      const wearing = (n: number, variant: number) => {
        const [first, ...rest] = it.range.state(n, variant).workloads
        return { ...it.range.state(n, variant), workloads: [{ ...first!, network }, ...rest] }
      }
      await it.apply(wearing(it.next(), 1), 'confirm', 'confirmed')
      if (waiting) await it.apply(wearing(it.next(), 0), 'nothing', 'confirming')
      // A power cut, as far as it matters here: nothing is undone on the way, and the kernel knows nothing of ours.
      child.kill('SIGKILL')
      await until('it is gone', 8_000, ended)
      await until('its worker, too', 8_000, () => !it.server.connected)
      it.nft('delete', 'table', 'inet', 'guise')
      execFileSync('ip', ['-n', workload, 'addr', 'flush', 'dev', 'eth0'], { stdio: 'pipe' })
      writeFileSync(passed, '')
      const next = it.range.startAgent()
      try {
        await until('it recovered', 30_000, () => readFileSync(passed, 'utf8').includes('recovered'))
      } finally {
        next.kill('SIGTERM')
        await until('it left', 8_000, () => next.exitCode !== null || next.signalCode !== null)
      }
      const points = readFileSync(passed, 'utf8').split('\n')
      const nth = (effect: RegExp) => points.findIndex((point) => effect.test(point))
      assert.ok(nth(/>nft .*after$/) > 0 && nth(/>nft .*after$/) < nth(/begun>ip#1.before$/), points.join('\n'))
    } finally {
      child.kill('SIGKILL')
      rmSync(passed, { force: true })
    }
  })
