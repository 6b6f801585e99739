/** What is remembered, as the domain sees it (rows and wire are other shapes). Times are epoch ms. */
import type { Belief, PersonaRef } from './belief.ts'
import type { Evidence, Risk } from './evidence.ts'
import type { AgentId, DecisionId, PlanId, ShiftId, TenantId, WorkloadId } from './ids.ts'
import type { Kind, Manifest } from './manifest.ts'
import type { Plan, ShiftState } from './plan.ts'
import type { Mode } from './policy.ts'
import type { SourceHealth } from './source-health.ts'
import type { Why } from './why.ts'
import type { Applied, WorkloadReport } from './wire.ts'

export type WorkloadRecord = {
  readonly id: WorkloadId
  readonly tenant: TenantId
  readonly agent: AgentId
  readonly report: WorkloadReport
  /** Assigned (declared, approved, confirmed), never inferred; null = nobody assigned one. */
  readonly assigned: PersonaRef | null
  /** What the kernel makes it wear now, as confirmed by its agent. */
  readonly worn: PersonaRef | null
  readonly wornSince: number | null
  readonly containedUntil: number | null
  readonly belief: Belief | null
  readonly risk: Risk | null
  /** bytes per second, both ways, over the last window */
  readonly rate: { readonly out: number; readonly in: number }
  readonly firstSeen: number
  readonly lastSeen: number
  readonly version: number
}

export type AgentRecord = {
  readonly id: AgentId
  readonly tenant: TenantId
  readonly host: string
  readonly mode: Mode
  readonly lastReport: number | null
  readonly applied: Applied | null
  readonly counters: Readonly<Record<string, number>>
  readonly version: number
}

/** Half a minute of a source: flows and losses within it. */
export type SourcePoint = {
  /** epoch ms of its beginning */
  readonly at: number
  readonly flows: number
  readonly lost: number
  readonly refused: number
  readonly lagMs: number | null
}

/** `GET /v1/sources`: a source as its agent told of it last. */
export type SourceRecord = SourceHealth & {
  /** Made of agent and name, safe in a path. */
  readonly id: string
  readonly agent: AgentId
  /** epoch ms of the report it is from. */
  readonly reportedAt: number
  /** Changes with the state, and when something is lost. */
  readonly version: number
}

/** `GET /v1/sources/{id}`: with its last hour, oldest first, one point per 30 s. */
export type SourceDetail = SourceRecord & { readonly history: readonly SourcePoint[] }

export type ManifestRecord = {
  readonly kind: Kind
  readonly id: string
  readonly tenant: TenantId
  readonly manifest: Manifest
  /** Shipped with Guise; editable like any other. */
  readonly builtin: boolean
  readonly version: number
  readonly updatedAt: number
  readonly updatedBy: string
}

export type ShiftRecord = {
  readonly id: ShiftId
  readonly tenant: TenantId
  readonly workload: WorkloadId
  readonly from: PersonaRef | null
  readonly to: PersonaRef
  readonly plan: PlanId | null
  readonly state: ShiftState
  readonly requestedBy: string
  readonly why: readonly Why[]
  /** When it ends by itself (ttl, `try --for`), null = stays. */
  readonly until: number | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
}

export type PlanRecord = {
  readonly plan: Plan
  readonly state: ShiftState
  readonly approvedBy: readonly string[]
  readonly updatedAt: number
  readonly version: number
}

/** The ledger: what was decided, from what, by which versions. Replay must be possible later. */
export type DecisionRecord = {
  readonly id: DecisionId
  readonly tenant: TenantId
  readonly at: number
  readonly kind: 'plan' | 'reflex' | 'abstain' | 'refuse'
  readonly workload: WorkloadId | null
  /** SHA-256 of each input, by name. */
  readonly inputs: Readonly<Record<string, string>>
  readonly features: readonly number[] | null
  readonly versions: {
    readonly model: string
    readonly features: string
    readonly rules: string
    readonly policies: string
  }
  readonly seed: number
  readonly summary: string
  readonly detail: unknown
}

export type AuditRecord = {
  readonly n: number
  readonly tenant: TenantId
  readonly at: number
  /** Token name, `session:NAME`, `agent:ID` or `guise` itself. */
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly summary: string
  /** SHA-256 over the row and the hash before it. */
  readonly hash: string
  /** The hash before it: that of the row n - 1, which may be a decision. Empty for the first row. */
  readonly previous?: string
}

/** All that are given must hold; text is looked for in actor, action, object and summary. Times are epoch ms, inclusive. */
export type AuditQuery = {
  readonly actor?: string
  /** `plan.approve`, or `plan` for every action of plans */
  readonly action?: string
  readonly object?: string
  readonly text?: string
  readonly from?: number
  readonly to?: number
}

export type ApprovalRecord = {
  readonly by: string
  readonly note: string
  readonly at: number
  /** Agents of the plan whose state this person signed; the rest of it rests on the word alone. */
  readonly signed: readonly AgentId[]
}

export type ConversationRecord = {
  readonly workload: WorkloadId
  readonly peer: string
  readonly port: number
  readonly proto: number
  readonly direction: 'initiated' | 'served'
  readonly start: number
  readonly last: number
  readonly flows: number
  readonly failed: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly service: string | null
}

/** What a rule is learnt from. */
export type ConversationStep = Pick<
  ConversationRecord,
  'workload' | 'peer' | 'port' | 'proto' | 'direction' | 'start' | 'flows' | 'failed'
> & {
  /** five minutes, or an hour in `steps` of which it went on */
  readonly spanMs: number
  readonly steps: number
}

/** One window's traffic and belief, for charts. */
export type HistoryPoint = {
  readonly at: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly belief: Belief | null
  readonly risk: number | null
}

/** Bytes per second both ways, one value per step of the span asked for; null where nothing was heard. */
export type TrafficRow = { readonly id: WorkloadId; readonly values: readonly (number | null)[] }

export const ROLES = ['viewer', 'operator', 'approver', 'admin', 'agent'] as const
export type Role = (typeof ROLES)[number]

export type TokenRecord = {
  readonly id: string
  readonly tenant: TenantId
  readonly name: string
  readonly role: Role
  /** Agents: whom it speaks for. */
  readonly agent: AgentId | null
  /** argon2id, PHC string; never leaves the store. */
  readonly hash: string
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly lastUsed: number | null
}

/** Why automation stands still, since when, by whose word. */
export type Halt = { readonly at: number; readonly by: string; readonly why: Why }

/** What the whole installation is set to. */
export type Settings = {
  readonly homeNetworks: readonly string[]
  readonly neverBlock: readonly string[]
  /** Whose answers say what names in rules stand for, beside the resolvers of personas. */
  readonly resolvers?: readonly string[]
  /** Workloads automation may change per minute; above it, suggest only and an alarm. */
  readonly maxChangesPerMinute: number
  /** 0 to 1: of the fleet, within a minute. Absent = 0.25. */
  readonly maxShareOfFleet?: number
  readonly confirmWithinMs: number
  /** Ids of fail-safe paths that a person took away: the plan that does it needs two people. */
  readonly failSafeOff?: readonly string[]
  /** Automation broke a cap, and only suggests until a person resumes it. */
  readonly tripped?: Halt | null
  /** A person went back to a generation: nothing but containments and what is spared is planned until a person resumes it. */
  readonly pinned?: (Halt & { readonly generation: number }) | null
  readonly version: number
}

export type Page<T> = { readonly items: readonly T[]; readonly next: string | null }
export type PageQuery = { readonly limit: number; readonly cursor: string | null }

export type EvidenceRecord = { readonly workload: WorkloadId; readonly evidence: Evidence }
