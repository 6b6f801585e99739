/** A persona that nobody wrote yet: strangers alike for a while, described, with the least that lets them do what they do. */
import type { WorkloadId } from './ids.ts'
import type { PersonaManifest } from './manifest.ts'
import type { PolicyRule } from './policy.ts'

export const PROPOSAL_STATES = ['open', 'accepted', 'rejected', 'merged'] as const
export type ProposalState = (typeof PROPOSAL_STATES)[number]

/** A window that shows what the strangers are like; null where a feature is not known. */
export type Exemplar = { readonly workload: WorkloadId; readonly at: number; readonly x: readonly (number | null)[] }

/** One cluster as it was found last, by which the next round knows it again. */
export type ProposedCluster = {
  readonly id: number
  readonly since: number
  readonly last: number
  readonly rounds: number
  readonly workloads: readonly WorkloadId[]
  readonly windows: number
  readonly centre: readonly (number | null)[]
  readonly spread: number
  readonly newest: number
  readonly exemplars: readonly Exemplar[]
}

export type ProposedRule = {
  readonly rule: PolicyRule
  /** Of the workloads that were heard talking, how many did this; and its share of all their flows. */
  readonly workloads: number
  readonly of: number
  readonly flowShare: number
}

/** What was seen and is not allowed: a person may add it. */
export type LeftOut = { readonly what: string; readonly why: string; readonly flows: number }

export type ProposalRecord = {
  readonly id: string
  readonly state: ProposalState
  readonly name: string
  readonly description: string
  /** What they do that no known persona does, in words with numbers. */
  readonly because: readonly string[]
  readonly workloads: readonly WorkloadId[]
  /** 1 = as far as a stranger may be before it is one. */
  readonly nearest: readonly { readonly persona: string; readonly distance: number }[]
  readonly rules: readonly ProposedRule[]
  readonly leftOut: readonly LeftOut[]
  readonly clusters: readonly ProposedCluster[]
  /** A person said who belongs to it: rounds leave that alone. */
  readonly isHeld: boolean
  /** Into which it was merged, or the persona it became. */
  readonly became: string | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
}

/** `GET /v1/proposals/{id}`: with the persona that accepting it writes. */
export type ProposalDetail = ProposalRecord & {
  readonly names: Readonly<Record<string, string>>
  readonly manifest: PersonaManifest
}

/** A person's word on what a workload is, with windows of it as they were then. */
export type Lesson = {
  readonly workload: WorkloadId
  /** A learnt class, or a persona that somebody wrote. */
  readonly persona: string
  readonly vectors: readonly (readonly (number | null)[])[]
  readonly at: number
  readonly by: string
}

/** What a person may do with a proposal. `accept` follows the writing of its persona. */
export type ProposalAct =
  | { readonly do: 'accept'; readonly persona: string }
  | { readonly do: 'reject' }
  | { readonly do: 'rename'; readonly name: string }
  /** This one becomes part of `into`. */
  | { readonly do: 'merge'; readonly into: string }
  /** These workloads leave it, and are proposed by themselves. */
  | { readonly do: 'split'; readonly workloads: readonly WorkloadId[] }
