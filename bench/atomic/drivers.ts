/** What stands on a ground, per driver. */
import { rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { namespaceOf } from '../../lab/topology.ts'
import { endEngine } from '../../src/enforce/facets/vpn/engine.ts'
import type { DriverName } from '../../src/model/facets.ts'
import type { Range } from '../kill/range.ts'
import { type Ground, openGround, type Stand, type Which } from './ground.ts'
import { hostRules, type Secrets, wearing, whole } from './persona.ts'
import { standContainer } from './stand-container.ts'
import { standMachine } from './stand-machine.ts'

export const DRIVERS_TRIED = ['netns', 'container', 'host', 'qemu'] as const satisfies readonly DriverName[]
export type Tried = (typeof DRIVERS_TRIED)[number]

/** Grounds side by side. */
export const LANES: Record<Tried, number> = { netns: 3, container: 2, host: 2, qemu: 2 }
/** At most so long, whatever is left; a guest under full emulation takes some seconds for each point. */
export const MINUTES: Record<Tried, number> = { netns: 120, container: 60, host: 20, qemu: 90 }

const STANDS: Record<Tried, (range: Range, secrets: Secrets) => Promise<Stand>> = {
  netns: async ({ plan }, secrets) => ({
    workloads: (state, variant) => whole(state, variant, secrets).workloads,
    async remove() {
      for (const { name } of plan.workloads) {
        const key = namespaceOf(plan.prefix, name)
        await endEngine({ key, namespace: `/run/netns/${key}` })
        rmSync(`/etc/guise/tls/${key}`, { recursive: true, force: true })
      }
    },
  }),
  host: async () => ({
    workloads: (_, variant) => [wearing(hostKey(), variant, hostRules(variant))],
    remove: async () => {},
  }),
  container: standContainer,
  qemu: standMachine,
}

const hostKey = () => `host:${hostname()}`.slice(0, 128)

export function openGroundOf(driver: Tried, tag: string, which: Which): Promise<Ground> {
  return openGround(driver, tag, which, STANDS[driver])
}
