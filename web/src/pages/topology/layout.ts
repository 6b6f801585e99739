/**
 * Where everything stands. In: segments and nodes, the slots that nodes had before, which ones a person pinned, how wide it
 * is. Out: places. No chance, no force, no clock: the same things stand at the same places, on every screen of that width.
 * A segment is a field with a grid of slots; a node keeps its slot while it and the grid last, newcomers take the first free
 * one, so nothing moves because something else came.
 */
import type { TopologyNode, TopologySegment } from '../../../../src/model/topology.ts'

export type Place = { readonly x: number; readonly y: number }
export type Field = {
  readonly id: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}
export type Layout = {
  /** Centre of each node. */
  readonly places: ReadonlyMap<string, Place>
  /** Fields of segments, top left corner and size; none when segments are nodes. */
  readonly fields: readonly Field[]
  /** To be handed in again: which slot each node has. */
  readonly slots: ReadonlyMap<string, number>
  readonly width: number
  readonly height: number
}

const CELL = { width: 98, height: 70 } as const
const HEAD = 34
const PADDING = 10
const GAP = { x: 24, y: 18 } as const
/** Fields of one column grow in width above this many rows. */
const ROWS = 5
/** Every second one of a row stands lower: paths leave sideways, and would else go through their neighbours. */
const STAGGER = 0.5
/** A field gives its slots at most so much more room when another column is higher. */
const MOST_STRETCH = 1.5

export function layOut(input: {
  readonly segments: readonly TopologySegment[]
  readonly nodes: readonly TopologyNode[]
  readonly slots: ReadonlyMap<string, number>
  readonly pins: ReadonlyMap<string, Place>
  readonly width: 'wide' | 'narrow'
}): Layout {
  const isFlat = input.nodes.every((node) => node.kind === 'segment' || node.kind === 'outside')
  return isFlat ? layOutSegments(input) : layOutFields(input)
}

type Input = Parameters<typeof layOut>[0]

/** Segments as nodes: a column each in the order of flow, every second one lower, so that names have room. */
function layOutSegments({ segments, nodes, pins, width }: Input): Layout {
  const [pitch, drop] = width === 'narrow' ? [{ x: 66, y: 118 }, 59] : [{ x: 178, y: 128 }, 46]
  const places = new Map<string, Place>()
  let column = 0
  let most = 0
  for (const group of columns(segments)) {
    const ids = new Set(group.map((segment) => segment.id))
    const inside = nodes
      .filter((node) => ids.has(node.segment))
      .sort((a, b) => byRank(a) - byRank(b) || (a.id < b.id ? -1 : 1))
    for (const [row, node] of inside.entries())
      places.set(node.id, pins.get(node.id) ?? { x: column * pitch.x, y: row * pitch.y + (column % 2) * drop })
    most = Math.max(most, inside.length * pitch.y + drop)
    column++
  }
  return { places, fields: [], slots: new Map(), width: Math.max(1, column) * pitch.x, height: most }
}

function layOutFields({ segments, nodes, slots: before, pins, width }: Input): Layout {
  const groups = columns(segments).map((group) => sizeColumn(group, nodes, width))
  const highest = Math.max(0, ...groups.map(heightOf))
  const places = new Map<string, Place>()
  const slots = new Map<string, number>()
  const fields: Field[] = []
  let x = 0
  let y = 0
  let height = 0
  for (const group of groups) {
    if (width === 'wide') y = 0
    const across = Math.max(...group.map((one) => one.across))
    const size = across * CELL.width + 2 * PADDING
    const free = width === 'wide' ? highest - heightOf(group) : 0
    const rows = group.reduce((sum, one) => sum + one.rows, 0)
    for (const { id, members, rows: own } of group) {
      const room = (free * own) / rows
      const cell = CELL.height + Math.min(room / own, CELL.height * (MOST_STRETCH - 1))
      const field = { id, x: width === 'wide' ? x : 0, y, width: size, height: fieldHeight(own) + room }
      fields.push(field)
      const top = field.y + HEAD + (field.height - HEAD - PADDING - own * cell) / 2
      for (const [node, slot] of assign(members, before, Math.ceil(members.length / across) * across)) {
        const low = across > 1 && members.length > 1 ? (slot % across) % 2 : 0
        const row = Math.floor(slot / across) + low * STAGGER + 0.42
        slots.set(node, slot)
        places.set(
          node,
          pins.get(node) ?? { x: field.x + PADDING + ((slot % across) + 0.5) * CELL.width, y: top + row * cell },
        )
      }
      y += field.height + GAP.y
      height = Math.max(height, y - GAP.y)
    }
    if (width === 'wide') x += size + GAP.x
  }
  const most = fields.reduce((far, field) => Math.max(far, field.x + field.width), 0)
  return { places, fields, slots, width: most, height }
}

