/** Where places of the map are on the picture, what a region looks like, and who comes next on the way of an arrow key. */
import type { MapPlace, MapWorkload, PersonaMap } from '../../../../src/model/persona-map.ts'

export type Box = { readonly left: number; readonly top: number; readonly width: number; readonly height: number }
export type Plane = { x(place: MapPlace): number; y(place: MapPlace): number }
export type Way = 'left' | 'right' | 'up' | 'down'

/** Of the whole span, so that nothing lies on the edge. */
const MARGIN = 0.06

/** Both axes fill the box: what is far along the weaker one is as well seen. */
export function planeOf({ known, workloads, proposals }: PersonaMap, box: Box): Plane {
  const places = [
    ...known.flatMap(({ points }) => points),
    ...workloads.map(({ at }) => at),
    ...proposals.flatMap(({ hull }) => hull),
  ]
  const across = spanOf(places.map(([x]) => x))
  const up = spanOf(places.map(([, y]) => y))
  return {
    x: ([x]) => box.left + ((x - across.from) / across.length) * box.width,
    y: ([, y]) => box.top + box.height - ((y - up.from) / up.length) * box.height,
  }
}

function spanOf(values: readonly number[]): { readonly from: number; readonly length: number } {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  if (least > most) return { from: -1, length: 2 }
  const margin = Math.max(0.5, MARGIN * (most - least))
  return { from: least - margin, length: most - least + 2 * margin }
}

export type Ellipse = {
  readonly cx: number
  readonly cy: number
  readonly rx: number
  readonly ry: number
  readonly turn: number
}

/** Of two dimensions a normal cloud has three quarters within 1.67 standard deviations. */
const REACH = 1.67
const LEAST_RADIUS = 12

/** In pixels; `turn` in degrees. */
export function ellipseOf(points: readonly (readonly [number, number])[]): Ellipse {
  const n = Math.max(1, points.length)
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / n
  const [cx, cy] = [mean(([x]) => x), mean(([, y]) => y)]
  const a = mean(([x]) => (x - cx) ** 2)
  const b = mean(([x, y]) => (x - cx) * (y - cy))
  const c = mean(([, y]) => (y - cy) ** 2)
  // Eigenvalues of [[a, b], [b, c]].
  const [half, off] = [(a + c) / 2, Math.hypot((a - c) / 2, b)]
  const radius = (variance: number) => Math.max(LEAST_RADIUS, REACH * Math.sqrt(Math.max(0, variance)))
  const turn = (Math.atan2(2 * b, a - c) / 2) * (180 / Math.PI)
  return { cx, cy, rx: radius(half + off), ry: radius(half - off), turn }
}

export type Label = { readonly text: string; readonly x: number; readonly y: number }

/** Of small bold text, in pixels. */
const LETTER = 7
const LINE = 15

/** Names that would lie over another go below it, line by line, where the picture ends above it; the rest stays where it is. */
export function keptApart<L extends Label>(labels: readonly L[], height: number): readonly L[] {
  const set: L[] = []
  const isTaken = (x: number, y: number, text: string) =>
    set.some(
      (one) => Math.abs(one.y - y) < LINE && Math.abs(one.x - x) < (LETTER * (one.text.length + text.length)) / 2 + 4,
    )
  for (const label of [...labels].sort((a, b) => a.y - b.y || a.x - b.x)) {
    const { text, x, y } = label
    let at = y
    while (isTaken(x, at, text) && at < y + labels.length * LINE) at++
    if (at > height - 4) for (at = y; isTaken(x, at, text) && at > LINE; ) at--
    set.push({ ...label, y: at })
  }
  return set
}

/** Aside counts twice: the way is kept. */
const ASIDE = 2

/** The next one that way; the one there is where there is none. Nobody yet: the first. */
export function walk(all: readonly MapWorkload[], from: MapWorkload | undefined, way: Way): MapWorkload | undefined {
  if (from === undefined) return all[0]
  const sign = way === 'right' || way === 'up' ? 1 : -1
  const main = way === 'left' || way === 'right' ? 0 : 1
  let best = from
  let least = Number.POSITIVE_INFINITY
  for (const [i, one] of all.entries()) {
    const along = (one.at[main] - from.at[main]) * sign
    const aside = Math.abs(one.at[1 - main]! - from.at[1 - main]!)
    // Those at the very same place come one after the other.
    if (along < 0 || (along === 0 && (aside > 0 || i <= all.indexOf(from)))) continue
    const far = along + ASIDE * aside
    if (far < least) {
      least = far
      best = one
    }
  }
  return best
}
