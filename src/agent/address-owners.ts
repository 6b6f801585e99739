/** Inventories come in, addresses that went to another workload go out: what they did before, somebody else did. */
import { canonicalText } from '../model/address.ts'

export type AddressOwners = {
  /**
   * Addresses of these workloads that another had last. Not among them: one that nobody is known to have had (before a
   * restart it was perhaps the same), and one whose owner still has it beside others. `now`: epoch ms.
   */
  moved(
    workloads: readonly { readonly key: string; readonly addresses: readonly string[] }[],
    now: number,
  ): readonly string[]
}

/** Detectors remember nothing for longer. */
const REMEMBERED_MS = 86_400_000

export function createAddressOwners(): AddressOwners {
  const owners = new Map<string, { readonly key: string; goneAt: number | null }>()
  return {
    moved(workloads, now) {
      const here = new Map<string, string[]>()
      for (const { key, addresses } of workloads)
        for (const text of addresses) {
          const address = canonicalText(text.split('/')[0]!)
          here.set(address, [...(here.get(address) ?? []), key])
        }
      const moved: string[] = []
      for (const [address, keys] of here) {
        const before = owners.get(address)
        const stays = before !== undefined && keys.includes(before.key)
        if (before !== undefined && !stays) moved.push(address)
        owners.set(address, { key: stays ? before.key : keys[0]!, goneAt: null })
      }
      for (const [address, owner] of owners) {
        if (here.has(address)) continue
        owner.goneAt ??= now
        if (Math.abs(now - owner.goneAt) > REMEMBERED_MS) owners.delete(address)
      }
      return moved
    },
  }
}