type Sized = {
  readonly id: string
  readonly members: readonly TopologyNode[]
  readonly across: number
  /** Of slots, with the half row by which every second one stands lower. */
  readonly rows: number
}

function sizeColumn(
  group: readonly TopologySegment[],
  nodes: readonly TopologyNode[],
  width: 'wide' | 'narrow',
): readonly Sized[] {
  const sized = group.map((segment) => sizeOf(segment.id, nodes, width))
  const across = Math.max(...sized.map((one) => one.across))
  return sized.map(({ id, members }) => {
    const rows = Math.max(1, Math.ceil(members.length / across))
    return { id, members, across, rows: rows + (across > 1 && members.length > 1 ? STAGGER : 0) }
  })
}

const fieldHeight = (rows: number) => HEAD + rows * CELL.height + PADDING
const heightOf = (group: readonly Sized[]) =>
  group.reduce((sum, { rows }) => sum + fieldHeight(rows) + GAP.y, 0) - GAP.y

function columns(segments: readonly TopologySegment[]): TopologySegment[][] {
  const found = new Map<number, TopologySegment[]>()
  for (const segment of [...segments].sort((a, b) => a.column - b.column || (a.id < b.id ? -1 : 1)))
    found.set(segment.column, [...(found.get(segment.column) ?? []), segment])
  return [...found.values()]
}

function sizeOf(id: string, nodes: readonly TopologyNode[], width: 'wide' | 'narrow') {
  const members = nodes.filter((node) => node.segment === id)
  const n = members.length
  // What is outside is where paths end: one below the other, none is in the way of the next.
  const isOutside = members.every((node) => node.kind === 'outside')
  const wide = n <= (isOutside ? ROWS + 2 : 2) ? 1 : n <= ROWS * 2 ? 2 : Math.ceil(Math.sqrt(n * 0.9))
  return { id, members, across: width === 'narrow' ? 3 : wide }
}

const KINDS = ['segment', 'workload', 'persona', 'outside'] as const
const byRank = (node: TopologyNode) => KINDS.indexOf(node.kind) * 2 + (node.rest ? 1 : 0)

/** Those who had a slot keep it; the others take what is free, in an order that rests on what they are. */
function assign(
  members: readonly TopologyNode[],
  before: ReadonlyMap<string, number>,
  room: number,
): Map<string, number> {
  const ordered = [...members].sort(
    (a, b) =>
      (a.persona ?? '~').localeCompare(b.persona ?? '~') ||
      byRank(a) - byRank(b) ||
      a.name.localeCompare(b.name, 'en', { numeric: true }) ||
      (a.id < b.id ? -1 : 1),
  )
  const taken = new Map<number, string>()
  for (const { id } of ordered) {
    const slot = before.get(id)
    if (slot !== undefined && slot < room && !taken.has(slot)) taken.set(slot, id)
  }
  const held = new Set(taken.values())
  let free = 0
  for (const { id } of ordered) {
    if (held.has(id)) continue
    while (taken.has(free)) free++
    taken.set(free, id)
  }
  return new Map([...taken].map(([slot, id]) => [id, slot]))
}
