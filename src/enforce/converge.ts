/** A `Snapshot` and a host in any condition come in; the host is that snapshot afterwards. Recovery, roll-back and panic are this. */

import { fullText, removeText } from '../compile/delta.ts'
import { type FacetPart, isElsewhere, type Place } from './facet.ts'
import { PARTS } from './facets.ts'
import { convergeTable } from './nft.ts'
import { compileSnapshot, type Placed, type Snapshot } from './snapshot.ts'
import type { Step } from './step.ts'

export type Missed = (part: FacetPart, placed: Placed) => void

/** `also` names facets another snapshot may have touched on the way. Answers what could not be reached (a namespace that is gone). */
export async function converge(
  wanted: Snapshot,
  also: Snapshot | null = null,
  clock: () => number = Date.now,
  missed: Missed = () => {},
): Promise<string[]> {
  const unreachable: string[] = []
  for (const part of PARTS)
    for (const placed of Object.values({ ...originals(also, part), ...wanted.facets[part.facet] }))
      await part.converge(placed.place, placed.state).catch((error: Error) => {
        unreachable.push(`${part.facet} of ${placed.place.key}: ${error.message}`)
        missed(part, placed)
      })
  await convergeTable(compileSnapshot(wanted), clock())
  return unreachable
}

/** What the kernel or a file holds other than wanted, where it `isAsked`; what is gone is not told here. */
export async function facetDrift(
  wanted: Snapshot,
  isAsked: (part: FacetPart, place: Place) => boolean,
): Promise<Change[]> {
  const drift: Change[] = []
  for (const part of PARTS)
    for (const to of Object.values(wanted.facets[part.facet] ?? {})) {
      if (!isAsked(part, to.place)) continue
      if ((await part.isAway?.(to.place)) === true) continue
      const from = await part.capture(to.place).catch(() => null)
      if (from !== null && part.normalise(from) !== part.normalise(to.state)) drift.push({ part, from, to })
    }
  return drift
}

function originals(snapshot: Snapshot | null, part: FacetPart): Record<string, Placed> {
  return Object.fromEntries(
    Object.entries(snapshot?.facets[part.facet] ?? {}).map(([key, one]) => [key, { ...one, state: one.original }]),
  )
}

export type Change = { readonly part: FacetPart; readonly from: unknown; readonly to: Placed }

/** What differs between two snapshots, facet by facet, in the order of the parts. */
export function changesBetween(before: Snapshot, after: Snapshot): Change[] {
  return PARTS.flatMap((part) =>
    Object.entries(after.facets[part.facet] ?? {}).flatMap(([key, to]) => {
      const known = before.facets[part.facet]?.[key]
      const from = known === undefined ? to.original : known.state
      return part.normalise(from) === part.normalise(to.state) ? [] : [{ part, from, to }]
    }),
  )
}

/** What differs, and all that is worn by whoever is somewhere else now. */
export function dressingOf(before: Snapshot, after: Snapshot): Change[] {
  const differs = changesBetween(before, after)
  return PARTS.flatMap((part) =>
    Object.entries(after.facets[part.facet] ?? {}).flatMap(([key, to]) => {
      const known = before.facets[part.facet]?.[key]
      const change = differs.find((one) => one.part === part && one.to === to)
      if (change !== undefined) return [change]
      return known !== undefined && isElsewhere(known.place, to.place) ? [{ part, from: known.state, to }] : []
    }),
  )
}

/** How a process that cannot compile gets from `after`, or from anywhere on the way to it, back to `before`. */
export function undoFor(before: Snapshot, after: Snapshot, now: number): Step[] {
  const compiled = compileSnapshot(before)
  return [
    ...changesBetween(before, after).flatMap(({ part, from, to }) => part.undo(to.place, from, to.state)),
    { run: 'nft', text: compiled === null ? removeText() : fullText(compiled, { pendingMs: null, now }) },
  ]
}

/** One stage of a change that must not lose a packet; `converge` is for when that is past. */
export async function stage(which: 'prepare' | 'switch' | 'finish', before: Snapshot, after: Snapshot): Promise<void> {
  for (const { part, from, to } of changesBetween(before, after)) {
    if (part.stages !== undefined) await part.stages[which](to.place, from, to.state)
    else if (which === 'prepare') await part.converge(to.place, to.state)
  }
}
