/** A machine that its persona switches on, dresses when it answers, switches off and lets go of, through the real agent. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { agentOnRange } from '../../../bench/kill/agent-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { buildGuest } from '../../../guest/build.ts'
import { needQemu, needRoot } from '../../../test/need.ts'
import { allowing } from '../../../test/whole-persona.ts'
import type { AgentState, DesiredState } from '../../model/desired.ts'
import { guestAnswers, runInGuest } from '../drivers/qemu/guest-agent.ts'
import { type Machine, socketsOf } from '../drivers/qemu/machine.ts'
import { readLog } from '../drivers/qemu/machine-log.ts'
import { type Machines, openMachines } from '../drivers/qemu/machines.ts'
import { findRunning } from '../drivers/qemu/running.ts'
import { openJournal } from '../journal.ts'
import { readSnapshot } from '../snapshot.ts'

const skip = needRoot() || needQemu()
let machines: Machines
let machine: Machine
// Before the range's own, which takes their namespace away.
after(async () => {
  if (skip !== false) return
  for (const one of machines?.all() ?? []) await machines.destroy(one.machine.uuid)
})
const on = agentOnRange('pw', skip)

before(async () => {
  if (skip !== false) return
  const image = await buildGuest()
  // Hooks of a whole file begin together.
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  const quota = { machines: 1, memoryMb: 256, cpus: 2 }
  machines = openMachines({ home: on.range.home, namespace: `/run/netns/${on.range.router}`, quota })
  const boot = { from: 'kernel', ...image } as const
  const link = { face: 'gvpower', gateways: ['10.78.6.1/24'], addresses: [] }
  const made = machines.define({ name: 'till', boot, memoryMb: 160, cpus: 1, accelerator: 'tcg', ...link })
  assert.ok(made.ok)
  machine = made.value
  await until('the agent knows it', 40_000, () => named())
})

const named = () =>
  on.server.reports.findLast(({ workloads }) => workloads)?.workloads?.some((one) => one.key === key()) === true
const key = () => `vm:${machine.uuid}`
const runs = () => findRunning(machine.uuid) !== null
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
  assert.equal(findRunning(machine.uuid)?.memoryMb, 128)
  t.diagnostic(`confirmed in ${Math.round(performance.now() - began)} ms`)
  const agent = socketsOf(machine.uuid).agent
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
  const running = findRunning(machine.uuid)?.pid
  await on.apply(wearing({ network, machine: { power: 'off' } }, 20_000), 'nothing', 'rolled-back', 60_000)
  assert.ok(runs())
  assert.notEqual(findRunning(machine.uuid)?.pid, running)
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
  await machines.start(machine.uuid)
  // It is starting and hears nobody: it is asked for ten seconds, then cut.
  await until('it is off again', 60_000, () => !runs())
})

test('a persona that says nothing of it gives it back as it was, and holds it no longer', { skip }, async () => {
  await on.apply(wearing({ network }), 'confirm', 'confirmed', 60_000)
  assert.equal(runs(), false, 'it stood before us')
  assert.equal(machines.all()[0]?.machine.memoryMb, 160)
  const { facets } = await readSnapshot(openJournal(on.range.home).confirmed()!.snapshot)
  assert.deepEqual([facets.machine, Object.keys(facets.network ?? {})], [undefined, [key()]])
})
