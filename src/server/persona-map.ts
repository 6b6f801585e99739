/**
 * The map of who behaves alike. In: the fleet's last windows, the model in force, open proposals. Out: all of them as places
 * on the plane of the model's prototypes. Nothing is kept but the plane, which is made again when the model is another.
 */
import { setImmediate } from 'node:timers/promises'
import { familiar } from '../learn/discover/describe.ts'
import { axesOf, hullOf, meanPlace, type Projection, placeOf, projectionOf } from '../learn/discover/project.ts'
import type { Model } from '../learn/model.ts'
import type { TenantId } from '../model/ids.ts'
import type { MapPersona, MapPlace, MapProposal, MapWorkload, PersonaMap } from '../model/persona-map.ts'
import type { ProposalRecord } from '../model/proposal.ts'
import type { Store } from '../model/store.ts'
import { WINDOW_MS } from '../model/window.ts'
import { type Fleet, type Live, SEEN_WINDOWS } from './fleet.ts'

type Deps = {
  readonly tenant: TenantId
  readonly store: Pick<Store, 'proposals'>
  readonly fleet: Pick<Fleet, 'live'>
  readonly model: () => Model
  readonly clock: () => number
}

const MOST_WORKLOADS = 2_000
const AT_A_TIME = 200
const POINTS_EACH = 12
/** Whoever was not heard of for so long is not where he was. */
const RECENT_MS = 4 * SEEN_WINDOWS * WINDOW_MS

type Sight = { readonly model: Model; readonly projection: Projection; readonly known: readonly MapPersona[] }

export function createPersonaMap({
  tenant,
  store,
  fleet,
  model,
  clock,
}: Deps): (asker: TenantId) => Promise<PersonaMap> {
  let sight: Sight | null = null

  return async (asker) => {
    const inForce = model()
    if (sight?.model !== inForce) sight = look(inForce)
    const { projection, known } = sight
    const since = clock() - RECENT_MS
    const placed: MapWorkload[] = []
    let [heard, walked] = [0, 0]
    for (const live of asker === tenant ? fleet.live.values() : []) {
      // Reports come in meanwhile.
      if (++walked % AT_A_TIME === 0) await setImmediate()
      if (live.seen.every(({ at }) => at <= since)) continue
      heard++
      const at = whereIs(projection, live, since)
      if (at !== null) placed.push(toWorkload(live, at))
    }
    placed.sort((a, b) => Number(b.stray) - Number(a.stray))
    const workloads = placed.slice(0, MOST_WORKLOADS)
    const open = (await store.proposals.all(asker)).filter(({ state }) => state === 'open')
    return {
      axes: axesOf(projection),
      ...{ known, workloads, more: placed.length - workloads.length, quiet: heard - placed.length },
      proposals: open.flatMap((one) => toProposal(projection, one, workloads)),
      model: inForce.id,
    }
  }
}

function look(model: Model): Sight {
  const { prototypes, scale } = model.novelty
  const projection = projectionOf(model.novelty)
  const places = new Map<string, MapPlace[]>()
  const add = (persona: string, x: Float64Array) => {
    places.set(persona, [...(places.get(persona) ?? []), placeOf(projection, x)])
  }
  for (const [persona, rows] of familiar(model))
    for (const at of rows) add(persona, prototypes.subarray(at, at + scale.length))
  for (const { persona, x } of model.taught ?? []) add(model.personas[persona]!, x)
  const known = model.personas.flatMap((persona): MapPersona[] => {
    const all = places.get(persona)
    return all === undefined ? [] : [{ persona, points: some(all).map(rounded), at: rounded(meanPlace(all)) }]
  })
  return { model, projection, known }
}

/** Evenly through all of them, so that those learnt late are among them. */
function some(places: readonly MapPlace[]): readonly MapPlace[] {
  const step = Math.max(1, places.length / POINTS_EACH)
  return Array.from({ length: Math.min(POINTS_EACH, places.length) }, (_, i) => places[Math.floor(i * step)]!)
}

/** The middle of its last windows that say something; null: none does. */
function whereIs(projection: Projection, { seen }: Live, since: number): MapPlace | null {
  const places = seen.flatMap(({ at, seen: one }) =>
    at > since && one.kind === 'active' ? [placeOf(projection, one.x)] : [],
  )
  return places.length === 0 ? null : rounded(meanPlace(places))
}

function toWorkload({ workload, name, lastBelief }: Live, at: MapPlace): MapWorkload {
  const top = lastBelief?.personas[0]
  const unknown = lastBelief?.unknown ?? 0
  return {
    ...{ id: workload, name, believed: lastBelief?.believed ?? null, likeliest: top?.persona ?? null },
    ...{ p: top?.p ?? 0, unknown, at, stray: unknown >= 0.5 },
  }
}

/** Round what showed it, and whoever of it strays now. One that was split by hand shows nothing yet, and has no place. */
function toProposal(
  projection: Projection,
  { id, name, workloads, clusters }: ProposalRecord,
  placed: readonly MapWorkload[],
): MapProposal[] {
  const place = (x: readonly (number | null)[]) =>
    rounded(
      placeOf(
        projection,
        Float64Array.from(x, (value) => value ?? Number.NaN),
      ),
    )
  const own = new Set<string>(workloads)
  const centres = clusters.map(({ centre }) => place(centre))
  const shown = clusters.flatMap(({ exemplars }) =>
    exemplars.filter(({ workload }) => own.has(workload)).map(({ x }) => place(x)),
  )
  const straying = placed.filter((one) => one.stray && own.has(one.id)).map(({ at }) => at)
  const all = [...centres, ...shown, ...straying]
  if (all.length === 0) return []
  return [{ id, name, at: meanPlace(centres.length > 0 ? centres : all), hull: hullOf(all), workloads }]
}

/** A hundredth of a unit is below what can be seen. */
function rounded([x, y]: MapPlace): MapPlace {
  return [Math.round(x * 100) / 100, Math.round(y * 100) / 100]
}
