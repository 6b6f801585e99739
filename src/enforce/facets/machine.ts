/**
 * The `machine` facet: whether a virtual machine runs, and its size. Last of all parts: what else a change does inside it is
 * done before it ends, and what it should wear when it starts is put on when it answers. What nobody says any more is as it
 * was before us, and from then on again whoever's it is.
 */
import type { MachineWish } from '../../model/facets/machine.ts'
import { machineOf } from '../drivers/places.ts'
import { lookAtMachine, type MachineState, powerMachine, sizeMachine, sizeRefusal } from '../drivers/power.ts'
import type { FacetPart } from '../facet.ts'
import { secretsHome } from '../secret-files.ts'

export const machine: FacetPart<MachineWish, MachineState> = {
  facet: 'machine',
  noticed: 'look',
  isSlow: ({ key }) => machineOf(key).driver === 'libvirt',
  // Each try is a line of the log, and one that does not start is not to be started every second.
  pauseMs: 30_000,
  letsGo: true,
  refusal: ({ key }) => (isMachine(key) ? null : 'it is no virtual machine of this host'),
  capture: ({ key }) => lookAtMachine(key, secretsHome()),
  wanted({ key }, original, { power, cpus, memoryMb }) {
    if (power === 'off' && original.fleeting === true)
      throw new Error(
        `${key} would be gone when it ends, since libvirt keeps no definition of it; define it with virsh define first`,
      )
    const { fleeting: _, ...found } = original
    const state = { ...found, power, cpus: cpus ?? original.cpus, memoryMb: memoryMb ?? original.memoryMb }
    const refusal = sizeRefusal(key, state, secretsHome())
    if (refusal !== null) throw new Error(refusal)
    return state
  },
  async converge({ key }, state) {
    await sizeMachine(key, state, secretsHome())
    await powerMachine(key, state, secretsHome())
  },
  normalise: ({ power, cpus, memoryMb }) => `${power} ${cpus} ${memoryMb}`,
  undo: ({ key }, from) => [{ run: 'machine', key, state: from, home: secretsHome() }],
  stages: {
    prepare: ({ key }, _, to) => sizeMachine(key, to, secretsHome()),
    switch: ({ key }, _, to) => powerMachine(key, to, secretsHome()),
    finish: async () => {},
  },
  probes: ({ key }, _, { power }) => [
    async () => {
      const found = (await lookAtMachine(key, secretsHome())).power
      return { name: 'machine', ok: found === power, detail: found === 'on' ? 'it runs' : 'it stands' }
    },
  ],
}

function isMachine(key: string): boolean {
  try {
    return machineOf(key).uuid !== ''
  } catch {
    return false
  }
}
