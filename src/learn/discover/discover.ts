/**
 * Windows that no persona explains come in, round by round; clusters of them that stay go out, each to be proposed as a
 * persona. Pure: what is remembered between rounds is `Followed[]`, plain numbers, and the same windows give the same clusters.
 */
import type { Belief } from '../../model/belief.ts'
import type { Observation } from '../filter.ts'
import type { Novelty } from '../novelty.ts'
import { distance } from '../novelty.ts'
import { clusterByDensity, NOISE } from './density.ts'
import { type Followed, follow } from './follow.ts'

/** A window of a workload that is more likely none of the known personas than any of them. */
export type Stray = { readonly workload: string; readonly at: number; readonly x: Float64Array }

export type Cluster = {
  readonly workloads: readonly string[]
  readonly windows: number
  /** Feature by feature the median; NaN where most windows do not say. */
  readonly centre: Float64Array
  /** Nine of ten windows are no further from the centre. */
  readonly spread: number
  /** epoch ms of its newest window */
  readonly newest: number
  /** One window each of the workloads nearest to the centre. */
  readonly exemplars: readonly Stray[]
}

/** A window of hardly any flow says nothing of what a workload is. */
const TRUSTED = 0.5
/** What a cluster is made of is this recent, ms. */
const RECENT_MS = 30 * 60_000
/** Windows compared in a round, at most: every pair is. */
const MOST_WINDOWS = 600
const PER_WORKLOAD = 12
/** Fewer are a start, a burst, an accident. */
const LEAST_WINDOWS = 3
const LEAST_WORKLOADS = 2
/** A workload that nobody is like is a cluster by itself once it was alike itself for this many windows. */
const ALONE_WINDOWS = 12
const EXEMPLARS = 3
/** Of the smaller cluster's workloads, the share found in the larger too that makes them modes of one. */
const SAME_WORKLOADS = 0.5

export function isStray(seen: Observation, belief: Belief): seen is Extract<Observation, { kind: 'active' }> {
  return seen.kind === 'active' && seen.trust >= TRUSTED && belief.unknown >= 0.5
}

/** One round: strays are clustered, the clusters matched to those of before. `at` is the time of the round, epoch ms. */
export function discover(
  novelty: Novelty,
  before: readonly Followed[],
  strays: readonly Stray[],
  at: number,
): readonly Followed[] {
  return follow(novelty, before, clustersOf(novelty, recent(strays, at)), at)
}

/** The last windows of every workload, as many of each as there is room for, in one order whatever order they came in. */
function recent(strays: readonly Stray[], at: number): Stray[] {
  const by = Map.groupBy(
    strays.filter((stray) => stray.at > at - RECENT_MS && stray.at <= at),
    (stray) => stray.workload,
  )
  const each = Math.max(LEAST_WINDOWS, Math.min(PER_WORKLOAD, Math.floor(MOST_WINDOWS / Math.max(1, by.size))))
  return [...by.keys()]
    .sort()
    .flatMap((name) => {
      const own = by.get(name)!
      return own.length < LEAST_WINDOWS ? [] : own.toSorted((a, b) => a.at - b.at).slice(-each)
    })
    .slice(0, MOST_WINDOWS)
}

/** A stranger is as far as the novelty threshold from what is known: strangers no further from each other are of one kind. */
export function clustersOf(novelty: Novelty, strays: readonly Stray[]): Cluster[] {
  const names = [...new Set(strays.map((stray) => stray.workload))]
  const group = Int32Array.from(strays, (stray) => names.indexOf(stray.workload))
  const reach = novelty.threshold
  const label = clusterByDensity(distances(novelty, strays), group, { reach, whole: reach / 2, least: LEAST_WORKLOADS })
  const home = homes(label, group, names.length)
  const members = Map.groupBy(strays.keys(), (i) => home[group[i]!]!)
  const homeless = members.get(NOISE) ?? []
  members.delete(NOISE)
  const pick = (at: readonly number[]) => at.map((i) => strays[i]!)
  const alone = [...Map.groupBy(homeless, (i) => group[i]!).values()]
    .filter((own) => own.length >= ALONE_WINDOWS)
    .map((own) => clusterOf(novelty, pick(own)))
    .filter(({ spread }) => spread <= reach)
  const shared = [...members.values()].map((own) => {
    const cluster = clusterOf(novelty, pick(own))
    const stay = close(novelty, cluster, pick(own))
    return stay.length === own.length ? cluster : clusterOf(novelty, stay)
  })
  return [...shared.filter((cluster) => cluster.workloads.length >= LEAST_WORKLOADS), ...alone]
}

