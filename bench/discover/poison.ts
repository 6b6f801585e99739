/**
 * A tenth of the training windows of one persona is an attacker's: windows of that persona drawn, step by step, towards those of
 * compromised hosts. Out: how far that moves the threshold at which a stranger is one.
 */
import { sequencesOf, stepsOf } from '../../lab/train.ts'
import { fitModel, type Sequence } from '../../src/learn/fit.ts'
import { type Random, seeded, shuffled } from '../../src/learn/random.ts'
import type { Split } from './plant.ts'

const SHARE = 0.1

export type Poisoned = { readonly persona: string; readonly shift: number }

export function poisonEach({ fitting, calibrating }: Split, personas: readonly string[]): Poisoned[] {
  const clean = { fitting: sequencesOf(fitting), calibrating: stepsOf(calibrating) }
  const wanted = [...clean.fitting, ...clean.calibrating]
    .filter(({ persona }) => persona === 'Compromised')
    .flatMap(({ windows }) => windows.flatMap(({ seen }) => (seen.kind === 'active' ? [seen.x] : [])))
  const threshold = (rows: typeof clean) => fitModel(rows, { seed: 1, id: 'bench', provenance: {} }).novelty.threshold
  const before = threshold(clean)
  return personas.map((persona) => {
    const poisoned = {
      fitting: poison(clean.fitting, persona, wanted, seeded(5)),
      calibrating: poison(clean.calibrating, persona, wanted, seeded(6)),
    }
    return { persona, shift: threshold(poisoned) / before - 1 }
  })
}

function poison(
  sequences: readonly Sequence[],
  persona: string,
  wanted: readonly Float64Array[],
  random: Random,
): Sequence[] {
  const own = sequences.flatMap((sequence, s) =>
    sequence.persona === persona ? sequence.windows.map((_, w) => ({ s, w })) : [],
  )
  const taken = shuffled(own, random).slice(0, Math.round(SHARE * own.length))
  const made = sequences.map((sequence) => ({ ...sequence, windows: [...sequence.windows] }))
  taken.forEach(({ s, w }, n) => {
    const window = made[s]!.windows[w]!
    if (window.seen.kind !== 'active') return
    const goal = wanted[Math.floor(random() * wanted.length)]!
    made[s]!.windows[w] = { ...window, seen: { ...window.seen, x: drawn(window.seen.x, goal, (n + 1) / taken.length) } }
  })
  return made
}

/** From one window towards another; what only one of them knows is the nearer one's to say. */
function drawn(from: Float64Array, to: Float64Array, part: number): Float64Array {
  return from.map((value, f) => {
    const goal = to[f]!
    if (Number.isNaN(value) || Number.isNaN(goal)) return part > 0.5 ? goal : value
    return value + part * (goal - value)
  })
}
