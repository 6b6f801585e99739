/** Something seen comes in, a probability for each type goes out, and how likely it is none of them. */
import { predict } from '../forest.ts'
import { calibrate } from './calibration.ts'
import { encode, type Seen, widthOf } from './encoder.ts'
import type { Recogniser } from './fit-recogniser.ts'
import type { Verdict } from './judgement.ts'

export type Recognition = {
  /** By `Recogniser.types`; sums to one. */
  readonly p: Float64Array
  readonly unknown: number
  /** The likeliest, and whether it is told: null = it abstains. */
  readonly guess: string
  readonly type: string | null
}

/** Two types that cannot be told apart share the belief; below this it is not even between two. Of two types one always is above. */
const TOLD_FROM = 0.35
/** Above it, nothing seen before looks like it. */
const UNKNOWN_FROM = 0.9

export function recognise({ types, encoder, forest, calibration }: Recogniser, seen: Seen): Recognition {
  const x = new Float64Array(widthOf(encoder))
  const known = encode(encoder, seen, x)
  const p = new Float64Array(types.length)
  predict(forest, x, p)
  const agreement = p.reduce((most, share) => Math.max(most, share), 0)
  calibrate(p, calibration)
  // Trees that do not agree, and words that nobody used before.
  const unknown = 1 - agreement * known
  let best = 0
  for (let i = 1; i < p.length; i++) if (p[i]! > p[best]!) best = i
  const guess = types[best]!
  // Whatever is no number abstains.
  return { p, unknown, guess, type: p[best]! >= TOLD_FROM && unknown < UNKNOWN_FROM ? guess : null }
}

/** Of something whose type is known. */
export function verdictOf(recogniser: Recogniser, truth: string, seen: Seen): Verdict {
  const { p, guess, type: told } = recognise(recogniser, seen)
  return { truth, told, guess, p: p[recogniser.types.indexOf(guess)]! }
}
