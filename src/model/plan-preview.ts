/** What `GET /v1/plans/{id}/preview` answers: a plan by its meaning, for the console and the command line. Lists are bounded; `more` says by how much. */
import type { ResolvedRule, Verdict } from './desired.ts'
import type { AgentId, WorkloadId } from './ids.ts'
import type { Facet } from './persona.ts'
import type { ApprovalClass, Plan, PlanStep, ShiftState } from './plan.ts'
import type { ApprovalRecord } from './records.ts'
import type { Why } from './why.ts'

export type RuleText = ResolvedRule & {
  /** Its place in its list, from 1; of a kept rule the place after. */
  readonly n: number
  /** Of a kept rule: its place before. */
  readonly was?: number
  /** Who is at the other end, and on what, in words. */
  readonly peer: string
  readonly service: string
  /** Conversations of the last day that it decides; null where they were not counted. */
  readonly seen: number | null
}

export type RuleDiff = {
  readonly removed: readonly RuleText[]
  readonly added: readonly RuleText[]
  readonly kept: readonly RuleText[]
  readonly more: { readonly removed: number; readonly added: number; readonly kept: number }
  readonly otherwise: { readonly before: Verdict | null; readonly after: Verdict }
}

export const FACET_NAMES = ['address', 'gateway', 'dns', 'search', 'containment', 'rest-out', 'rest-in'] as const
/** The first are told of every workload, a facet of its profile when it has it; `routing` and `naming` are the rest of its network and dns. */
export type FacetName =
  | (typeof FACET_NAMES)[number]
  | Exclude<Facet, 'policies' | 'network'>
  | 'routing'
  | 'naming'
  | 'personas'
  | 'ladder'
/** What a workload wears of a facet, said. */
export type WornFacet = { readonly facet: FacetName; readonly words: string }
export type FacetDiff = {
  readonly facet: FacetName
  /** null: as found, not set by a persona */
  readonly before: string | null
  readonly after: string | null
  readonly why: Why | null
}

export type StepPreview = Pick<PlanStep, 'workload' | 'shift' | 'from' | 'to' | 'why'> & {
  readonly name: string
  readonly rules: { readonly egress: RuleDiff; readonly ingress: RuleDiff }
  readonly facets: { readonly changed: readonly FacetDiff[]; readonly unchanged: readonly FacetName[] }
  readonly containment: PlanStep['after']['containment']
}

export type Named = { readonly id: WorkloadId; readonly name: string }

export type NftLine = { readonly sign: '+' | '-' | ' '; readonly text: string }

export type AgentPreview = {
  readonly agent: AgentId
  readonly host: string
  /** Hash of the table this plan compiles to; null when it is too large to compile for a look. */
  readonly hash: string | null
  /** Of what the agent read back from its kernel: `waits` = it is not at this generation. */
  readonly live: 'equal' | 'differs' | 'waits' | 'unknown'
  readonly liveHash: string | null
  /** With `?with=nft`: what changes in `table inet guise`, of the plan before to this one. */
  readonly nft?: { readonly lines: readonly NftLine[]; readonly more: number }
}

export type PlanPreview = {
  readonly id: Plan['id']
  readonly title: string
  readonly generation: number
  /** Of the plan it stands on; null for the first. */
  readonly from_generation: number | null
  /** The newest that was confirmed, whichever plan this is; null before the first. */
  readonly in_force: number | null
  readonly state: ShiftState
  readonly direction: Plan['direction']
  readonly decision: Plan['decision']
  readonly proposed_by: string
  readonly created_at: number
  readonly updated_at: number
  readonly approval: ApprovalClass
  readonly approval_words: string
  /** The row of the table of classes; null of plans of older releases. */
  readonly approval_rule: string | null
  readonly approvals: readonly ApprovalRecord[]
  readonly approvals_needed: number
  readonly blast_radius: Plan['blastRadius'] & {
    readonly all: number
    readonly changed: readonly Named[]
    /** Others that reached, or were reached by, one that changes, and no longer would; null when not counted. */
    readonly loses: readonly Named[] | null
  }
  readonly steps: readonly StepPreview[]
  readonly steps_more: number
  readonly skipped: readonly { readonly workload: WorkloadId; readonly name: string; readonly why: Why }[]
  readonly agents: readonly AgentPreview[]
  /** Chains of others that drop by policy where packets of this plan pass, by host. */
  readonly beside: readonly { readonly host: string; readonly text: string }[]
  readonly rollback_within_ms: number
}
