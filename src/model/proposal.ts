/** A persona that nobody wrote yet: strangers alike for a while, with the least that lets them do what they do. */
import type { PolicyRule } from './policy.ts'

export type ProposedRule = {
  readonly rule: PolicyRule
  /** Of the workloads that were heard talking, how many did this; and its share of all their flows. */
  readonly workloads: number
  readonly of: number
  readonly flowShare: number
}

/** What was seen and is not allowed: a person may add it. */
export type LeftOut = { readonly what: string; readonly why: string; readonly flows: number }
