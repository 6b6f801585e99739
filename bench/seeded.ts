/** Whole numbers at random, the same for the same seed. */
import { seeded as shares } from '../src/learn/random.ts'

/** Uniform in [0, below), below ≤ 2³². */
export type Random = (below: number) => number

export function seeded(seed: number): Random {
  const random = shares(seed)
  return (below) => Math.floor(random() * below)
}
