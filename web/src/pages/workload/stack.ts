/** Belief over time as bands: fixed order (worn at the bottom, then by mean, unknown, alarming on top), stacked once. */
import type { HistoryPoint } from '../../nouns.ts'
import { ALARMING } from '../../persona.ts'

export type Band = {
  readonly name: string
  /** lower and upper edge per point, 0 to 1; null where nothing is known */
  readonly edges: readonly (readonly [number, number] | null)[]
  readonly last: number
}

/** A persona that never has more than this is folded into "other". */
const FOLD_BELOW = 0.03
export const OTHER = 'other'

export function stackBelief(points: readonly HistoryPoint[], worn: string | null): Band[] {
  const sums = new Map<string, number>()
  const most = new Map<string, number>()
  for (const point of points) {
    for (const { persona, p } of point.belief?.personas ?? []) {
      sums.set(persona, (sums.get(persona) ?? 0) + p)
      most.set(persona, Math.max(most.get(persona) ?? 0, p))
    }
  }
  const shown = [...sums.keys()].filter((name) => most.get(name)! >= FOLD_BELOW)
  const calm = shown.filter((name) => !ALARMING.has(name))
  calm.sort((a, b) => Number(b === worn) - Number(a === worn) || sums.get(b)! - sums.get(a)!)
  const alarming = shown.filter((name) => ALARMING.has(name)).sort((a, b) => sums.get(a)! - sums.get(b)!)
  const folded = sums.size > shown.length ? [OTHER] : []
  const order = [...calm, ...folded, 'unknown', ...alarming]

  const bands = order.map((name) => ({ name, edges: [] as ([number, number] | null)[], last: 0 }))
  for (const point of points) {
    const { belief } = point
    let from = 0
    for (const band of bands) {
      if (belief === null) {
        band.edges.push(null)
        continue
      }
      const p = shareOf(band.name, belief, shown)
      band.edges.push([from, Math.min(1, from + p)])
      from = Math.min(1, from + p)
      band.last = p
    }
  }
  return bands
}

function shareOf(name: string, belief: NonNullable<HistoryPoint['belief']>, shown: readonly string[]): number {
  if (name === 'unknown') return belief.unknown
  const only = (wanted: (persona: string) => boolean) =>
    belief.personas.reduce((sum, one) => sum + (wanted(one.persona) ? one.p : 0), 0)
  return name === OTHER ? only((persona) => !shown.includes(persona)) : only((persona) => persona === name)
}

/** First and last index of each run of neighbouring points: a missing stretch stays a gap. */
export function runs(points: readonly HistoryPoint[]): [number, number][] {
  const step = medianStep(points)
  const found: [number, number][] = []
  for (let i = 0; i < points.length; i++) {
    const run = found.at(-1)
    if (run !== undefined && points[i]!.at - points[i - 1]!.at <= step * 3.5) run[1] = i
    else found.push([i, i])
  }
  return found
}

function medianStep(points: readonly HistoryPoint[]): number {
  const steps = points.slice(1).map((point, i) => point.at - points[i]!.at)
  steps.sort((a, b) => a - b)
  return steps[steps.length >> 1] ?? 30_000
}

/** Moves labels apart so that none is closer than `gap`, keeping their order and staying inside. */
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const placed = [...wanted]
  for (let i = 1; i < placed.length; i++) placed[i] = Math.max(placed[i]!, placed[i - 1]! + gap)
  for (let i = placed.length - 1; i >= 0; i--) {
    const limit = i === placed.length - 1 ? high : placed[i + 1]! - gap
    placed[i] = Math.max(low, Math.min(placed[i]!, limit))
  }
  return placed
}

const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880] as const
/** Round local times, at most `most` of them, none too near the right edge where "now" stands. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const zone = new Date(to).getTimezoneOffset() * 60_000
  const step = (STEPS_MIN.find((m) => (to - from) / (m * 60_000) <= most) ?? 2_880) * 60_000
  const ticks: number[] = []
  for (let at = Math.ceil((from - zone) / step) * step + zone; at < to - step * 0.4; at += step) ticks.push(at)
  return ticks
}
