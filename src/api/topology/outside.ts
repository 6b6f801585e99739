/**
 * Addresses that are no workload of ours, folded to what a person would call them: listed by a feed, spared from denies,
 * inside a home network, several at once, or just the internet. One that evidence names, or that rules cut, stands alone.
 */
import { parseAddress } from '../../model/address.ts'
import type { AgentState } from '../../model/desired.ts'
import { createNetworks, isGroupAddress } from '../../model/networks.ts'

export type OutsideGroup = 'listed' | 'spared' | 'inside' | 'group' | 'internet'
export const OUTSIDE_NAMES: Readonly<Record<OutsideGroup, string>> = {
  listed: 'On a list',
  spared: 'Never blocked',
  inside: 'Home network',
  group: 'Multicast',
  internet: 'Internet',
}

/** Sets `rep:0.3` hold what feeds rate below 0.3 (decide/peer-sets.ts). */
const isReputation = (name: string) => name.startsWith('rep:')

export function createOutside(
  states: Readonly<Record<string, AgentState>>,
  homeNetworks: readonly string[],
): (address: string) => OutsideGroup {
  const all = Object.values(states)
  const listed = createNetworks([
    ...new Set(
      all.flatMap((state) => state.sets.filter(({ name }) => isReputation(name)).flatMap((set) => set.members)),
    ),
  ])
  const spared = createNetworks([...new Set(all.flatMap((state) => state.neverBlock))])
  const home = createNetworks(homeNetworks)
  const known = new Map<string, OutsideGroup>()
  const classify = (address: string): OutsideGroup => {
    const words = parseAddress(address)
    if (words === null) return 'internet'
    if (isGroupAddress(words)) return 'group'
    if (listed.covers(words)) return 'listed'
    if (home.covers(words)) return 'inside'
    return spared.covers(words) ? 'spared' : 'internet'
  }
  return (address) => {
    const held = known.get(address) ?? classify(address)
    if (known.size > 200_000) known.clear()
    known.set(address, held)
    return held
  }
}
