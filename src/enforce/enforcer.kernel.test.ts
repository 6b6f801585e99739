/** How a generation comes in and goes: confirmed, not confirmed, hung. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until, workerOf } from '../../bench/kill/range.ts'
import { namespaceOf } from '../../lab/topology.ts'
import { needRoot } from '../../test/need.ts'

const skip = needRoot()
const on = agentOnRange('t', skip)

test('a generation is applied with every facet, confirmed, and another one puts every facet back', {
  skip,
}, async () => {
  await on.apply(on.range.state(on.next(), 0), 'confirm', 'confirmed')
  const first = await on.range.capture()
  await on.apply(on.range.state(on.next(), 1), 'confirm', 'confirmed')
  const second = await on.range.capture()
  assert.match(second, /10\.99\.0\.5\/24/)
  assert.match(second, /nameserver 10\.77\.53\.51/)
  assert.doesNotMatch(second, /wa eth0 .*10\.77\.1\.2/)
  await on.apply(on.range.state(on.next(), 0), 'confirm', 'confirmed')
  assert.equal(await on.range.capture(), first)
})

test('what nobody confirms is taken back at its deadline, in every facet', { skip }, async () => {
  const held = await on.range.capture()
  await on.apply({ ...on.range.state(on.next(), 1), confirmWithinMs: 1_500 }, 'nothing', 'rolled-back')
  assert.equal(await on.range.capture(), held)
})

test('who is refused by a generation that waits is told under the id that its rule has', { skip }, async () => {
  const why = { rule: `nobody-${'x'.repeat(125)}`, text: 'nothing else may' }
  const plain = { ...on.range.state(on.next(), 0), confirmWithinMs: 30_000 }
  const workloads = plain.workloads.map((one) => ({ ...one, egress: { ...one.egress, why } }))
  await on.apply({ ...plain, workloads }, 'nothing', 'confirming')
  const { prefix } = on.range.plan
  const ping = ['netns', 'exec', namespaceOf(prefix, 'wa'), 'ping', '-c', '1', '-W', '1', '10.77.2.2']
  const told = () => on.server.reports.flatMap(({ denies }) => Object.keys(denies))
  await until('the denial is told', 10_000, () => {
    assert.throws(() => execFileSync('ip', ping, { stdio: 'pipe' }))
    return told().some((id) => id.startsWith('nobody'))
  })
  assert.ok(told().includes(why.rule))
  assert.deepEqual(
    [on.server.last.applied?.generation.n, on.server.last.applied?.state],
    [plain.generation.n, 'confirming'],
  )
  on.server.send({ type: 'rollback', generation: plain.generation, why: 'the test is over' })
  await until('rolled back', 8_000, () => on.server.last.applied?.state === 'rolled-back')
})

test('the supervisor takes it back when the worker hangs', { skip }, async () => {
  const held = await on.range.capture()
  await on.apply({ ...on.range.state(on.next(), 1), confirmWithinMs: 4_000 }, 'nothing', 'confirming')
  const worker = workerOf(on.agent) ?? assert.fail('it has a worker')
  const boot = on.server.last.boot
  process.kill(worker, 'SIGSTOP')
  await until('a new worker', 15_000, () => on.server.last.boot !== boot && on.server.connected)
  assert.equal(await on.range.capture(), held)
})
