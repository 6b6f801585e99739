/** Windows that a model is fitted to come in, what four of five of each persona's are within goes out, feature by feature. */
import { FEATURES } from '../src/learn/features.ts'
import type { Sequence } from '../src/learn/fit.ts'
import type { Typical } from '../src/learn/typical.ts'

/** Of fewer windows the tenth part is one or two of them. */
const LEAST = 20
const [LOW, HIGH] = [0.1, 0.9]

export function typicalOf(sequences: readonly Sequence[]): Typical {
  const seen = sequences.flatMap(({ persona, windows }) =>
    windows.flatMap((row) => (row.seen.kind === 'active' ? [{ persona, x: row.seen.x }] : [])),
  )
  const personas = [...Map.groupBy(seen, (one) => one.persona)].sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    personas.map(([persona, rows]) => [
      persona,
      FEATURES.map((_, i) => rangeOf(rows.map(({ x }) => x[i]!).filter((value) => !Number.isNaN(value)))),
    ]),
  )
}

function rangeOf(values: readonly number[]): readonly [number, number] | null {
  if (values.length < LEAST) return null
  const sorted = values.toSorted((a, b) => a - b)
  return [at(sorted, LOW), at(sorted, HIGH)]
}

const at = (sorted: readonly number[], share: number): number =>
  Math.round(1e3 * sorted[Math.round(share * (sorted.length - 1))]!) / 1e3
