/** Arrow keys on the map: to the nearest neighbour in that direction, else to the nearest thing there. */
import type { Place } from './layout.ts'

export type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight'
const AHEAD: Readonly<Record<Direction, (dx: number, dy: number) => readonly [ahead: number, aside: number]>> = {
  ArrowUp: (dx, dy) => [-dy, dx],
  ArrowDown: (dx, dy) => [dy, dx],
  ArrowLeft: (dx, dy) => [-dx, dy],
  ArrowRight: (dx, dy) => [dx, dy],
}
/** What lies to the side counts more than what lies ahead: a person looks along the arrow. */
const ASIDE = 2

export function walk(
  places: ReadonlyMap<string, Place>,
  neighbours: (id: string) => ReadonlySet<string>,
  from: string | null,
  direction: Direction,
): string | null {
  const start = from === null ? undefined : places.get(from)
  if (from === null || start === undefined) return firstOf(places)
  const near = neighbours(from)
  return (
    nearest(places, start, direction, (id) => id !== from && near.has(id)) ??
    nearest(places, start, direction, (id) => id !== from)
  )
}

/** Top left. */
function firstOf(places: ReadonlyMap<string, Place>): string | null {
  let best: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const [id, { x, y }] of places) {
    if (x + y >= least) continue
    best = id
    least = x + y
  }
  return best
}

function nearest(
  places: ReadonlyMap<string, Place>,
  start: Place,
  direction: Direction,
  fits: (id: string) => boolean,
): string | null {
  let best: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const [id, place] of places) {
    if (!fits(id)) continue
    const [ahead, aside] = AHEAD[direction](place.x - start.x, place.y - start.y)
    if (ahead <= 1) continue
    const far = ahead + ASIDE * Math.abs(aside)
    if (far < least || (far === least && (best === null || id < best))) {
      best = id
      least = far
    }
  }
  return best
}
