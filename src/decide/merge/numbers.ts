/**
 * Numbers of several profiles (rates, shares, sizes) become one each, with whose they are. Only what bounds a workload is
 * merged; addresses, tunnels and the like are the first persona's. What a persona does not say, it leaves to the others.
 */
import type { DesiredState } from '../../model/desired.ts'
import type { Merged, Overlap, Strategy, Word } from '../../model/overlap.ts'
import type { Facet } from '../../model/persona.ts'

export type Wishes = Pick<DesiredState, 'bandwidth' | 'cpu' | 'memory'>
/** `alone`: its probability were nobody inferred beside it; absent: the same. */
export type Sayer = {
  readonly name: string
  readonly p: number
  readonly alone?: number
  readonly word: Word
  readonly wishes: Wishes
}
export type NumberTrace = NonNullable<Merged['numbers']>[number]

/** `grain`: whole units only. Less is stricter in every row. */
const NUMBERS = [
  { path: ['bandwidth', 'down', 'rate'], grain: 1 },
  { path: ['bandwidth', 'down', 'ceiling'], grain: 1 },
  { path: ['bandwidth', 'up', 'rate'], grain: 1 },
  { path: ['bandwidth', 'up', 'ceiling'], grain: 1 },
  { path: ['cpu', 'cores'], grain: 0.01 },
  { path: ['cpu', 'weight'], grain: 1 },
  { path: ['memory', 'maxBytes'], grain: 4_096 },
] as const satisfies readonly { readonly path: readonly [keyof Wishes & Facet, ...string[]]; readonly grain: number }[]

export function mergeNumbers(
  sayers: readonly Sayer[],
  overlap: Overlap,
  carried: readonly string[],
): { readonly wishes: Wishes; readonly numbers: readonly NumberTrace[] } {
  const wishes: Record<string, unknown> = { ...sayers[0]!.wishes }
  const numbers: NumberTrace[] = []
  for (const { path, grain } of NUMBERS) {
    if (!carried.includes(path[0])) continue
    const said = sayers.flatMap((one) => {
      const value = read(one.wishes, path)
      return value === null ? [] : [{ name: one.name, p: one.p, alone: one.alone ?? one.p, word: one.word, value }]
    })
    if (said.length === 0) continue
    const { value, from } = resolved(said, overlap.strategy ?? 'priority', grain)
    write(wishes, path, value)
    numbers.push({
      what: path.join('.'),
      value,
      from: from.map(({ name, p, value: own }) => ({ persona: name, p, value: own })),
    })
  }
  return { wishes: wishes as Wishes, numbers }
}

type Said = Required<Omit<Sayer, 'wishes'>> & { readonly value: number }
type Resolved = { readonly value: number; readonly from: readonly Said[] }

/** Belief never grants: with inferred ones, the smaller of what the others come to and what all come to. */
function resolved(said: readonly Said[], strategy: Strategy, grain: number): Resolved {
  const granting = said.filter((one) => one.word !== 'inferred')
  const all = byStrategy(said, strategy, grain, ({ p }) => p)
  if (granting.length === 0) return all
  const granted = byStrategy(granting, strategy, grain, ({ alone }) => alone)
  if (granting.length === said.length) return granted
  return all.value < granted.value ? all : granted
}

function byStrategy(
  said: readonly Said[],
  strategy: Strategy,
  grain: number,
  weightOf: (one: Said) => number,
): Resolved {
  const least = said.reduce((best, one) => (one.value < best.value ? one : best))
  switch (strategy) {
    case 'priority':
    case 'share':
      return { value: said[0]!.value, from: [said[0]!] }
    case 'strictest':
    // What a number costs is not told, so the one that can harm least is taken.
    case 'expectedCost':
      return { value: least.value, from: [least] }
    case 'weighted': {
      const total = said.reduce((sum, one) => sum + weightOf(one), 0)
      // All the belief may be with those that say nothing of this.
      const shareOf = (one: Said) => (total > 0 ? weightOf(one) / total : 1 / said.length)
      const mean = said.reduce((sum, one) => sum + shareOf(one) * one.value, 0)
      const whole = Number((Math.floor(mean / grain) * grain).toFixed(2))
      return { value: Math.max(least.value, whole), from: said }
    }
  }
}

function read(wishes: Wishes, path: readonly string[]): number | null {
  const found = path.reduce<unknown>(
    (one, step) => (typeof one === 'object' && one !== null ? (one as Record<string, unknown>)[step] : undefined),
    wishes,
  )
  return typeof found === 'number' ? found : null
}

function write(wishes: Record<string, unknown>, path: readonly string[], value: number): void {
  const [step = '', ...rest] = path
  const inner = { ...(wishes[step] as Record<string, unknown> | undefined) }
  if (rest.length > 0) write(inner, rest, value)
  wishes[step] = rest.length === 0 ? value : inner
}
