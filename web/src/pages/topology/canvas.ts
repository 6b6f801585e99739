/**
 * The map in a browser: cytoscape for places, panning and hits, the overlay for what its nodes cannot hold. In: what to draw.
 * Out: what a person chose. Nothing that is drawn moves by itself: newcomers that find no free slot wait to be asked in.
 */
import cytoscape, { type Core, type EventObject } from 'cytoscape'
import type { Topology, TopologyLens } from '../../../../src/model/topology.ts'
import { type Colors, onTheme, readColors } from './colors.ts'
import { curve } from './curve.ts'
import { drawEdges, drawNodes, type Words } from './elements.ts'
import { dropPins, keepPin, keepSlots, readPins, readSlots } from './kept.ts'
import { type Layout, layOut, type Place } from './layout.ts'
import { type Drawn, paintOverlay } from './overlay.ts'
import { mapStyle } from './style.ts'
import { type Direction, walk } from './walk.ts'

export type MapView = {
  /** What the places are kept under: zoom, segment and width. */
  readonly scope: string
  readonly topology: Topology
  readonly lens: TopologyLens
  readonly selected: string
  readonly width: 'wide' | 'narrow'
}
export type MapEvents = {
  readonly onSelect: (id: string) => void
  readonly onEnter: (segment: string) => void
  /** Newcomers that would move others, and whether anything is pinned. */
  readonly onPlaced: (placed: { readonly waiting: number; readonly pinned: number }) => void
}
export type MapCanvas = {
  readonly show: (view: MapView) => void
  readonly step: (from: string, direction: Direction) => string | null
  /** Moves a node by so many px, and pins it there. */
  readonly nudge: (id: string, dx: number, dy: number) => void
  readonly zoomBy: (factor: number) => void
  readonly fit: () => void
  readonly rearrange: () => void
  readonly unpin: () => void
  readonly close: () => void
}

const FIT_PX = 16
/** px; a map is as high as it needs to be read, within what a screen shows. */
const HEIGHT = { least: 380, most: 780 } as const
const NARROW_HEIGHT = { least: 300, most: 2_400 } as const
const MOST_ZOOM = 1.25
const FIELD = 'field '
/** Edges added per frame. */
const SLICE = 150

export function createMap(box: HTMLElement, overlay: HTMLCanvasElement, words: Words, events: MapEvents): MapCanvas {
  let colors = readColors(box)
  const cy = cytoscape({
    container: box,
    style: mapStyle(colors),
    minZoom: 0.15,
    maxZoom: 2.5,
    userZoomingEnabled: false,
    boxSelectionEnabled: false,
    selectionType: 'single',
    autounselectify: true,
    hideEdgesOnViewport: false,
    textureOnViewport: false,
  })
  let view: MapView | null = null
  let layout: Layout | null = null
  let drawn: Drawn = { nodes: new Map(), fields: [] }
  let moved = false
  const paint = () => paintOverlay(overlay, cy, drawn, colors)
  cy.on('render', paint)

  const show = (next: MapView) => {
    const isNewScope = view === null || view.scope !== next.scope
    const placed = place(next, isNewScope ? null : layout)
    layout = placed.layout
    view = next
    drawn = drawAll(cy, next, placed.layout, colors, words, () => select(cy, view?.selected ?? ''))
    select(cy, next.selected)
    events.onPlaced({ waiting: placed.waiting, pinned: readPins(next.scope).size })
    if (isNewScope) moved = false
    if (!moved) {
      setHeight(box, placed.layout, next.width)
      cy.resize()
      fit(cy)
    }
  }
  const again = () => view !== null && show(view)
  const stopTheme = onTheme(() => {
    colors = readColors(box)
    cy.style(mapStyle(colors))
    again()
  })
  const watch = new ResizeObserver(() => {
    cy.resize()
    if (!moved) fit(cy)
  })
  watch.observe(box)
  listen(
    cy,
    () => view,
    events,
    () => {
      moved = true
    },
  )
  return {
    show,
    step: (from, direction) => {
      if (layout === null) return null
      const near = cy.getElementById(from).neighborhood('node')
      return walk(layout.places, () => new Set(near.map((node) => node.id())), from === '' ? null : from, direction)
    },
    nudge: (id, dx, dy) => {
      const node = cy.getElementById(id)
      if (view === null || node.empty() || !node.isNode()) return
      const { x, y } = node.position()
      keepPin(view.scope, id, { x: x + dx, y: y + dy })
      layout = null
      again()
    },
    zoomBy: (factor) => {
      moved = true
      cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } })
    },
    fit: () => {
      moved = false
      fit(cy)
    },
    rearrange: () => {
      layout = null
      again()
    },
    unpin: () => {
      if (view !== null) dropPins(view.scope)
      layout = null
      again()
    },
    close: () => {
      stopTheme()
      watch.disconnect()
      cy.destroy()
    },
  }
}

