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

const CELL = { width: 98, height: 84 } as const
const HEAD = 34
const PADDING = 10
const GAP = { x: 24, y: 18 } as const
/** Fields of one column grow in width above this many rows. */
const ROWS = 5

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
  const places = new Map<string, Place>()
  const slots = new Map<string, number>()
  const fields: Field[] = []
  let x = 0
  let y = 0
  let height = 0
  for (const group of columns(segments)) {
    if (width === 'wide') y = 0
    let right = 0
    const sized = group.map((segment) => sizeOf(segment.id, nodes, width))
    const across = Math.max(...sized.map((one) => one.across))
    for (const { id, members } of sized) {
      const rows = Math.max(1, Math.ceil(members.length / across))
      const field = {
        id,
        x: width === 'wide' ? x : 0,
        y,
        width: across * CELL.width + 2 * PADDING,
        height: HEAD + rows * CELL.height + PADDING,
      }
      fields.push(field)
      for (const [node, slot] of assign(members, before, rows * across)) {
        slots.set(node, slot)
        places.set(
          node,
          pins.get(node) ?? {
            x: field.x + PADDING + ((slot % across) + 0.5) * CELL.width,
            y: field.y + HEAD + (Math.floor(slot / across) + 0.42) * CELL.height,
          },
        )
      }
      right = Math.max(right, field.width)
      y += field.height + GAP.y
      height = Math.max(height, y - GAP.y)
    }
    if (width === 'wide') x += right + GAP.x
  }
  const most = fields.reduce((far, field) => Math.max(far, field.x + field.width), 0)
  return { places, fields: stretch(fields, width), slots, width: most, height }
}

/** Fields of one column are as wide as its widest. */
function stretch(fields: readonly Field[], width: 'wide' | 'narrow'): Field[] {
  const widest = new Map<number, number>()
  for (const field of fields) widest.set(field.x, Math.max(widest.get(field.x) ?? 0, field.width))
  return fields.map((field) => (width === 'wide' ? { ...field, width: widest.get(field.x)! } : field))
}

function columns(segments: readonly TopologySegment[]): TopologySegment[][] {
  const found = new Map<number, TopologySegment[]>()
  for (const segment of [...segments].sort((a, b) => a.column - b.column || (a.id < b.id ? -1 : 1)))
    found.set(segment.column, [...(found.get(segment.column) ?? []), segment])
  return [...found.values()]
}

function sizeOf(id: string, nodes: readonly TopologyNode[], width: 'wide' | 'narrow') {
  const members = nodes.filter((node) => node.segment === id)
  const n = members.length
  const wide = n <= 2 ? 1 : n <= ROWS * 2 ? 2 : Math.ceil(Math.sqrt(n * 0.9))
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
