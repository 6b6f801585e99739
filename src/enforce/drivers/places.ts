/** A workload's key and driver come in, what its driver knows of where it is goes out; `places.json` may say more. */
import type { WorkloadReport } from '../../model/wire.ts'
import type { Inventory } from '../snapshot.ts'
import { findContainer } from './container/container.ts'
import { domainDoor, findPlace, UUID } from './libvirt/door.ts'
import { cgroupOf } from './qemu/cgroup.ts'
import { type Machine, socketsOf } from './qemu/machine.ts'

type Known = NonNullable<ReturnType<NonNullable<Inventory['places']>['get']>> & { readonly namespace?: string }

const MACHINE = 'vm:'
const DOMAIN = 'libvirt:'

export function knownPlace({ key, driver }: Pick<WorkloadReport, 'key' | 'driver'>): Known {
  switch (driver) {
    case 'qemu': {
      const uuid = key.startsWith(MACHINE) ? key.slice(MACHINE.length) : ''
      return UUID.test(uuid) ? { cgroup: cgroupOf(uuid), monitor: socketsOf(uuid).monitor } : {}
    }
    case 'container': {
      const { namespace, cgroup, root } = findContainer(key) ?? { namespace: null, cgroup: null, root: null }
      return {
        ...(namespace === null ? {} : { namespace }),
        ...(cgroup === null ? {} : { cgroup }),
        ...(root === null ? {} : { root }),
      }
    }
    case 'libvirt': {
      const uuid = key.startsWith(DOMAIN) ? key.slice(DOMAIN.length) : ''
      if (!UUID.test(uuid)) return {}
      // Before anybody has looked at it, it may have all that a domain can have.
      const { cgroup, agent } = findPlace(uuid) ?? { cgroup: null, agent: true }
      return { ...(cgroup === null ? {} : { cgroup }), ...(agent ? { monitor: domainDoor(uuid) } : {}) }
    }
    case 'netns':
    case 'host':
    case 'gateway':
    case 'recording':
      return {}
  }
}

/** Which machine a workload is. Throws when it is none. */
export function machineOf(key: string): { readonly driver: 'qemu' | 'libvirt'; readonly uuid: string } {
  const driver = key.startsWith(MACHINE) ? 'qemu' : 'libvirt'
  const uuid = key.slice((driver === 'qemu' ? MACHINE : DOMAIN).length)
  if ((driver === 'libvirt' && !key.startsWith(DOMAIN)) || !UUID.test(uuid)) throw new Error(`${key} is no machine`)
  return { driver, uuid }
}

/** A domain of libvirt as a workload. */
export function domainKey(uuid: string): string {
  return `${DOMAIN}${uuid}`
}

export function machineKey(uuid: string): string {
  return `${MACHINE}${uuid}`
}

/** A machine of this host as a workload: known by its uuid, whatever it is called and wherever it runs. */
export function reportOf({ uuid, name, face, addresses }: Machine): WorkloadReport {
  const kind = 'vm' as WorkloadReport['kind']
  return { key: machineKey(uuid), name, kind, driver: 'qemu', interface: face, addresses, labels: {} }
}
