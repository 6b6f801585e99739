/** The real agent on a range of its own, and a machine beside it that stands: defined by the same home, started by nobody yet. */
import { after, before } from 'node:test'
import { buildGuest } from '../../guest/build.ts'
import { machineKey } from '../../src/enforce/drivers/places.ts'
import type { Machine } from '../../src/enforce/drivers/qemu/machine.ts'
import { type Machines, type MachinesOptions, openMachines } from '../../src/enforce/drivers/qemu/machines.ts'
import { type AgentOnRange, agentOnRange } from './agent-on-range.ts'
import { until } from './range.ts'

type Wish = Parameters<Machines['define']>[0]
export type MachineOnRange = { readonly on: AgentOnRange; readonly machines: Machines; readonly machine: Machine }

/** Registers the hooks; the answer is filled before the first test. */
export function machineOnRange(
  tag: string,
  skip: string | false,
  wish: Pick<Wish, 'name' | 'memoryMb' | 'face'> & Partial<Wish>,
  quota: MachinesOptions['quota'],
): MachineOnRange {
  const it = {} as { machines: Machines; machine: Machine }
  // Before the range's own, which takes their namespace away.
  after(async () => {
    if (skip !== false) return
    for (const { machine } of it.machines?.all() ?? []) await it.machines.destroy(machine.uuid)
  })
  const on = agentOnRange(tag, skip)
  before(async () => {
    if (skip !== false) return
    const image = await buildGuest()
    // Hooks of a whole file begin together.
    await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
    it.machines = openMachines({ home: on.range.home, namespace: `/run/netns/${on.range.router}`, quota })
    const boot = { from: 'kernel', ...image } as const
    const made = it.machines.define({ boot, cpus: 1, gateways: [], addresses: [], accelerator: 'tcg', ...wish })
    if (!made.ok) throw new Error(`defining ${wish.name}: ${made.why}`)
    it.machine = made.value
    const key = machineKey(made.value.uuid)
    await until('the agent knows it', 40_000, () =>
      on.server.reports.some(({ workloads }) => workloads?.some((one) => one.key === key)),
    )
  })
  return {
    on,
    get machines() {
      return it.machines
    },
    get machine() {
      return it.machine
    },
  }
}
