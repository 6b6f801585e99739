/**
 * Which points lie close together, and which are noise: HDBSCAN* (Campello, Moulavi & Sander 2013) cut at a distance beyond
 * which nothing is alike, and not split below one within which everything is (Malzer & Baum 2020). Points come in groups
 * (the windows of one workload): a place is dense when several groups visit it, however often one of them does.
 */

export type DensitySettings = {
  /** Nothing further apart than this is one cluster. */
  readonly reach: number
  /** Nothing closer than this is two. */
  readonly whole: number
  /** Groups that a cluster needs, at least. */
  readonly least: number
}

/** Label of what belongs to no cluster. */
export const NOISE = -1

type Dendrogram = {
  /** Of node `points + i`: its two children, and how far apart they are. */
  readonly left: Int32Array
  readonly right: Int32Array
  readonly apart: Float64Array
  /** Points and groups below a node; the first `points` nodes are the points. */
  readonly size: Int32Array
  readonly groups: Int32Array
  readonly roots: readonly number[]
}

/** `far`: every pair's distance, points × points. Out: a label for each point, from 0 in the order of their first points. */
export function clusterByDensity(far: Float64Array, group: Int32Array, settings: DensitySettings): Int32Array {
  const points = group.length
  const tree = dendrogram(spanningTree(far, coreDistances(far, group)), group, settings.reach)
  const chosen = tree.roots.flatMap((root) =>
    tree.groups[root]! < settings.least ? [] : select(tree, points, root, settings.reach, settings).nodes,
  )
  const label = new Int32Array(points).fill(NOISE)
  const members = chosen.map((node) => pointsBelow(tree, points, node)).sort((a, b) => a[0]! - b[0]!)
  members.forEach((inside, n) => {
    for (const point of inside) label[point] = n
  })
  return label
}

/** Distance of each point to the nearest point of another group. */
function coreDistances(far: Float64Array, group: Int32Array): Float64Array {
  const points = group.length
  return Float64Array.from({ length: points }, (_, i) => {
    let least = Number.POSITIVE_INFINITY
    for (let j = 0; j < points; j++) if (group[j] !== group[i]) least = Math.min(least, far[i * points + j]!)
    return least
  })
}

type Edge = { readonly a: number; readonly b: number; readonly apart: number }

/** Prim's minimum spanning tree over mutual reachability, shortest edge first. */
function spanningTree(far: Float64Array, core: Float64Array): Edge[] {
  const points = core.length
  const apart = new Float64Array(points).fill(Number.POSITIVE_INFINITY)
  const from = new Int32Array(points)
  const isIn = new Uint8Array(points)
  const edges: Edge[] = []
  let at = 0
  for (let n = 1; n < points; n++) {
    isIn[at] = 1
    let next = -1
    for (let j = 0; j < points; j++) {
      if (isIn[j] === 1) continue
      const reachable = Math.max(far[at * points + j]!, core[at]!, core[j]!)
      if (reachable < apart[j]!) {
        apart[j] = reachable
        from[j] = at
      }
      if (next < 0 || apart[j]! < apart[next]!) next = j
    }
    edges.push({ a: from[next]!, b: next, apart: apart[next]! })
    at = next
  }
  return edges.sort((x, y) => x.apart - y.apart || x.a - y.a || x.b - y.b)
}

/** Joins along the edges no longer than `reach`; what is still apart then are the roots. */
function dendrogram(edges: readonly Edge[], group: Int32Array, reach: number): Dendrogram {
  const points = group.length
  const joins = edges.filter(({ apart }) => apart <= reach)
  const left = new Int32Array(joins.length)
  const right = new Int32Array(joins.length)
  const apart = new Float64Array(joins.length)
  const size = new Int32Array(points + joins.length).fill(1)
  const groups = new Int32Array(points + joins.length).fill(1)
  const names = Array.from(group, (g) => new Set([g]))
  const parent = Int32Array.from({ length: points + joins.length }, (_, i) => i)
  const rootOf = (node: number): number => {
    let root = node
    while (parent[root] !== root) root = parent[root]!
    for (let walk = node; walk !== root; ) {
      const up = parent[walk]!
      parent[walk] = root
      walk = up
    }
    return root
  }
  joins.forEach((edge, i) => {
    const node = points + i
    const [one, other] = [rootOf(edge.a), rootOf(edge.b)]
    left[i] = one
    right[i] = other
    apart[i] = edge.apart
    size[node] = size[one]! + size[other]!
    // The larger set grows and moves up; its count below is written down already.
    const [more, less] =
      names[one]!.size >= names[other]!.size ? [names[one]!, names[other]!] : [names[other]!, names[one]!]
    for (const name of less) more.add(name)
    names[node] = more
    groups[node] = more.size
    parent[one] = node
    parent[other] = node
  })
  const roots = Array.from(parent.keys()).filter((node) => parent[node] === node)
  return { left, right, apart, size, groups, roots }
}

type Selection = { readonly stability: number; readonly nodes: readonly number[] }

/** Follows a cluster from where it is born to where it splits; it is kept whole unless its parts last longer than it did. */
function select(tree: Dendrogram, points: number, node: number, bornAt: number, settings: DensitySettings): Selection {
  const born = 1 / bornAt
  let stability = 0
  let at = node
  for (;;) {
    const join = at - points
    const apart = join < 0 ? 0 : tree.apart[join]!
    if (apart <= settings.whole)
      return { stability: stability + tree.size[at]! * (1 / settings.whole - born), nodes: [node] }
    const [one, other] = [tree.left[join]!, tree.right[join]!]
    const [oneHolds, otherHolds] = [one, other].map((child) => tree.groups[child]! >= settings.least)
    const lasted = 1 / apart - born
    if (oneHolds !== otherHolds) {
      const [stays, falls] = oneHolds ? [one, other] : [other, one]
      stability += tree.size[falls]! * lasted
      at = stays
      continue
    }
    stability += tree.size[at]! * lasted
    if (!oneHolds) return { stability, nodes: [node] }
    const parts = [one, other].map((child) => select(tree, points, child, apart, settings))
    const inParts = parts.reduce((sum, part) => sum + part.stability, 0)
    return inParts > stability
      ? { stability: inParts, nodes: parts.flatMap((part) => part.nodes) }
      : { stability, nodes: [node] }
  }
}

function pointsBelow(tree: Dendrogram, points: number, node: number): number[] {
  const inside: number[] = []
  const open = [node]
  for (let at = open.pop(); at !== undefined; at = open.pop())
    if (at < points) inside.push(at)
    else open.push(tree.left[at - points]!, tree.right[at - points]!)
  return inside.sort((a, b) => a - b)
}
