/** Old addresses that linger (`drain.ts`), as rules see them: sources of the same workload, and members where it is one. */
import type { Binding } from '../compile/tree.ts'
import type { AgentState } from '../model/desired.ts'
import type { Facet } from '../model/persona.ts'

/** Addresses that a workload had before, without prefix lengths, and those it has instead. */
export type Draining = {
  readonly key: string
  readonly facet: Facet
  readonly addresses: readonly string[]
  readonly instead: readonly string[]
  /** epoch ms: then they go, used or not. */
  readonly until: number
}

export function withOldAddresses(bindings: readonly Binding[], draining: readonly Draining[]): Binding[] {
  return bindings.map((binding) => {
    const old = draining.filter(({ key }) => key === binding.key).flatMap(({ addresses }) => addresses)
    return old.length === 0 ? binding : { ...binding, addresses: [...new Set([...binding.addresses, ...old])] }
  })
}

/** Of the family by which it is a member now, so that no set grows a family that its rules never looked for. */
export function withOldMembers(state: AgentState, draining: readonly Draining[]): AgentState {
  const sets = state.sets.map((set) => {
    const members = new Set(set.members.map(bare))
    const old = draining.flatMap(({ addresses, instead }) =>
      addresses.filter((address) =>
        instead.some((other) => members.has(other) && other.includes(':') === address.includes(':')),
      ),
    )
    return old.length === 0 ? set : { ...set, members: [...new Set([...set.members, ...old])] }
  })
  return { ...state, sets }
}

const bare = (member: string) => member.replace(member.includes(':') ? /\/128$/ : /\/32$/, '')
