/**
 * What a model's windows of a persona were like (`provenance.typical` of its file) and one window of a workload come in; how
 * each feature of it stands beside that goes out, in units that a person counts in.
 */
import type { FeatureStanding, FeatureUnit } from '../model/feature-standing.ts'
import { FEATURE_WORDS } from './feature-words.ts'
import { FEATURES, type Feature } from './features.ts'
import { explain } from './forest.ts'
import type { Model } from './model.ts'

/** By feature: what four windows of five were within (10 to 90 %); null where too few windows told of it. */
export type Ranges = readonly (readonly [low: number, high: number] | null)[]
export type Typical = Readonly<Record<string, Ranges>>

/** Throws on a file whose ranges are not of these features; a file without any is one of an older release. */
export function readTypical(provenance: Readonly<Record<string, unknown>>): Typical {
  const { typical = {} } = provenance
  if (!isTypical(typical))
    throw new Error(`the typical ranges of its personas are not two numbers for each of ${FEATURES.length} features`)
  return typical
}

export const isTypical = (value: unknown): value is Typical =>
  typeof value === 'object' && value !== null && Object.values(value).every(isRanges)
const isRanges = (ranges: unknown): boolean =>
  Array.isArray(ranges) && ranges.length === FEATURES.length && ranges.every((one) => one === null || isRange(one))
const isRange = (one: unknown): boolean =>
  Array.isArray(one) && one.length === 2 && one.every(Number.isFinite) && one[0] <= one[1]

/** Outside first, what moved the belief most before the rest. `x` is null when no window of it was whole yet. */
export function standingOf(model: Model, persona: string | null, x: readonly number[] | null): FeatureStanding[] {
  const ranges = persona === null ? undefined : model.typical[persona]
  const moved = persona === null || x === null ? null : movedBy(model, persona, x)
  return FEATURES.map((feature, i): FeatureStanding => {
    const at = x?.[i] ?? Number.NaN
    const [low, high] = ranges?.[i] ?? [Number.NaN, Number.NaN]
    return {
      name: feature.name,
      unit: unitOf(feature),
      means: FEATURE_WORDS[feature.name]?.standing ?? feature.name,
      value: amountOf(feature, at),
      low: amountOf(feature, low),
      high: amountOf(feature, high),
      outside: at < low || at > high,
      moved: moved === null || Number.isNaN(at) ? null : rounded(moved[i]!),
    }
  }).sort(
    (a, b) =>
      Number(b.outside) - Number(a.outside) ||
      Number(b.value !== null) - Number(a.value !== null) ||
      Math.abs(b.moved ?? 0) - Math.abs(a.moved ?? 0),
  )
}

/** What only people know of, no tree of the forest can explain. */
function movedBy(model: Model, persona: string, x: readonly number[]): Float64Array | null {
  const wanted = model.personas.indexOf(persona)
  return wanted < 0 || wanted >= model.forest.classes - 1 ? null : explain(model.forest, Float64Array.from(x), wanted)
}

function unitOf({ name, unit }: Feature): FeatureUnit {
  if (unit === 'log2 per minute') return name === 'byteRate' ? 'bytes per minute' : 'flows per minute'
  if (unit === 'log2 bytes') return 'bytes'
  if (unit === 'log2 count') return 'count'
  return unit === 'log2 ms' ? 'ms' : unit
}

/** The histograms of milliseconds begin with a bucket of 4 ms (`HISTOGRAMS`). */
function amountOf({ unit }: Feature, value: number): number | null {
  if (Number.isNaN(value)) return null
  if (unit === 'log2 ms') return rounded(4 * 2 ** value)
  return rounded(unit === 'share' || unit === 'bits' ? value : 2 ** value - 1)
}

const rounded = (value: number): number => Number(value.toPrecision(4))
