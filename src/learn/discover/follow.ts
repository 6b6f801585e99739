/** Clusters of this round and those of before come in; which is which goes out: a cluster has one identity for as long as it lasts. */
import { distance, type Novelty } from '../novelty.ts'
import type { Cluster } from './discover.ts'

export type Followed = {
  /** Counts up; never given twice while anything is followed. */
  readonly id: number
  /** epoch ms of the first round, and of the last in which it was there. */
  readonly since: number
  readonly last: number
  /** Rounds in which it was found. */
  readonly rounds: number
  readonly cluster: Cluster
}

/** A cluster found in this many rounds is proposed. */
const STABLE_ROUNDS = 3
/** A cluster that was never proposed and not found for this long is forgotten, ms. What was proposed stays known. */
const FORGOTTEN_MS = 30 * 60_000
/** Of the workloads of two clusters, the share in both that makes them one. */
const SAME_WORKLOADS = 0.3

export const isStable = (followed: Followed): boolean => followed.rounds >= STABLE_ROUNDS

export function follow(
  novelty: Novelty,
  before: readonly Followed[],
  clusters: readonly Cluster[],
  at: number,
): readonly Followed[] {
  const pairs = before
    .flatMap((known) =>
      clusters.map((cluster) => ({ known, cluster, alike: likeness(novelty, known.cluster, cluster) })),
    )
    .filter(({ alike }) => alike > 0)
    .sort((a, b) => b.alike - a.alike || a.known.id - b.known.id)
  const taken = new Map<number, Cluster>()
  const placed = new Set<Cluster>()
  for (const { known, cluster } of pairs) {
    if (taken.has(known.id) || placed.has(cluster)) continue
    taken.set(known.id, cluster)
    placed.add(cluster)
  }
  let next = Math.max(0, ...before.map((known) => known.id))
  const kept = before.flatMap((known): Followed[] => {
    const cluster = taken.get(known.id)
    // Windows of long ago are still compared: without a new one it was not seen again.
    if (cluster !== undefined && cluster.newest > known.cluster.newest)
      return [{ ...known, last: at, rounds: known.rounds + 1, cluster }]
    return at - known.last > FORGOTTEN_MS && !isStable(known) ? [] : [known]
  })
  const fresh = clusters
    .filter((cluster) => !placed.has(cluster))
    .map((cluster): Followed => ({ id: ++next, since: at, last: at, rounds: 1, cluster }))
  return [...kept, ...fresh]
}

/** 0 = not the same. Workloads come and go, so does what they do: either may carry it, behaviour must never be far. */
function likeness(novelty: Novelty, one: Cluster, other: Cluster): number {
  const apart = distance(one.centre, novelty.scale, other.centre, 0)
  if (apart > novelty.threshold) return 0
  const both = one.workloads.filter((workload) => other.workloads.includes(workload)).length
  const shared = both / (one.workloads.length + other.workloads.length - both)
  if (shared < SAME_WORKLOADS && apart > novelty.threshold / 2) return 0
  return shared + 1 - apart / novelty.threshold
}
