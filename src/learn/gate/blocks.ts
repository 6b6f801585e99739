/** Traffic by blocks of time: which rules were used in which, and what that says of bursts. */
import type { Occasion } from './unseen.ts'

export type Block = { readonly index: number; readonly uses: ReadonlyMap<string, number> }

export type Counts = {
  readonly weight: number
  readonly rules: number
  /** Rules used in exactly one block, in two, and the traffic of the first. */
  readonly once: number
  readonly twice: number
  readonly onceWeight: number
  /** Blocks in which there was anything. */
  readonly blocks: number
  /** How many times the variance is that of single draws, ≥ 1 (Kish's design effect). */
  readonly burst: number
}

/** In the order of time; blocks without traffic are left out. */
export function foldBlocks(occasions: readonly Occasion[], from: number, blockMs: number): Block[] {
  const blocks = new Map<number, Map<string, number>>()
  for (const { rule, at, weight } of occasions) {
    const index = Math.floor((at - from) / blockMs)
    const uses = blocks.get(index) ?? new Map<string, number>()
    blocks.set(index, uses)
    uses.set(rule, (uses.get(rule) ?? 0) + weight)
  }
  return [...blocks].sort(([a], [b]) => a - b).map(([index, uses]) => ({ index, uses }))
}

type Rule = { blocks: number; readonly place: number; readonly since: number; readonly first: number; brought: number }

/** `horizon` in blocks. */
export function countBlocks(blocks: readonly Block[], horizon: number): Counts {
  const rules = new Map<string, Rule>()
  let weight = 0
  blocks.forEach(({ index, uses }, place) => {
    for (const [rule, used] of uses) {
      weight += used
      const known = rules.get(rule)
      if (known === undefined) rules.set(rule, { blocks: 1, place, since: index, first: used, brought: used })
      else {
        known.blocks++
        if (index < known.since + horizon) known.brought += used
      }
    }
  })
  const alone = [...rules.values()].filter((rule) => rule.blocks === 1)
  const onceWeight = alone.reduce((sum, { first }) => sum + first, 0)
  return {
    weight,
    rules: rules.size,
    once: alone.length,
    twice: [...rules.values()].filter((rule) => rule.blocks === 2).length,
    onceWeight,
    blocks: blocks.length,
    burst: Math.max(1, arrivalsOf([...rules.values()]), spreadOf(blocks, alone, onceWeight, weight)),
  }
}

/** What a newcomer brings along within a horizon: all but its first is no news of its own. In the first block all are new. */
function arrivalsOf(rules: readonly Rule[]): number {
  const later = rules.filter(({ place }) => place > 0)
  const sum = later.reduce((total, { brought }) => total + brought, 0)
  return sum === 0 ? 1 : later.reduce((total, { brought }) => total + brought ** 2, 0) / sum
}

/** The share of news differs between blocks by more than chance when a day has its course (variance of a ratio, by blocks). */
function spreadOf(blocks: readonly Block[], alone: readonly Rule[], onceWeight: number, weight: number): number {
  const share = onceWeight / weight
  if (blocks.length < 2 || !(share > 0 && share < 1)) return 1
  const news = new Float64Array(blocks.length)
  for (const { place, first } of alone) news[place]! += first
  let squares = 0
  blocks.forEach(({ uses }, i) => {
    const all = [...uses.values()].reduce((sum, used) => sum + used, 0)
    squares += (news[i]! - share * all) ** 2
  })
  const variance = (squares / weight ** 2) * (blocks.length / (blocks.length - 1))
  return variance / ((share * (1 - share)) / weight)
}