/** Of the same scope, what stands stays: when a newcomer would move somebody, it waits. */
function place(view: MapView, held: Layout | null): { readonly layout: Layout; readonly waiting: number } {
  const { topology, scope, width } = view
  const slots = held?.slots.size ? held.slots : readSlots(scope)
  const pins = readPins(scope)
  const next = layOut({ segments: topology.segments, nodes: topology.nodes, slots, pins, width })
  if (held === null || !movesAnybody(held.places, next.places)) {
    keepSlots(scope, next.slots)
    return { layout: next, waiting: 0 }
  }
  return { layout: held, waiting: topology.nodes.filter((node) => !held.places.has(node.id)).length }
}

function movesAnybody(before: ReadonlyMap<string, Place>, after: ReadonlyMap<string, Place>): boolean {
  return [...after].some(([id, { x, y }]) => {
    const stood = before.get(id)
    return stood !== undefined && (stood.x !== x || stood.y !== y)
  })
}

function drawAll(
  cy: Core,
  { topology, lens, width }: MapView,
  layout: Layout,
  colors: Colors,
  words: Words,
  onAdded: () => void,
): Drawn {
  const nodes = drawNodes(topology, lens, words).filter((node) => layout.places.has(node.id))
  const edges = drawEdges(topology, lens, words).filter(
    (edge) => layout.places.has(edge.from) && layout.places.has(edge.to),
  )
  const segments = new Map(topology.segments.map((segment) => [segment.id, segment]))
  const wanted = new Map<string, cytoscape.ElementDefinition>()
  for (const field of layout.fields) {
    const risk = segments.get(field.id)?.risk ?? 0
    wanted.set(FIELD + field.id, {
      group: 'nodes',
      data: { id: FIELD + field.id, width: field.width, height: field.height, label: '', size: 0, ring: '' },
      position: { x: field.x + field.width / 2, y: field.y + field.height / 2 },
      classes: lens === 'risk' && risk >= 0.6 ? 'field at-risk' : 'field',
      grabbable: false,
    })
  }
  for (const { id, label, size, ring, classes } of nodes)
    wanted.set(id, {
      group: 'nodes',
      data: { id, label, size, ring: colors.of(ring) },
      position: { ...layout.places.get(id)! },
      classes,
      grabbable: width === 'wide',
    })
  for (const { id, from, to, width: thick, isTwoWay, mark, label } of edges)
    wanted.set(id, {
      group: 'edges',
      data: {
        id,
        source: from,
        target: to,
        width: mark === null ? thick : Math.max(1.6, thick),
        ...curve(layout.places.get(from)!, layout.places.get(to)!, isTwoWay, width),
        // a small screen has no room for words between nodes: the legend names the line
        label: width === 'narrow' ? '' : label,
      },
      // under a lens that looks for something, what is as usual steps back
      classes: mark ?? (lens === 'traffic' ? '' : 'plain'),
    })
  cy.batch(() => {
    cy.elements().forEach((element) => {
      if (!wanted.has(element.id())) element.remove()
    })
    const fresh: cytoscape.ElementDefinition[] = []
    for (const [id, element] of wanted) {
      const there = cy.getElementById(id)
      if (there.empty()) {
        fresh.push(element)
        continue
      }
      there.data(element.data)
      there.classes(element.classes ?? '')
      if (element.position !== undefined) there.position(element.position)
    }
    const [nodesFirst, edgesAfter] = [
      fresh.filter((one) => one.group === 'nodes'),
      fresh.filter((one) => one.group === 'edges'),
    ]
    cy.add([...nodesFirst, ...edgesAfter.slice(0, SLICE)])
    addLater(cy, edgesAfter.slice(SLICE), onAdded)
  })
  return {
    nodes: new Map(nodes.map((node) => [node.id, node])),
    fields: layout.fields.map((field) => {
      const segment = segments.get(field.id)
      return { ...field, name: segment?.name ?? field.id, right: segment?.workloads ? String(segment.workloads) : '' }
    }),
  }
}

