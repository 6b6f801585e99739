/**
 * How a path bends, in cytoscape's terms (distances from the straight line and weights along it). It leaves and arrives
 * sideways, as work flows; between two of one column it swings out to the right. Pure.
 */
import type { Place } from './layout.ts'

export type Curve = { readonly bends: string; readonly weights: string }

/** px: nearer than this they stand in one column. */
const COLUMN = 60
const SWING = 46
/** px: of a pair that speaks both ways, each keeps to its side. */
const SIDE = 9

export function curve(from: Place, to: Place, isTwoWay: boolean, width: 'wide' | 'narrow'): Curve {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const length = Math.hypot(dx, dy)
  if (length < 1 || width === 'narrow') return { bends: isTwoWay ? '22' : '12', weights: '0.5' }
  const side = isTwoWay ? SIDE : 0
  const [first, second] =
    Math.abs(dx) < COLUMN
      ? [
          { x: from.x + SWING, y: from.y + dy * 0.25 },
          { x: to.x + SWING, y: to.y - dy * 0.25 },
        ]
      : [
          { x: from.x + dx / 2, y: from.y },
          { x: to.x - dx / 2, y: to.y },
        ]
  const points = [first, second].map(({ x, y }) => ({ x: x - from.x, y: y - from.y }))
  return {
    bends: points.map((p) => ((p.y * dx - p.x * dy) / length + side).toFixed(1)).join(' '),
    weights: points.map((p) => ((p.x * dx + p.y * dy) / length ** 2).toFixed(3)).join(' '),
  }
}
