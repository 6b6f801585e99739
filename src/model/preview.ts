/**
 * What a manifest that somebody is writing would do, with nothing written: where it is wrong, whom it touches, which recorded
 * conversations it would cut, what the kernel would get. API, CLI and console speak of it in these shapes.
 */
import type { ResolvedRule, RuleVerdict, Verdict } from './desired.ts'
import type { WorkloadId } from './ids.ts'
import type { Kind, Manifest } from './manifest.ts'
import type { Merged, Strategy } from './overlap.ts'
import type { Plan } from './plan.ts'
import type { Mode, PolicyTest } from './policy.ts'
import type { ConversationRecord } from './records.ts'
import type { RuleMatch } from './rule-match.ts'
import type { Why } from './why.ts'

export type Direction = 'egress' | 'ingress'

export type PreviewFault = {
  /** 1-based; null when it was sent as values and not as text. */
  readonly line: number | null
  readonly column: number | null
  readonly path: readonly (string | number)[]
  readonly code: string
  readonly why: string
  readonly cure: string
}

export type PreviewTest = {
  readonly policy: string
  readonly index: number
  readonly test: PolicyTest
  readonly passed: boolean
  /** Null: it cannot be judged; `why` says why not. */
  readonly verdict: Verdict | null
  readonly why: Why
  readonly line: number | null
  readonly column: number | null
}

/** A rule with what becomes of it; `match` null = what no rule names. */
export type RuleChange = Pick<ResolvedRule, 'tier' | 'limit' | 'log' | 'beyond'> & {
  readonly direction: Direction
  readonly change: 'added' | 'removed' | 'same'
  readonly verdict: RuleVerdict
  readonly match: RuleMatch | null
  readonly why: Why
}

export type AffectedWorkload = {
  readonly id: WorkloadId
  readonly name: string
  /** Of its agent: in any but enforce a deny is only counted. */
  readonly mode: Mode
  /** Recorded conversations that would be denied, and those that would be allowed from now on. */
  readonly loses: number
  readonly gains: number
}
/** Workloads whose rules change in the same way. */
export type AffectedGroup = {
  readonly persona: string
  readonly total: number
  readonly workloads: readonly AffectedWorkload[]
  readonly changes: readonly RuleChange[]
}

export type ReplayedConversation = Pick<
  ConversationRecord,
  'workload' | 'peer' | 'port' | 'proto' | 'direction' | 'flows' | 'bytesOut' | 'bytesIn' | 'last' | 'service'
> & {
  readonly name: string
  readonly peerName: string | null
  readonly before: Verdict
  readonly after: Verdict
  readonly why: Why
}

export type Replay = {
  /** epoch ms: from then until now. */
  readonly since: number
  readonly replayed: number
  readonly same: number
  readonly dropped: number
  readonly allowed: number
  /** False when there were more conversations or workloads than are looked at. */
  readonly whole: boolean
  /** Those that change, the busiest first. */
  readonly changed: readonly ReplayedConversation[]
}

export type CompiledSide = {
  /** Name of the chain, which is the hash of its text; null = no rules of ours are there. */
  readonly before: string | null
  readonly after: string
  /** What the last confirmed plan has in the kernel. */
  readonly live: string | null
  readonly rules: readonly RuleChange[]
  readonly text: { readonly before: readonly string[]; readonly after: readonly string[] }
}
export type CompiledPreview = {
  readonly workload: WorkloadId
  readonly name: string
  readonly egress: CompiledSide
  readonly ingress: CompiledSide
}

export type ManifestPreview = {
  readonly ok: boolean
  readonly faults: readonly PreviewFault[]
  readonly warnings: readonly PreviewFault[]
  /** As read; empty when anything is wrong. */
  readonly manifests: readonly Manifest[]
  /** What is there now under the same names; version 0 = nothing. */
  readonly stored: readonly { readonly kind: Kind; readonly id: string; readonly version: number }[]
  readonly tests: readonly PreviewTest[]
  /** Tests of other policies that pass now and would not any more. */
  readonly broken: readonly PreviewTest[]
  readonly affected: {
    /** What was taken as so, to have something to show: that a policy enforced, that its `when` held. */
    readonly assumed: readonly ('enforce' | 'when')[]
    /** Workloads that the policies' subjects name, or that wear the personas. */
    readonly subjects: number
    readonly changed: number
    readonly fleet: number
    /** How many workloads were looked at: less than `fleet` when that is too large. */
    readonly looked: number
    readonly groups: readonly AffectedGroup[]
  } | null
  readonly replay: Replay | null
  /** What saving would lead to; null = nothing in force changes. */
  readonly plan:
    | (Pick<Plan, 'direction' | 'approval' | 'blastRadius'> & {
        readonly steps: number
        readonly summary: string /** False: the fleet is large, and the figures are those of the replay. */
        readonly isExact: boolean
      })
    | null
  readonly compiled: CompiledPreview | null
}

/** How a policy is now. */
export type PolicyState = {
  readonly id: string
  /** Workloads its subjects name. */
  readonly subjects: number
  /** For how many of them `when` holds; null when it has none. */
  readonly holds: number | null
  readonly tests: number
  readonly passing: number
}

/** What the selectors of a policy stand for now. */
export type ResolvedPolicy = {
  readonly policy: string
  readonly mode: Mode
  readonly subjects: {
    readonly total: number
    readonly workloads: readonly { readonly id: WorkloadId; readonly name: string }[]
  }
  readonly rules: readonly {
    readonly index: number
    readonly text: string
    readonly peers: readonly ResolvedPeer[]
  }[]
  /** Of its subjects that wear several personas by its word: as what. */
  readonly overlap?: {
    readonly strategy: Strategy
    readonly worn: readonly { readonly name: string; readonly merged: Merged }[]
  }
}
export type ResolvedPeer = {
  readonly text: string
  /** Null = everyone, or the authored network itself. */
  readonly set: string | null
  /** Every address outside the set. */
  readonly outside: boolean
  readonly total: number
  readonly addresses: readonly string[]
  readonly workloads: readonly { readonly id: WorkloadId; readonly name: string }[]
}

/** One version of a manifest as it was written; `manifest` null = removed. */
export type ManifestVersion = {
  readonly version: number
  readonly at: number
  readonly by: string
  readonly manifest: Manifest | null
}
