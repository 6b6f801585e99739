/** What rules let through and stop is told with the next report, by the rule's id. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until } from '../../bench/kill/range.ts'
import { needRoot } from '../../test/need.ts'

const skip = needRoot()
const on = agentOnRange('q', skip)

test('pings that a rule judged are counted under its id', { skip }, async () => {
  const state = on.range.state(on.next(), 0)
  const why = { rule: 'range/pings', text: 'pings may' }
  const list = { rules: [], otherwise: 'allow' as const, why }
  const workloads = state.workloads.map((one) => ({ ...one, egress: list, ingress: list }))
  await on.apply({ ...state, workloads }, 'confirm', 'confirmed')
  const ping = spawn('ip', [
    'netns',
    'exec',
    state.workloads[0]!.key,
    'ping',
    '-n',
    '-q',
    '-c',
    '5',
    '-i',
    '0.2',
    '10.77.2.2',
  ])
  await once(ping, 'close')
  assert.equal(ping.exitCode, 0)
  // There and back: both directions of a flow are judged by the rule of its first packet.
  await until('ten packets and more', 15_000, () => (on.server.hits.get('range/pings') ?? 0) >= 10)
})
