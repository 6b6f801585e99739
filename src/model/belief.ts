/** A calibrated probability over personas for one workload, with an explicit mass for "none of these". Sums to one. */
import type { PersonaId } from './ids.ts'

/** The behavioural personas the shipped model knows, by name. */
export const LEARNED_PERSONAS = [
  'API Server',
  'API Consumer',
  'Database',
  'Data Exporter',
  'Web User',
  'Idle',
  'Scanner',
  'Compromised',
] as const
export type LearnedPersona = (typeof LEARNED_PERSONAS)[number]

/** Worn and reported when nobody is assigned and the belief abstains. */
export const DEFAULT_PERSONA = 'Standard User'

/** Below this the belief abstains: the best guess is shown, nothing is decided on it. */
export const ABSTAIN_BELOW = 0.8

export type Belief = {
  readonly at: number
  /** Sorted by p, descending; probabilities of personas, without `unknown`. */
  readonly personas: readonly { readonly persona: string; readonly p: number }[]
  /** Mass of "none of these". Σ p + unknown = 1. */
  readonly unknown: number
  /** The persona when p ≥ ABSTAIN_BELOW, else null (abstains). */
  readonly believed: string | null
  /** Why, in words: which features moved it. */
  readonly because: readonly string[]
  readonly model: string
  readonly features: string
}

export type PersonaRef = { readonly id: PersonaId; readonly name: string; readonly version: number }
