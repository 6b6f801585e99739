import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until } from '../../bench/kill/range.ts'
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