/**
 * Clusters visited by the same workloads are modes of one behaviour, and become one. A workload is at home where most of its
 * windows are, so that an odd window of it draws nobody in.
 */
function homes(label: Int32Array, group: Int32Array, groups: number): Int32Array {
  const visits = (of: Int32Array) => {
    const counts = new Map<number, Map<number, number>>()
    of.forEach((cluster, i) => {
      const by = counts.get(cluster) ?? new Map<number, number>()
      counts.set(cluster, by.set(group[i]!, (by.get(group[i]!) ?? 0) + 1))
    })
    return counts
  }
  const seen = visits(label)
  seen.delete(NOISE)
  const becomes = new Map<number, number>()
  const target = (cluster: number): number => {
    const to = becomes.get(cluster)
    return to === undefined ? cluster : target(to)
  }
  for (const [one, ones] of seen)
    for (const [other, others] of seen) {
      if (other <= one) continue
      const both = [...ones.keys()].filter((g) => others.has(g)).length
      const isMode = both >= LEAST_WORKLOADS && both >= SAME_WORKLOADS * Math.min(ones.size, others.size)
      if (isMode && target(one) !== target(other)) becomes.set(target(other), target(one))
    }
  const own = visits(label.map((cluster) => (cluster === NOISE ? NOISE : target(cluster))))
  const total = new Int32Array(groups)
  for (const g of group) total[g]!++
  const home = new Int32Array(groups).fill(NOISE)
  for (const [cluster, by] of own)
    if (cluster !== NOISE) for (const [g, n] of by) if (n * 2 > total[g]!) home[g] = cluster
  for (const cluster of own.keys()) {
    const at = Array.from(home.keys()).filter((g) => home[g] === cluster)
    if (at.length < LEAST_WORKLOADS) for (const g of at) home[g] = NOISE
  }
  return home
}

/** Drawn in by a chain of others, itself far out: beyond reach of the centre, and twice as far as the middle one. */
function close(novelty: Novelty, { centre }: Cluster, members: readonly Stray[]): Stray[] {
  const away = [...Map.groupBy(members, (stray) => stray.workload)].map(([workload, own]) => {
    const typical = quantile(
      own.map((stray) => distance(stray.x, novelty.scale, centre, 0)),
      0.5,
    )
    return { workload, typical }
  })
  const middle = quantile(
    away.map(({ typical }) => typical),
    0.5,
  )
  const far = new Set(
    away.flatMap(({ workload, typical }) => (typical > Math.max(novelty.threshold, 2 * middle) ? [workload] : [])),
  )
  return members.filter((stray) => !far.has(stray.workload))
}

function distances(novelty: Novelty, strays: readonly Stray[]): Float64Array {
  const points = strays.length
  const far = new Float64Array(points * points)
  for (let i = 0; i < points; i++)
    for (let j = 0; j < i; j++) {
      const apart = distance(strays[i]!.x, novelty.scale, strays[j]!.x, 0)
      far[i * points + j] = apart
      far[j * points + i] = apart
    }
  return far
}

function clusterOf(novelty: Novelty, members: readonly Stray[]): Cluster {
  const by = Map.groupBy(members, (stray) => stray.workload)
  // Each workload speaks once, however long it was seen.
  const centre = medianOf([...by.values()].map((own) => medianOf(own.map((stray) => stray.x))))
  const away = (stray: Stray) => distance(stray.x, novelty.scale, centre, 0)
  const nearest = [...by.values()].map((own) =>
    own.map((stray) => ({ stray, away: away(stray) })).reduce((a, b) => (b.away < a.away ? b : a)),
  )
  nearest.sort((a, b) => a.away - b.away || (a.stray.workload < b.stray.workload ? -1 : 1))
  return {
    workloads: [...by.keys()].sort(),
    windows: members.length,
    centre,
    spread: quantile(members.map(away), 0.9),
    newest: Math.max(...members.map((stray) => stray.at)),
    exemplars: nearest.slice(0, EXEMPLARS).map(({ stray }) => stray),
  }
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))]!
}

function medianOf(vectors: readonly Float64Array[]): Float64Array {
  return Float64Array.from(vectors[0]!, (_, f) => {
    const known = vectors.map((x) => x[f]!).filter((value) => !Number.isNaN(value))
    if (known.length * 2 <= vectors.length) return Number.NaN
    known.sort((a, b) => a - b)
    const middle = known.length >> 1
    return known.length % 2 === 1 ? known[middle]! : (known[middle - 1]! + known[middle]!) / 2
  })
}
