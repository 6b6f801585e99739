/**
 * A change of address breaks no connection: the old address lingers after the confirmation for those that use it, for a
 * bounded time. Meanwhile it is the same workload by another name: a source of its own, and a member of every set in
 * which it is a member by the new one. `drained` says what a snapshot becomes when nobody uses it any more.
 */
import type { Binding } from '../compile/tree.ts'
import type { AgentState } from '../model/desired.ts'
import type { Facet } from '../model/persona.ts'
import type { FacetPart } from './facet.ts'
import { partOf } from './facets.ts'
import type { Placed, Snapshot } from './snapshot.ts'

/** Addresses that a workload had before, without prefix lengths, and those it has instead. */
export type Draining = {
  readonly key: string
  readonly facet: Facet
  readonly addresses: readonly string[]
  readonly instead: readonly string[]
  /** epoch ms: then they go, used or not. */
  readonly until: number
}

/** A connection that is not over by then is cut. */
export const DRAIN_MS = 60_000

/**
 * What holds instead of `wanted` for a while, coming from `from`; null when nothing has to linger. A change of something
 * else does not cut a wait short; another change of the same ends it, so that old addresses do not pile up.
 */
export function lingering(
  { facet, normalise, stages }: FacetPart,
  from: Placed,
  wanted: unknown,
  before: Snapshot,
  now: number,
): { readonly meanwhile: unknown; readonly draining: Draining } | null {
  const { key } = from.place
  if (from.afterwards !== undefined && normalise(from.afterwards) === normalise(wanted)) {
    const draining = before.draining?.find((one) => one.key === key && one.facet === facet)
    if (draining !== undefined) return { meanwhile: from.state, draining }
  }
  const old = stages?.linger?.(from.afterwards ?? from.state, wanted) ?? null
  if (old === null) return null
  const { meanwhile, addresses, instead } = old
  return { meanwhile, draining: { key, facet, addresses, instead, until: now + DRAIN_MS } }
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

/** Without what nobody uses, or what has had its time; the same snapshot when nothing goes. */
export async function drained(snapshot: Snapshot, now: number): Promise<Snapshot> {
  const { draining = [] } = snapshot
  const kept: Draining[] = []
  const facets = { ...snapshot.facets }
  for (const one of draining) {
    const { key, facet, addresses, until } = one
    const placed = facets[facet]?.[key]
    if (placed?.afterwards === undefined) continue
    const isUsed = partOf(facet)?.stages?.isUsed
    if (until > now && isUsed !== undefined && (await isUsed(placed.place, addresses))) {
      kept.push(one)
      continue
    }
    const { afterwards, ...rest } = placed
    facets[facet] = { ...facets[facet], [key]: { ...rest, state: afterwards } }
  }
  if (kept.length === draining.length) return snapshot
  const { draining: _, ...whole } = snapshot
  return kept.length === 0 ? { ...whole, facets } : { ...whole, facets, draining: kept }
}

const bare = (member: string) => member.replace(member.includes(':') ? /\/128$/ : /\/32$/, '')
