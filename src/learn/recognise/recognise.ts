/** Something seen comes in, a probability for each type goes out, and how likely it is none of them. */
import { predict } from '../forest.ts'
import { calibrate } from './calibration.ts'
import { encode, type Seen, widthOf } from './encoder.ts'
import type { Recogniser } from './fit-recogniser.ts'

export type Recognition = {
  /** By `Recogniser.types`; sums to one. */
  readonly p: Float64Array
  readonly unknown: number
  /** The likeliest, and whether it is told: null = it abstains. */
  readonly guess: string
  readonly type: string | null
}

/** Two types that cannot be told apart share the belief; below this it is not even between two. */
const ABSTAIN_BELOW = 0.35
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
  return { p, unknown, guess, type: p[best]! < ABSTAIN_BELOW || unknown >= UNKNOWN_FROM ? null : guess }
}