/** The rest a slice a frame, so that nobody waits for all of it; what is not wanted any more by then is left out. */
function addLater(cy: Core, edges: readonly cytoscape.ElementDefinition[], onAdded: () => void): void {
  waiting.set(cy, edges)
  if (edges.length === 0) return
  requestAnimationFrame(() => {
    if (waiting.get(cy) !== edges || cy.destroyed()) return
    cy.add(edges.slice(0, SLICE).map((edge) => ({ ...edge })))
    onAdded()
    addLater(cy, edges.slice(SLICE), onAdded)
  })
}
const waiting = new WeakMap<Core, readonly cytoscape.ElementDefinition[]>()

function select(cy: Core, id: string): void {
  cy.batch(() => {
    cy.elements().removeClass('dim chosen')
    const chosen = cy.getElementById(id.startsWith('s:') && cy.getElementById(id).empty() ? FIELD + id.slice(2) : id)
    if (chosen.empty()) return
    chosen.addClass('chosen')
    if (chosen.hasClass('field')) return
    const near = id.includes('>')
      ? cy
          .edges()
          .filter((edge) => edge.id() === id)
          .connectedNodes()
          .union(chosen)
      : chosen.closedNeighborhood()
    cy.elements().not(near).not('.field').addClass('dim')
  })
}

/** At full size when the width allows it; the frame around the canvas is what has the height. */
function setHeight(box: HTMLElement, layout: Layout, width: 'wide' | 'narrow'): void {
  const frame = box.parentElement
  if (frame === null || frame.closest('.minimap') !== null) return
  const room = frame.clientWidth - 2 * FIT_PX
  const scale = Math.min(1, room / Math.max(1, layout.width))
  const { least, most } = width === 'narrow' ? NARROW_HEIGHT : HEIGHT
  frame.style.height = `${Math.round(Math.min(most, Math.max(least, layout.height * scale + 2 * FIT_PX)))}px`
}

function fit(cy: Core): void {
  if (cy.elements().empty() || cy.width() === 0) return
  cy.fit(undefined, FIT_PX)
  if (cy.zoom() > MOST_ZOOM) {
    cy.zoom(MOST_ZOOM)
    cy.center()
  }
}

function listen(cy: Core, view: () => MapView | null, events: MapEvents, onMoved: () => void): void {
  const idOf = ({ target }: EventObject) => {
    if (target === cy) return ''
    const id = target.id() as string
    return id.startsWith(FIELD) ? `s:${id.slice(FIELD.length)}` : id
  }
  cy.on('tap', (event) => events.onSelect(idOf(event)))
  cy.on('dbltap', 'node', (event) => {
    const node = view()?.topology.nodes.find((one) => one.id === event.target.id())
    const segment = node?.segment ?? idOf(event).slice(2)
    events.onEnter(segment)
  })
  cy.on('dragfree', 'node', (event) => {
    const scope = view()?.scope
    if (scope !== undefined) keepPin(scope, event.target.id() as string, { ...event.target.position() })
  })
  cy.on('dragpan', onMoved)
  cy.container()?.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      onMoved()
      const { left, top } = cy.container()!.getBoundingClientRect()
      cy.zoom({
        level: cy.zoom() * Math.exp(-event.deltaY / 300),
        renderedPosition: { x: event.clientX - left, y: event.clientY - top },
      })
    },
    { passive: false },
  )
}
