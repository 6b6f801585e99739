/**
 * A change of address breaks no connection: the old address lingers after the confirmation for those that use it, for a
 * bounded time. Meanwhile it is the same workload by another name: a source of its own, and a member of every set in
 * which it is a member by the new one. `drained` says what a snapshot becomes when nobody uses it any more.
 */
import type { FacetPart } from './facet.ts'
import { partOf } from './facets.ts'
import type { Draining } from './old-addresses.ts'
import type { Placed, Snapshot } from './snapshot.ts'

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
