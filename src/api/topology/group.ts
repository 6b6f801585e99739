/**
 * Which node each workload is drawn in. Whoever differs (contained, at risk, with evidence) stands on their own as long as
 * there is room; the quiet ones of a persona and segment stand together as `+29`. Same fleet, same nodes.
 */
import { slug, type WorkloadId } from '../../model/ids.ts'
import { personaOf, type Segment, segmentsOf } from '../../model/segment.ts'
import { type Face, MAX_NODES, type TopologyLevel, type TopologyNode } from '../../model/topology.ts'

export type GroupQuery = {
  readonly level: TopologyLevel
  /** Entered: shown at `level`, while the others stay one step further away. */
  readonly segment: string | null
  readonly persona: string | null
  readonly now: number
}
export type Group = Omit<TopologyNode, 'bytes' | 'flows' | 'evidence'>
export type Groups = {
  /** Index into `groups`, index for index with the faces. */
  readonly of: readonly number[]
  readonly groups: readonly Group[]
  readonly segments: readonly (Segment & { readonly workloads: number; readonly risk: number | null })[]
  /** Workloads that stand in a node with others at the level of workloads. */
  readonly folded: number
}

/** Room for the outside: its groups, and the addresses of it that stand alone. */
const OUTSIDE_ROOM = 20
/** Personas in segments; the smallest beyond stand as their segment. */
const KIN_MAX = 90
/** Of the quiet ones of a persona in a segment, unless that segment was entered. */
const QUIET_ALONE = 2
const RISK_STANDS_OUT = 0.4

export function groupFaces(faces: readonly Face[], accused: ReadonlySet<WorkloadId>, query: GroupQuery): Groups {
  const personas = faces.map(personaOf)
  const places = segmentsOf(faces.map((face, i) => ({ ...face, persona: personas[i]! })))
  const entered = (i: number) =>
    (query.segment === null || places[i]!.id === query.segment) &&
    (query.persona === null || slug(personas[i] ?? 'unknown') === query.persona)
  const kin = faces.map((_, i) => `p:${places[i]!.id}:${slug(personas[i] ?? '') || 'unknown'}`)
  const largest = largestKin(kin)
  const room = MAX_NODES - OUTSIDE_ROOM - largest.size - new Set(places.map((place) => place.id)).size
  const alone = query.level === 'workload' ? standAlone(faces, accused, kin, entered, room, query) : new Set<number>()
  const groups: (Group & { members: number; contained: number; risk: number | null })[] = []
  const indexOf = new Map<string, number>()
  let folded = 0
  const of = faces.map((face, i) => {
    const [place, persona] = [places[i]!, personas[i]!]
    const bySegment = query.level === 'segment' || (query.level === 'persona' && !entered(i))
    const id = alone.has(i)
      ? face.id
      : bySegment
        ? `s:${place.id}`
        : `p:${place.id}:${slug(persona ?? '') || 'unknown'}`
    const index = indexOf.get(id) ?? groups.length
    if (index === groups.length) {
      indexOf.set(id, index)
      groups.push({
        id,
        kind: alone.has(i) ? 'workload' : bySegment ? 'segment' : 'persona',
        name: alone.has(i) ? face.name : bySegment ? place.name : (persona ?? 'unknown'),
        segment: place.id,
        persona: bySegment ? null : persona,
        workload: alone.has(i) ? face.id : null,
        members: 0,
        rest: false,
        risk: null,
        contained: 0,
      })
    }
    const group = groups[index]!
    group.members++
    if (query.level === 'workload' && !alone.has(i)) folded++
    if (face.risk !== null) group.risk = Math.max(group.risk ?? 0, face.risk)
    if (face.containedUntil !== null && face.containedUntil > query.now) group.contained++
    return index
  })
  const split = new Set(
    [...alone].map((i) => `p:${places[i as number]!.id}:${slug(personas[i as number] ?? '') || 'unknown'}`),
  )
  return {
    of,
    groups: groups.map((group) => (split.has(group.id) ? { ...group, rest: true } : group)),
    segments: countSegments(faces, places),
    folded,
  }
}

function standAlone(
  faces: readonly Face[],
  accused: ReadonlySet<WorkloadId>,
  kin: readonly string[],
  entered: (i: number) => boolean,
  room: number,
  query: GroupQuery,
): ReadonlySet<number> {
  const differs = (face: Face) =>
    (face.containedUntil !== null && face.containedUntil > query.now ? 4 : 0) +
    ((face.risk ?? 0) >= RISK_STANDS_OUT ? 2 + (face.risk ?? 0) : 0) +
    (accused.has(face.id) ? 1 : 0)
  const ranked = faces
    .map((face, i) => ({ face, i, rank: differs(face) }))
    .filter(({ i }) => entered(i))
    .sort((a, b) => b.rank - a.rank || b.face.rate - a.face.rate || (a.face.id < b.face.id ? -1 : 1))
  const isEntered = query.segment !== null || query.persona !== null
  const quiet = new Map<string, number>()
  const sizes = new Map<string, number>()
  for (const { i, rank } of ranked) if (rank === 0) sizes.set(kin[i]!, (sizes.get(kin[i]!) ?? 0) + 1)
  const alone = new Set<number>()
  for (const { i, rank } of ranked) {
    if (alone.size >= room) break
    const taken = quiet.get(kin[i]!) ?? 0
    // a `+1` takes the room of the one it stands for
    const most = sizes.get(kin[i]!) === QUIET_ALONE + 1 ? QUIET_ALONE + 1 : QUIET_ALONE
    if (rank === 0 && !isEntered && taken >= most) continue
    if (rank === 0) quiet.set(kin[i]!, taken + 1)
    alone.add(i)
  }
  return alone
}

function largestKin(kin: readonly string[]): ReadonlySet<string> {
  const sizes = new Map<string, number>()
  for (const one of kin) sizes.set(one, (sizes.get(one) ?? 0) + 1)
  const ranked = [...sizes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return new Set(ranked.slice(0, KIN_MAX).map(([one]) => one))
}

function countSegments(faces: readonly Face[], places: readonly Segment[]): Groups['segments'] {
  const found = new Map<string, Segment & { workloads: number; risk: number | null }>()
  for (const [i, place] of places.entries()) {
    const segment = found.get(place.id) ?? { ...place, workloads: 0, risk: null }
    segment.workloads++
    const { risk } = faces[i]!
    if (risk !== null) segment.risk = Math.max(segment.risk ?? 0, risk)
    found.set(place.id, segment)
  }
  return [...found.values()].sort((a, b) => a.column - b.column || (a.id < b.id ? -1 : 1))
}
