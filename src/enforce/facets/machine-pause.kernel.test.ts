/** A machine that its persona wants on, and that does not start: tried now and then, told once. */
import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { agentOnRange } from '../../../bench/kill/agent-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { buildGuest } from '../../../guest/build.ts'
import { needQemu, needRoot } from '../../../test/need.ts'
import { allowing } from '../../../test/whole-persona.ts'
import type { DesiredState } from '../../model/desired.ts'
import { machineKey } from '../drivers/places.ts'
import { readLog } from '../drivers/qemu/machine-log.ts'
import { type Machines, openMachines } from '../drivers/qemu/machines.ts'

const skip = needRoot() || needQemu()
let machines: Machines
// Before the range's own, which takes their namespace away.
after(async () => {
  for (const one of machines?.all() ?? []) await machines.destroy(one.machine.uuid)
})
const on = agentOnRange('mp', skip)

test('what cannot be started is not tried with every look, and not a line of the log each time', { skip }, async () => {
  const image = await buildGuest()
  const kernel = join(on.range.dir, 'kernel')
  copyFileSync(image.kernel, kernel)
  const quota = { machines: 1, memoryMb: 256, cpus: 2 }
  machines = openMachines({ home: on.range.home, namespace: `/run/netns/${on.range.router}`, quota })
  const boot = { from: 'kernel', ...image, kernel } as const
  const link = { face: 'gvpause', gateways: ['10.78.6.1/24'], addresses: [] }
  const made = machines.define({ name: 'till', boot, memoryMb: 96, cpus: 1, accelerator: 'tcg', ...link })
  assert.ok(made.ok)
  const key = machineKey(made.value.uuid)
  await until('the agent knows it', 40_000, () =>
    on.server.reports.some(({ workloads }) => workloads?.some((one) => one.key === key)),
  )
  const state = on.range.state(on.next(), 0)
  const own: DesiredState = {
    ...{ workload: 'till', key, persona: { id: 'p', name: 'P', version: 1 }, containment: null },
    ...{ egress: allowing(), ingress: allowing(), machine: { power: 'on' } },
  }
  await on.apply({ ...state, confirmWithinMs: 60_000, workloads: [...state.workloads, own] }, 'confirm', 'confirmed')
  const failures = () => readLog(on.range.home).filter(({ outcome }) => outcome === 'failed')
  const tried = () => on.server.last.counters['enforce.driftRepairs'] ?? 0
  const before = tried()
  rmSync(kernel)
  await machines.stop(made.value.uuid, 'cut')
  await until('it is tried in vain', 30_000, () => failures().length > 0 && tried() > before)
  const [reports, once] = [on.server.reports.length, tried()]
  await until('looks have passed', 60_000, () => on.server.reports.length > reports + 3)
  assert.ok(tried() <= once + 1, `${tried() - before} times`)
  assert.equal(failures().length, 1)
})
