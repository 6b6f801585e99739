/**
 * Windows come in one after the other, a `Belief` goes out: the forward step of a hidden Markov model whose hidden
 * state is the persona, or `unknown`. Emissions are the classifier's posterior divided by its prior (hybrid HMM,
 * Bourlard & Morgan 1994); persistence is in the transitions, so one odd window does not change who a workload is.
 */
import { ABSTAIN_BELOW, type Belief } from '../model/belief.ts'
import { sumAt, WINDOW_MS, type Window } from '../model/window.ts'
import { because } from './because.ts'
import { classify } from './classify.ts'
import { features, flowsOf } from './features.ts'
import type { FilterSettings, Model } from './model.ts'

/** What the filter remembers between windows: plain numbers, ready for JSON. The last of `p` is `unknown`. */
export type BeliefState = {
  readonly p: readonly number[]
  /** epoch ms of the last step, null before the first */
  readonly at: number | null
  /** Windows that said something. */
  readonly windows: number
}

export type Step = { readonly state: BeliefState; readonly belief: Belief }

/** A window of fewer bytes than a keep-alive or two, without a new flow, says only that it was quiet. */
const QUIET_BYTES = 400
/** A gap of this many windows is as good as forever. */
const LONGEST_GAP = 1_000
/** No window may rule a persona out for good: the next must be able to bring it back. */
const FLOOR = 1e-4

export function initialBelief(model: Model): BeliefState {
  return { p: longRun(model), at: null, windows: 0 }
}

/** One forward step. `at` is the end of the window, epoch ms; a gap since the last step lets the belief fade. */
export function stepBelief(model: Model, state: BeliefState, window: Window, at: number): Step {
  return stepObservation(model, state, observationOf(window), at)
}

/**
 * The same belief by another model: what it knows by the same name is kept, and the mass of what it does not know begins
 * anew. `from` are the personas by which the state was made.
 */
export function carryBelief(from: readonly string[], model: Model, state: BeliefState): BeliefState {
  if (!fits(state, from)) return initialBelief(model)
  const held = new Map(from.map((name, i) => [name, state.p[i]!]))
  const kept = [...model.personas.map((name) => held.get(name) ?? 0), state.p.at(-1)!]
  const lost = Math.max(0, 1 - kept.reduce((sum, p) => sum + p, 0))
  return { ...state, p: longRun(model).map((p, i) => kept[i]! + lost * p) }
}

/** One number that is none would make all of them none, for ever. */
const fits = ({ p }: BeliefState, personas: readonly string[]) =>
  p.length === personas.length + 1 && p.every(Number.isFinite)

/** The same for an observation made before: what training steps through. */
export function stepObservation(model: Model, state: BeliefState, seen: Observation, at: number): Step {
  const kept = fits(state, model.personas) ? state : initialBelief(model)
  const gap = kept.at === null ? 1 : Math.min(LONGEST_GAP, Math.max(1, Math.round((at - kept.at) / WINDOW_MS)))
  const p = predictAhead(model, kept.p, gap)
  if (seen.kind === 'nothing') return settle(model, { p, at, windows: kept.windows }, ['nothing was observed'])
  if (seen.kind === 'quiet') {
    weigh(p, [...model.filter.quiet, model.filter.quietUnknown], model.filter.temper)
    return settle(model, { p, at, windows: kept.windows + 1 }, ['it was quiet'])
  }
  const told = classify(model, seen.x)
  weigh(p, emissions(model, told.posterior, told.unknown), model.filter.temper * seen.trust)
  const next = { p, at, windows: kept.windows + 1 }
  return settle(model, next, because(model, seen.x, told, indexOfMax(p)))
}

/** What one window tells: nothing was looked at, nothing happened, or a vector and how far it can be trusted (0–1). */
export type Observation =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'quiet' }
  | { readonly kind: 'active'; readonly x: Float64Array; readonly trust: number }

export function observationOf(window: Window): Observation {
  if (window.sums[sumAt.ticks]! <= 0) return { kind: 'nothing' }
  if (isQuiet(window)) return { kind: 'quiet' }
  return { kind: 'active', x: features(window), trust: trust(window) }
}

function isQuiet(window: Window): boolean {
  const s = window.sums
  const bytes =
    s[sumAt.bytesOutInitiated]! + s[sumAt.bytesInInitiated]! + s[sumAt.bytesOutServed]! + s[sumAt.bytesInServed]!
  return flowsOf(window) === 0 && bytes < QUIET_BYTES
}

/** A window with one flow says less than one with ten. */
function trust(window: Window): number {
  const packets = window.sums[sumAt.packetsOut]! + window.sums[sumAt.packetsIn]!
  return Math.min(1, (Math.max(flowsOf(window), packets / 20) + 1) / 5)
}

/** p(x|z) up to a constant: posterior over prior, shared with `unknown` by how novel the window is. */
export function emissions(model: Model, posterior: Float64Array, unknown: number): number[] {
  const known = Array.from(posterior, (q, i) => ((1 - unknown) * q) / model.prior[i]! / model.personas.length)
  return [...known, unknown]
}

function longRun({ personas, filter }: { personas: readonly string[]; filter: FilterSettings }): number[] {
  return [...personas.map(() => (1 - filter.unknown) / personas.length), filter.unknown]
}

function predictAhead(model: Model, p: readonly number[], windows: number): Float64Array {
  const stay = model.filter.stay ** windows
  const rest = longRun(model)
  return Float64Array.from(p, (mass, i) => stay * mass + (1 - stay) * rest[i]!)
}

function weigh(p: Float64Array, likelihood: readonly number[], power: number): void {
  const top = Math.max(...likelihood)
  // What is as unlikely for all of them, or no number at all, tells nothing of any.
  if (!(top > 0 && top < Number.POSITIVE_INFINITY)) return
  let sum = 0
  for (let i = 0; i < p.length; i++) {
    p[i]! *= Math.max(FLOOR, likelihood[i]! / top) ** power
    sum += p[i]!
  }
  for (let i = 0; i < p.length; i++) p[i]! /= sum
}

function indexOfMax(p: Float64Array): number {
  let best = 0
  for (let i = 1; i < p.length; i++) if (p[i]! > p[best]!) best = i
  return best
}

function settle(model: Model, raw: { p: Float64Array; at: number; windows: number }, reasons: readonly string[]): Step {
  const personas = model.personas
    .map((persona, i) => ({ persona, p: raw.p[i]! }))
    .sort((a, b) => b.p - a.p || (a.persona < b.persona ? -1 : 1))
  const top = personas[0]!
  return {
    state: { p: Array.from(raw.p), at: raw.at, windows: raw.windows },
    belief: {
      at: raw.at,
      personas,
      unknown: raw.p[model.personas.length]!,
      believed: top.p >= ABSTAIN_BELOW ? top.persona : null,
      because: reasons,
      model: model.id,
      features: model.features,
    },
  }
}
