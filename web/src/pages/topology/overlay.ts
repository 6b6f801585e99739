/**
 * What cytoscape's nodes cannot hold: letters inside beside the name below, the arc of risk, the hatch of unknown, the heads
 * of fields. One canvas over the map, drawn in the same frame as it.
 */
import type { Core } from 'cytoscape'
import { riskLevel } from '../../persona.ts'
import type { Colors } from './colors.ts'
import type { DrawnNode } from './elements.ts'
import type { Field } from './layout.ts'

export type Drawn = {
  readonly nodes: ReadonlyMap<string, DrawnNode>
  readonly fields: readonly (Field & { readonly name: string; readonly right: string })[]
}

const FONT = 'Inter, system-ui, sans-serif'
/** Below this a letter is a speck. */
const SMALLEST_PX = 7
const HEAD_PX = 10

export function paintOverlay(canvas: HTMLCanvasElement, cy: Core, drawn: Drawn, colors: Colors): void {
  const ratio = devicePixelRatio
  const [width, height] = [cy.width(), cy.height()]
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(height * ratio)
  }
  const ctx = canvas.getContext('2d')
  if (ctx === null) return
  const zoom = cy.zoom()
  const pan = cy.pan()
  ctx.setTransform(ratio * zoom, 0, 0, ratio * zoom, ratio * pan.x, ratio * pan.y)
  ctx.clearRect(-pan.x / zoom, -pan.y / zoom, width / zoom, height / zoom)
  ctx.textBaseline = 'middle'
  for (const field of drawn.fields) paintHead(ctx, field, zoom, colors)
  for (const node of cy.nodes()) {
    const look = drawn.nodes.get(node.id())
    if (look === undefined) continue
    const { x, y } = node.position()
    ctx.globalAlpha = node.hasClass('dim') ? 0.28 : 1
    paintNode(ctx, look, x, y, zoom, colors)
  }
  ctx.globalAlpha = 1
}

function paintHead(ctx: CanvasRenderingContext2D, field: Drawn['fields'][number], zoom: number, colors: Colors): void {
  const y = field.y + 17
  // names of segments stay readable however far away; letters inside nodes do not
  const size = Math.max(12, Math.min(26, HEAD_PX / zoom))
  ctx.font = `600 ${size}px ${FONT}`
  ctx.textAlign = 'right'
  ctx.fillStyle = colors['ink-2']
  const count = ctx.measureText(field.right).width
  ctx.fillText(field.right, field.x + field.width - 12, y)
  ctx.textAlign = 'left'
  ctx.fillStyle = colors.ink
  ctx.fillText(cut(ctx, field.name, field.width - 36 - count), field.x + 12, y)
}

function cut(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text
  let end = text.length
  while (end > 1 && ctx.measureText(`${text.slice(0, end)}…`).width > width) end--
  return `${text.slice(0, end)}…`
}

function paintNode(
  ctx: CanvasRenderingContext2D,
  look: DrawnNode,
  x: number,
  y: number,
  zoom: number,
  colors: Colors,
): void {
  const radius = look.size / 2
  if (look.isUnknown) hatch(ctx, x, y, radius - 1.5, colors.unknown)
  if (look.arc > 0) {
    ctx.beginPath()
    ctx.strokeStyle = colors.of(`var(--risk-${Math.max(2, riskLevel(look.arc))})`)
    if (riskLevel(look.arc) < 2) ctx.strokeStyle = colors['ink-3']
    ctx.lineWidth = 3.5
    ctx.lineCap = 'round'
    ctx.arc(x, y, radius + 5, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * Math.min(0.999, look.arc))
    ctx.stroke()
  }
  if (look.inside === '' || 11 * zoom < SMALLEST_PX) return
  const isLong = look.inside.length > 3
  ctx.font = `600 ${look.size > 40 && !isLong ? 13 : isLong ? 9 : look.isSquare ? 9 : 11}px ${FONT}`
  ctx.textAlign = 'center'
  if (look.isUnknown) {
    ctx.lineWidth = 4
    ctx.strokeStyle = colors.surface
    ctx.lineJoin = 'round'
    ctx.strokeText(look.inside, x, y + 0.5)
  }
  ctx.fillStyle = colors.ink
  ctx.fillText(look.inside, x, y + 0.5)
}

/** 45°, 4 px apart: the sign of unknown everywhere. */
function hatch(ctx: CanvasRenderingContext2D, x: number, y: number, radius: number, color: string): void {
  ctx.save()
  ctx.beginPath()
  ctx.arc(x, y, radius, 0, 2 * Math.PI)
  ctx.clip()
  ctx.beginPath()
  ctx.strokeStyle = color
  ctx.lineWidth = 1
  for (let d = -2 * radius; d <= 2 * radius; d += 4) {
    ctx.moveTo(x + d - radius, y + radius)
    ctx.lineTo(x + d + radius, y - radius)
  }
  ctx.stroke()
  ctx.restore()
}
