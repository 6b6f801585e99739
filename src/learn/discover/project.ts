/**
 * Windows' vectors come in, places on a plane go out: the two directions in which the model's prototypes differ most
 * (principal components, Pearson 1901), in its own robust units. Of the prototypes alone: axes stay as windows come and go.
 */
import type { MapAxis, MapPlace } from '../../model/persona-map.ts'
import { FEATURE_WORDS } from '../feature-words.ts'
import { FEATURES } from '../features.ts'
import type { Novelty } from '../novelty.ts'

export type Projection = {
  readonly scale: Float64Array
  /** Of each feature, over the prototypes that know it. */
  readonly middle: Float64Array
  /** Of length one, at a right angle. */
  readonly directions: readonly [Float64Array, Float64Array]
  /** Of all the variance. */
  readonly shares: readonly [number, number]
}

/** Half of that for novelty: shares that are nothing or all would be the whole plane. */
const CAP = 2
/** Directions that hardly differ in variance turn slowly into place; the plane they span is right long before. */
const MOST_STEPS = 500
const STILL = 1e-12
const MOST_WORDS = 3
/** Beside the strongest: less is not what the axis is about. */
const TELLING = 0.4

export function projectionOf({ scale, prototypes }: Pick<Novelty, 'scale' | 'prototypes'>): Projection {
  const width = scale.length
  const rows = Array.from({ length: prototypes.length / width }, (_, i) =>
    prototypes.subarray(i * width, (i + 1) * width),
  )
  const middle = Float64Array.from(scale, (_, f) => meanOf(rows.map((row) => row[f]!)))
  const spread = covariance(
    rows.map((row) => unitsFrom(row, scale, middle)),
    width,
  )
  const total = sum(Float64Array.from(scale, (_, f) => spread[f * width + f]!))
  const first = strongest(spread, width, null)
  const second = strongest(spread, width, first.direction)
  const share = (variance: number) => (total > 0 ? Math.max(0, variance / total) : 0)
  return {
    ...{ scale, middle },
    directions: [first.direction, second.direction],
    shares: [share(first.variance), share(second.variance)],
  }
}

/** What is not known of it is taken as the middle: it moves the place neither way. */
export function placeOf({ scale, middle, directions }: Projection, x: Float64Array): MapPlace {
  const units = unitsFrom(x, scale, middle)
  return [dot(directions[0], units), dot(directions[1], units)]
}

export function meanPlace(places: readonly MapPlace[]): MapPlace {
  const count = Math.max(1, places.length)
  return [sum(places.map(([x]) => x)) / count, sum(places.map(([, y]) => y)) / count]
}

/** The features that lean on it most, in words. */
export function axesOf({ directions, shares }: Projection): readonly [MapAxis, MapAxis] {
  return [axisOf(directions[0], shares[0]), axisOf(directions[1], shares[1])]
}

function axisOf(direction: Float64Array, share: number): MapAxis {
  const least = TELLING * Math.max(...direction.map(Math.abs))
  const said = FEATURES.map(({ name }, f) => ({ words: FEATURE_WORDS[name]!.moreOf, loading: direction[f] ?? 0 }))
    .filter(({ loading }) => Math.abs(loading) > Math.max(least, STILL))
    .sort((a, b) => Math.abs(b.loading) - Math.abs(a.loading))
  const side = (sign: number) => [
    ...new Set(said.filter(({ loading }) => loading * sign > 0).map(({ words }) => words)),
  ]
  return { more: side(1).slice(0, MOST_WORDS), less: side(-1).slice(0, MOST_WORDS), share }
}

/** Convex hull by Andrew's monotone chain (1979): counter-clockwise, without points on its edges. */
export function hullOf(places: readonly MapPlace[]): readonly MapPlace[] {
  const sorted = places.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])
  const distinct = sorted.filter((one, i) => i === 0 || one[0] !== sorted[i - 1]![0] || one[1] !== sorted[i - 1]![1])
  if (distinct.length < 3) return distinct
  const chain = (order: readonly MapPlace[]) => {
    const kept: MapPlace[] = []
    for (const next of order) {
      while (kept.length >= 2 && turn(kept.at(-2)!, kept.at(-1)!, next) <= 0) kept.pop()
      kept.push(next)
    }
    return kept.slice(0, -1)
  }
  return [...chain(distinct), ...chain(distinct.toReversed())]
}

const turn = (a: MapPlace, b: MapPlace, c: MapPlace) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

function unitsFrom(x: Float64Array, scale: Float64Array, middle: Float64Array): Float64Array {
  return scale.map((unit, f) => {
    const off = (x[f]! - middle[f]!) / unit
    return Number.isNaN(off) ? 0 : Math.min(CAP, Math.max(-CAP, off))
  })
}

function covariance(rows: readonly Float64Array[], width: number): Float64Array {
  const spread = new Float64Array(width * width)
  for (const row of rows)
    for (let i = 0; i < width; i++)
      for (let j = 0; j < width; j++) spread[i * width + j]! += (row[i]! * row[j]!) / rows.length
  return spread
}

/** Power iteration at a right angle to `below`; its strongest feature points up, so that the sign is always the same. */
function strongest(spread: Float64Array, width: number, below: Float64Array | null) {
  let direction = normal(
    Float64Array.from({ length: width }, (_, f) => 1 / (f + 1)),
    below,
  )
  for (let step = 0; step < MOST_STEPS; step++) {
    const next = normal(times(spread, direction), below)
    const moved = 1 - Math.abs(dot(next, direction))
    direction = next
    if (moved < STILL) break
  }
  const top = direction.reduce((best, v, f) => (Math.abs(v) > Math.abs(direction[best]!) + 1e-9 ? f : best), 0)
  if (direction[top]! < 0) direction = direction.map((v) => -v)
  return { direction, variance: dot(times(spread, direction), direction) }
}

/** All zeros where nothing is left of it. */
function normal(v: Float64Array, below: Float64Array | null): Float64Array {
  const along = below === null ? 0 : dot(v, below)
  const own = below === null ? v : v.map((value, f) => value - along * below[f]!)
  const length = Math.sqrt(dot(own, own))
  return own.map((value) => (length > STILL ? value / length : 0))
}

function times(matrix: Float64Array, v: Float64Array): Float64Array {
  return v.map((_, i) => dot(matrix.subarray(i * v.length, (i + 1) * v.length), v))
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!
  return total
}

function meanOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.length === 0 ? 0 : sum(known) / known.length
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
