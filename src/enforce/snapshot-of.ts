/** What a state means on this host, and what a snapshot means to its parts: who can carry it, who is late, what is left behind. */
import { bindingsOfReport } from '../compile/bind.ts'
import type { Binding } from '../compile/tree.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import { CARRIES } from '../model/facets.ts'
import { FACETS, type Facet } from '../model/persona.ts'
import type { WorkloadReport } from '../model/wire.ts'
import { lingering } from './drain.ts'
import { type FacetPart, isElsewhere, type Place } from './facet.ts'
import { PARTS, partOf } from './facets.ts'
import type { Draining } from './old-addresses.ts'
import { type Inventory, type Placed, type Snapshot, snapshotFrom, wishOf } from './snapshot.ts'

/** Why this state cannot be carried here, whole; null when it can. */
export function uncarried(state: AgentState, inventory: Inventory): string | null {
  const reports = new Map(inventory.workloads.map((report) => [report.key, report]))
  for (const desired of state.workloads) {
    const report = reports.get(desired.key)
    if (report === undefined) continue
    const asked = FACETS.filter((facet) => facet === 'policies' || wishOf(desired, facet) !== undefined)
    const lacking = asked.find((facet) => !CARRIES[report.driver].includes(facet))
    if (lacking !== undefined)
      return `driver ${report.driver} of ${report.name} does not carry facet ${lacking}; nothing was applied`
    for (const facet of asked) {
      const why = partOf(facet)?.refusal(placeOf(inventory, report, desired), wishOf(desired, facet), desired) ?? null
      if (why !== null)
        return `facet ${facet} of ${report.name} cannot be carried here: ${why}; nothing was applied`.slice(0, 500)
    }
  }
  for (const part of PARTS) {
    const wishes = state.workloads.flatMap((one) =>
      reports.has(one.key) && wishOf(one, part.facet) !== undefined
        ? [[reports.get(one.key)!.name, wishOf(one, part.facet)] as const]
        : [],
    )
    const why = part.clash?.(new Map(wishes)) ?? null
    if (why !== null) return `${why}; nothing was applied`
  }
  return null
}

function placeOf(inventory: Inventory, report: WorkloadReport, desired: DesiredState | undefined): Place {
  const { key, interface: face, addresses } = report
  const { cgroup = null, root = null, monitor = null } = inventory.places?.get(key) ?? {}
  const namespace = inventory.namespaces.get(key) ?? null
  return { key, namespace, face, addresses: bare4and6(desired?.network?.addresses ?? addresses), cgroup, root, monitor }
}

const bare4and6 = (addresses: readonly string[]) => addresses.map((text) => text.split('/')[0]!)

export function bindingsOf(inventory: Inventory, state: AgentState | null): Binding[] {
  const desired = new Map(state?.workloads.map((workload) => [workload.key, workload]))
  return inventory.workloads.flatMap((report) => bindingsOfReport(report, desired.get(report.key)?.network?.addresses))
}

/** What `state` means on this host, coming from `before`. Looks at what it touches for the first time. */
export async function snapshotOf(
  state: AgentState,
  inventory: Inventory,
  before: Snapshot,
  now: number,
): Promise<Snapshot> {
  const desired = new Map(state.workloads.map((workload) => [workload.key, workload]))
  const reports = new Map(inventory.workloads.map((report) => [report.key, report]))
  const faces = facesOf(inventory)
  const facets: Partial<Record<Facet, Record<string, Placed>>> = {}
  const draining: Draining[] = []
  for (const part of PARTS) {
    const worn: Record<string, Placed> = {}
    const known = before.facets[part.facet] ?? {}
    const asked = state.workloads.filter((one) => wishOf(one, part.facet) !== undefined).map(({ key }) => key)
    for (const key of new Set([...Object.keys(known), ...asked])) {
      const report = reports.get(key)
      const place = report === undefined ? known[key]?.place : placeOf(inventory, report, desired.get(key))
      if (place === undefined) continue
      // What went away with everything on it needs nothing taken off.
      if (report === undefined && (isTaken(part, place, faces) || !(await isThere(part, place)))) continue
      const moves = known[key] !== undefined && isElsewhere(known[key].place, place)
      if ((known[key] === undefined || moves) && (await part.isAway?.(place)) === true) {
        // Where it is now, nobody is there yet to be dressed.
        if (known[key] !== undefined) worn[key] = known[key]
        continue
      }
      const wish = wishOf(desired.get(key), part.facet)
      const original = await originalOf(part, place, known[key])
      const afterwards = wish === undefined ? original : part.wanted(place, original, wish)
      const from = known[key] ?? { place, original, state: original }
      const old = report === undefined ? null : lingering(part, from, afterwards, before, now)
      worn[key] =
        old === null ? { place, original, state: afterwards } : { place, original, state: old.meanwhile, afterwards }
      if (old !== null) draining.push(old.draining)
    }
    if (Object.keys(worn).length > 0) facets[part.facet] = worn
  }
  const whole = { state, bindings: bindingsOf(inventory, state), facets }
  return draining.length === 0 ? whole : { ...whole, draining }
}

