/** A machine that its persona switches on, dresses when it answers, switches off and lets go of, through the real agent. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineOnRange } from '../../../bench/kill/machine-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { needQemu, needRoot } from '../../../test/need.ts'
import { allowing } from '../../../test/whole-persona.ts'
import type { AgentState, DesiredState } from '../../model/desired.ts'
import { machineKey } from '../drivers/places.ts'
import { guestAnswers, runInGuest } from '../drivers/qemu/guest-agent.ts'
import { socketsOf } from '../drivers/qemu/machine.ts'
import { readLog } from '../drivers/qemu/machine-log.ts'
import { findRunning } from '../drivers/qemu/running.ts'
import { openJournal } from '../journal.ts'
import { readSnapshot } from '../snapshot-of.ts'

const skip = needRoot() || needQemu()
const power = machineOnRange(
  'pw',
  skip,
  { name: 'till', memoryMb: 160, face: 'gvpower', gateways: ['10.78.6.1/24'] },
  { machines: 1, memoryMb: 256, cpus: 2 },
)
const { on } = power

const key = () => machineKey(power.machine.uuid)
const named = () =>
  on.server.reports.findLast(({ workloads }) => workloads)?.workloads?.some((one) => one.key === key()) === true
const runs = () => findRunning(power.machine.uuid) !== null
const network = { addresses: ['10.78.6.2/24'], gateways: ['10.78.6.1'] }

function wearing(wears: Partial<DesiredState>, confirmWithinMs = 60_000): AgentState {
  const state = on.range.state(on.next(), 0)
  const own: DesiredState = {
    ...{ workload: 'till', key: key(), persona: { id: 'p', name: 'P', version: 1 } },
    ...{ egress: allowing(), ingress: allowing(), containment: null },
    ...wears,
  }
  return { ...state, confirmWithinMs, workloads: [...state.workloads, own] }
}

test('switched on by its persona, with another size; what it wears inside is put on when it answers', {
  skip,
}, async (t) => {
  assert.equal(runs(), false)
  const began = performance.now()
  const wears = { network, machine: { power: 'on', memoryMb: 128 } } as const
  await on.apply(wearing(wears), 'confirm', 'confirmed')
  assert.equal(findRunning(power.machine.uuid)?.memoryMb, 128)
  t.diagnostic(`confirmed in ${Math.round(performance.now() - began)} ms`)
  const agent = socketsOf(power.machine.uuid).agent
  await until('it answers', 120_000, () => guestAnswers(agent, 1_000))
  const answered = performance.now()
  await until('it is dressed', 30_000, async () =>
    (await runInGuest(agent, 'ip', ['-br', 'addr']).catch(() => '')).includes('10.78.6.2/24'),
  )
  t.diagnostic(`dressed ${Math.round(performance.now() - answered)} ms after it answered`)
})

test('a size that its host has no room for is refused with the reason, and nothing changes', { skip }, async () => {
  const huge = { power: 'on', memoryMb: 1_048_576 } as const
  await on.apply(wearing({ network, machine: huge }), 'confirm', 'refused')
  assert.match(on.server.last.applied?.why ?? '', /over the quota: that would be 1048576 MB of memory of 8192 MB/)
  assert.ok(runs())
})

test('switched off, it ends by itself; without a confirmation it is started again', { skip }, async () => {
  const running = findRunning(power.machine.uuid)?.pid
  await on.apply(wearing({ network, machine: { power: 'off' } }, 20_000), 'nothing', 'rolled-back', 60_000)
  assert.ok(runs())
  assert.notEqual(findRunning(power.machine.uuid)?.pid, running)
  const acts = readLog(on.range.home).filter(({ by }) => by === 'persona')
  assert.deepEqual(
    acts.map(({ act, outcome }) => `${act} ${outcome}`),
    ['resize done', 'start done', 'resize done', 'stop done', 'resize done', 'start done'],
  )
})

test('off and confirmed, it stays a workload, and whoever starts it is overruled', {
  skip,
}, async () => {
  await on.apply(wearing({ network, machine: { power: 'off' } }), 'confirm', 'confirmed', 60_000)
  assert.equal(runs(), false)
  assert.ok(named())
  await power.machines.start(power.machine.uuid)
  // It is starting and hears nobody: it is asked for ten seconds, then cut.
  await until('it is off again', 60_000, () => !runs())
})

test('a persona that says nothing of it gives it back as it was, and holds it no longer', { skip }, async () => {
  await on.apply(wearing({ network }), 'confirm', 'confirmed', 60_000)
  assert.equal(runs(), false, 'it stood before us')
  assert.equal(power.machines.all()[0]?.machine.memoryMb, 160)
  const { facets } = await readSnapshot(openJournal(on.range.home).confirmed()!.snapshot)
  assert.deepEqual([facets.machine, Object.keys(facets.network ?? {})], [undefined, [key()]])
})
