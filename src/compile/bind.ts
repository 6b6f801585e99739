/** A workload as its driver reported it comes in, where its packets pass goes out: the same on the agent and on the server. */
import { macOfDevice } from '../model/device-key.ts'
import { PACKETS } from '../model/facets.ts'
import type { WorkloadReport } from '../model/wire.ts'
import type { Binding } from './tree.ts'

/** `addresses`: those that it is to have, where they are not those it was found with. Nothing where no rule finds its packets. */
export function bindingsOfReport(
  { key, interface: face, addresses: found, driver: name }: WorkloadReport,
  addresses: readonly string[] = found,
): Binding[] {
  const driver = PACKETS[name]
  if (driver === null || (driver === 'host') !== (face === null)) return []
  const mac = driver === 'gateway' ? macOfDevice(key) : null
  const own = addresses.map((text) => text.split('/')[0]!)
  return [{ key, interface: face, addresses: own, driver, ...(mac === null ? {} : { mac }) }]
}
