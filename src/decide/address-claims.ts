/**
 * Fixed addresses that two workloads would wear at once. One keeps it: whoever has it in force, else whoever came with it,
 * else the first by id; the others wear the rest of their persona and are told why not this.
 */
import { formatAddress, parseAddress } from '../model/address.ts'
import type { DesiredState } from '../model/desired.ts'
import type { WorkloadId } from '../model/ids.ts'
import { parseInterfaceAddress } from './interface-address.ts'
import type { Dressed } from './peer-sets.ts'

export type Taken = { readonly address: string; readonly by: Dressed }

/** `before` = what is in force for a workload. */
export function takenAddresses(
  workloads: readonly Dressed[],
  before: (workload: Dressed) => DesiredState | null,
): ReadonlyMap<WorkloadId, Taken> {
  const keeps = new Map<string, Dressed>()
  const claim = (one: Dressed, addresses: readonly string[]) => {
    for (const address of addresses) if (!keeps.has(address)) keeps.set(address, one)
  }
  const sorted = [...workloads].sort((a, b) => (a.record.id < b.record.id ? -1 : 1))
  const wanted = new Map(
    sorted.map((one) => [one, plain(one.effective.persona.spec.profile?.network?.addresses ?? [])]),
  )
  for (const one of sorted) {
    const inForce = new Set(plain(before(one)?.network?.addresses ?? []))
    claim(
      one,
      wanted.get(one)!.filter((address) => inForce.has(address)),
    )
  }
  for (const one of sorted) claim(one, plain(one.record.report.addresses))
  for (const one of sorted) claim(one, wanted.get(one)!)
  const taken = new Map<WorkloadId, Taken>()
  for (const one of sorted) {
    const address = wanted.get(one)!.find((text) => keeps.get(text) !== one)
    if (address !== undefined) taken.set(one.record.id, { address, by: keeps.get(address)! })
  }
  return taken
}

function plain(addresses: readonly string[]): string[] {
  return addresses.flatMap((text) => {
    const words = parseAddress(parseInterfaceAddress(text)?.address ?? text.split('/')[0]!)
    return words === null ? [] : [formatAddress(words)]
  })
}