async function originalOf(part: FacetPart, place: Place, known: Placed | undefined): Promise<unknown> {
  if (known === undefined) return part.untouched ?? part.capture(place)
  if (part.relocate === undefined || !isElsewhere(known.place, place)) return known.original
  return part.relocate(place, known.original, known.place)
}

/** Workloads that are here and ask for what nobody has put on where they are: they came, were started or moved after the change. */
export function undressed({ state, facets }: Snapshot, inventory: Inventory): string[] {
  const reports = new Map(inventory.workloads.map((report) => [report.key, report]))
  return (state?.workloads ?? []).flatMap((desired) => {
    const report = reports.get(desired.key)
    if (report === undefined) return []
    const place = placeOf(inventory, report, desired)
    const isLate = PARTS.some(({ facet }) => {
      const worn = facets[facet]?.[desired.key]
      return worn === undefined ? wishOf(desired, facet) !== undefined : isElsewhere(worn.place, place)
    })
    return isLate ? [desired.key] : []
  })
}

/** What still stands where the workload it was made for is no more: its link goes by another name, or is another's. */
export function leftBehind({ facets }: Snapshot, inventory: Inventory): { part: FacetPart; placed: Placed }[] {
  const reports = new Map(inventory.workloads.map((report) => [report.key, report]))
  const faces = facesOf(inventory)
  return PARTS.flatMap((part) =>
    Object.entries(facets[part.facet] ?? {}).flatMap(([key, placed]) => {
      const report = reports.get(key)
      const isLeft =
        report === undefined
          ? isTaken(part, placed.place, faces)
          : part.onLink?.(placed.place) === true && report.interface !== placed.place.face
      return isLeft ? [{ part, placed }] : []
    }),
  )
}

function facesOf({ workloads }: Inventory): ReadonlySet<string> {
  return new Set(workloads.flatMap((report) => report.interface ?? []))
}

/** The link of a workload that is gone has its name from somebody else now. */
function isTaken(part: FacetPart, place: Place, faces: ReadonlySet<string>): boolean {
  return part.onLink?.(place) === true && place.face !== null && faces.has(place.face)
}

/** After the confirmation: what parts let go of, now that it is as it was before us, is left out. */
export function letGo(snapshot: Snapshot): Snapshot {
  const desired = new Map(snapshot.state?.workloads.map((one) => [one.key, one]))
  const facets = { ...snapshot.facets }
  for (const { facet } of PARTS.filter((part) => part.letsGo === true)) {
    const { [facet]: worn } = facets
    if (worn === undefined) continue
    const kept = Object.entries(worn).filter(([key]) => wishOf(desired.get(key), facet) !== undefined)
    if (kept.length > 0) facets[facet] = Object.fromEntries(kept)
    else delete facets[facet]
  }
  return { ...snapshot, facets }
}

export function isThere(part: FacetPart, place: Place): Promise<boolean> {
  return part.capture(place).then(
    () => true,
    () => false,
  )
}

/** A snapshot as a journal holds it, also one that an older release wrote. */
export async function readSnapshot(journalled: unknown): Promise<Snapshot> {
  const snapshot = snapshotFrom(journalled)
  const facets = { ...snapshot.facets }
  for (const part of PARTS) {
    const { [part.facet]: worn } = facets
    if (part.complete === undefined || worn === undefined) continue
    const whole: Record<string, Placed> = {}
    for (const [key, one] of Object.entries(worn)) {
      const [state, original] = [
        await part.complete(one.place, one.state),
        await part.complete(one.place, one.original),
      ]
      whole[key] = { ...one, state, original }
      if (one.afterwards !== undefined)
        whole[key] = { ...whole[key], afterwards: await part.complete(one.place, one.afterwards) }
    }
    facets[part.facet] = whole
  }
  return { ...snapshot, facets }
}
