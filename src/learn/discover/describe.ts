/** What sets a cluster apart, in the words of the features, and how far it is from each known persona. */
import { classify } from '../classify.ts'
import { FEATURES } from '../features.ts'
import type { Model } from '../model.ts'
import { distance } from '../novelty.ts'
import type { Cluster } from './discover.ts'

export type Description = {
  readonly because: readonly string[]
  /** Nearest first; 1 = the distance at which a stranger is one. */
  readonly nearest: readonly { readonly persona: string; readonly distance: number }[]
}

/** Per persona the rows of the model's prototypes that are its own. */
export type Familiar = ReadonlyMap<string, readonly number[]>

const MOST_CLAUSES = 3
/** A share of hardly anything: what they never do says less of them than what they do. */
const NEVER = 0.005
/** Below this, in robust units, a difference is none. */
const TELLING = 0.25

/** Prototypes carry no name: whose each is, the forest says. */
export function familiar(model: Model): Familiar {
  const width = FEATURES.length
  const rows = Array.from({ length: model.novelty.prototypes.length / width }, (_, i) => i * width)
  return Map.groupBy(rows, (at) => {
    const { posterior } = classify(model, model.novelty.prototypes.subarray(at, at + width))
    return model.personas[posterior.indexOf(Math.max(...posterior))]!
  })
}

export function describe(model: Model, known: Familiar, cluster: Cluster): Description {
  const { scale, prototypes, threshold } = model.novelty
  const seen = [cluster.centre, ...cluster.exemplars.map(({ x }) => x)]
  const nearest = [...known]
    .map(([persona, rows]) => ({
      persona,
      distance: Math.min(...rows.flatMap((at) => seen.map((x) => distance(x, scale, prototypes, at)))) / threshold,
    }))
    .sort((a, b) => a.distance - b.distance || (a.persona < b.persona ? -1 : 1))
    .map(({ persona, distance: far }) => ({ persona, distance: Math.round(far * 100) / 100 }))
  const closest = known.get(nearest[0]?.persona ?? '') ?? []
  const said = FEATURES.map((feature, f) => {
    const value = cluster.centre[f]!
    const off = (rows: readonly number[]) =>
      outside(
        value,
        rows.map((at) => prototypes[at + f]!),
        scale[f]!,
      )
    // Unlike everybody counts most; unlike the nearest alone tells these two apart.
    const fromAll = Math.min(...[...known.values()].map(off))
    const weight = feature.unit === 'share' && value < NEVER ? 0.2 : 1
    return { feature, value, score: Number.isNaN(value) ? 0 : weight * (fromAll + off(closest) / 4) }
  })
  return {
    because: said
      .filter(({ score }) => score > TELLING)
      .sort((a, b) => b.score - a.score)
      .slice(0, MOST_CLAUSES)
      .map(({ feature, value }) => feature.say(value)),
    nearest,
  }
}

/** How many units a value is from the middle four fifths of others; from those who never show it, one. */
function outside(value: number, others: readonly number[], unit: number): number {
  const sorted = others.filter((other) => !Number.isNaN(other)).sort((a, b) => a - b)
  if (sorted.length === 0) return 1
  const low = sorted[Math.floor(0.1 * (sorted.length - 1))]!
  const high = sorted[Math.ceil(0.9 * (sorted.length - 1))]!
  return Math.max(0, low - value, value - high) / unit
}

/** One sentence for people. `count` = workloads. */
export function sentence({ because, nearest }: Description, count: number, windows: number): string {
  const who = count === 1 ? 'One workload' : `${count} workloads`
  const unlike =
    nearest[0] === undefined
      ? ''
      : ` The nearest persona is ${nearest[0].persona}, ${nearest[0].distance.toFixed(1)} times as far as a stranger may be.`
  const what = because.length === 0 ? 'alike in no single trait' : because.join('; ')
  return `${who} that no persona explains, over ${windows} windows: ${what}.${unlike}`.slice(0, 500)
}
