/** Made-up traffic whose next day is known, for tests: each process breaks another assumption of Turing's formula. */
import { type Random, seeded } from '../random.ts'
import { type Occasion, STEP_MS } from './unseen.ts'

export const DAY_MS = 86_400_000
const STEPS = DAY_MS / STEP_MS

export type Process = (step: number, random: Random) => readonly string[]

/** Rules by Zipf's law, a few in each step, no order at all. */
export function zipf(rules: number, perStep: number): Process {
  const sums: number[] = []
  for (let i = 1; i <= rules; i++) sums.push((sums.at(-1) ?? 0) + 1 / i)
  return (_, random) => some(perStep, random, () => `z${drawFrom(sums, random)}`)
}

/** The same, but whatever is drawn goes on for a while: sessions. */
export function bursts(rules: number, every: number, steps: number): Process {
  const draw = zipf(rules, 1)
  let open: { rule: string; until: number }[] = []
  return (step, random) => {
    open = open.filter(({ until }) => until > step)
    if (random() < 1 / every)
      for (const rule of draw(step, random)) open.push({ rule, until: step + 1 + Math.floor(2 * steps * random()) })
    return open.map(({ rule }) => rule)
  }
}

/** A few habits for ever, and now and then something nobody ever saw, which stays for some hours. */
export function newcomers(habits: number, perDay: number): Process {
  let [born, living] = [0, [] as { rule: string; until: number }[]]
  return (step, random) => {
    living = living.filter(({ until }) => until > step)
    if (random() < perDay / STEPS) living.push({ rule: `n${born++}`, until: step + Math.floor(random() * 48) })
    return [
      ...some(habits / 2, random, () => `h${Math.floor(random() * habits)}`),
      ...living.filter(() => random() < 0.5).map(({ rule }) => rule),
    ]
  }
}

/** Busy by day with many rules, quiet by night with a few. */
export function seasons(rules: number): Process {
  const [day, night] = [zipf(rules, 5), zipf(5, 0.5)]
  return (step, random) => ((step % STEPS) / STEPS < 0.6 ? day(step, random) : night(step, random))
}

/** Never the same twice. */
export function scan(perStep: number): Process {
  let next = 0
  return (_, random) => some(perStep, random, () => `s${next++}`)
}

/** What each rule did in a step, `days` of it, and what share of one day more is by rules that were not there. */
export function draw(process: Process, days: number, seed: number): { learnt: Occasion[]; came: number; next: number } {
  const random = seeded(seed)
  const learnt: Occasion[] = []
  let [unknown, next] = [0, 0]
  const known = new Set<string>()
  for (let step = 0; step < (days + 1) * STEPS; step++)
    for (const rule of new Set(process(step, random))) {
      if (step < days * STEPS) {
        learnt.push({ rule, at: step * STEP_MS, weight: 1 })
        known.add(rule)
      } else {
        next++
        if (!known.has(rule)) unknown++
      }
    }
  return { learnt, came: unknown / Math.max(1, next), next }
}

function some(mean: number, random: Random, one: () => string): string[] {
  const n = Math.floor(mean) + (random() < mean % 1 ? 1 : 0)
  return Array.from({ length: n }, one)
}

function drawFrom(sums: readonly number[], random: Random): number {
  const at = random() * sums.at(-1)!
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle]! < at) low = middle + 1
    else high = middle
  }
  return low
}
