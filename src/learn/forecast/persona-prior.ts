/**
 * What the other members of a persona did comes in, step by step; their usual day comes out, as a cold start leans on it.
 * Each member's day is taken relative to its own level, so that a busy one does not speak for all.
 */
import type { Prior } from './cold-start.ts'

export type MemberStep = { readonly workload: string; readonly at: number; readonly value: number }

/** A member seen for less of a day than this says nothing of a day. */
const LEAST_DAY = 0.75
/** Own steps that weigh as much as how far members differ in level. */
const LEVEL_STEPS = 4

type Member = { readonly level: number; readonly steps: readonly { phase: number; relative: number }[] }

/** `start` is the first step of the series that will lean on it, `known` how much of that is known. Null = nobody to lean on. */
export function priorOf(
  rows: readonly MemberStep[],
  stepMs: number,
  season: number,
  start: number,
  known: number,
): Prior | null {
  const members = [...Map.groupBy(rows, ({ workload }) => workload).values()].flatMap((own) =>
    memberOf(own, stepMs, season),
  )
  if (members.length === 0) return null
  const [sum, count] = [new Float64Array(season), new Float64Array(season)]
  for (const { steps } of members)
    for (const { phase, relative } of steps) {
      // A member seen for longer knows no more of what is usual for all.
      sum[phase]! += relative / steps.length
      count[phase]! += 1 / steps.length
    }
  const shape = sum.map((v, phase) => (count[phase]! > 0 ? v / count[phase]! : 1))
  const squares = members.map(
    ({ steps }) =>
      steps.reduce((total, { phase, relative }) => total + (relative - shape[phase]!) ** 2, 0) / steps.length,
  )
  const level = median(members.map((member) => member.level))
  const apart = meanOf(members.map((member) => Math.min(4, (member.level / level - 1) ** 2)))
  const spread = Math.sqrt(meanOf(squares) + (apart * LEVEL_STEPS) / (LEVEL_STEPS + known))
  const first = Math.floor(start / stepMs)
  return { shape: shape.map((_, t) => level * shape[(((first + t) % season) + season) % season]!), spread }
}

function memberOf(rows: readonly MemberStep[], stepMs: number, season: number): Member[] {
  const steps = rows
    .filter(({ value }) => Number.isFinite(value))
    .map(({ at, value }) => ({ phase: ((Math.floor(at / stepMs) % season) + season) % season, value }))
  const level = meanOf(steps.map(({ value }) => value))
  if (new Set(steps.map(({ phase }) => phase)).size < LEAST_DAY * season || !(level > 0)) return []
  return [{ level, steps: steps.map(({ phase, value }) => ({ phase, relative: value / level })) }]
}

const meanOf = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
