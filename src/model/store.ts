/**
 * What the rest of Guise asks of the record. `store/` implements it over PostgreSQL; compare-and-set everywhere
 * (`ifVersion`), every write of consequence with its audit line in the same transaction (no audit, no change).
 */
import type { AgentApproval } from './approval.ts'
import type { Belief, PersonaRef } from './belief.ts'
import type { Generation } from './desired.ts'
import type { Evidence, Risk } from './evidence.ts'
import type { SecretBook, SecretRecord, SecretRef } from './facets/secret.ts'
import type { AgentId, DecisionId, PlanId, ShiftId, TenantId, WorkloadId } from './ids.ts'
import type { Kind, Manifest } from './manifest.ts'
import type { ModelPromotion, ModelRecord } from './model-record.ts'
import type { Plan, ShiftState } from './plan.ts'
import type { PlanRow } from './plan-summary.ts'
import type { Mode } from './policy.ts'
import type { ManifestVersion } from './preview.ts'
import type { Lesson, ProposalRecord } from './proposal.ts'
import type {
  AgentRecord,
  ApprovalRecord,
  AuditQuery,
  AuditRecord,
  ConversationRecord,
  ConversationStep,
  DecisionRecord,
  EvidenceRecord,
  HistoryPoint,
  ManifestRecord,
  Page,
  PageQuery,
  PlanRecord,
  Settings,
  ShiftRecord,
  TokenRecord,
  TrafficRow,
  WorkloadRecord,
} from './records.ts'
import type { ClassTalk, Face } from './topology.ts'
import type { Applied, WorkloadReport } from './wire.ts'

export type Audit = {
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly summary: string
}

/** `conflict` = somebody else changed it first (412), `missing` = not there, or another tenant's (404). */
export type Write<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: 'conflict' | 'missing' | 'exists' }

export type Store = {
  /** True when a query answers. */
  healthy(): Promise<boolean>
  close(): Promise<void>

  readonly manifests: {
    list(tenant: TenantId, kind: Kind, page: PageQuery): Promise<Page<ManifestRecord>>
    all(tenant: TenantId, kind: Kind): Promise<readonly ManifestRecord[]>
    get(tenant: TenantId, kind: Kind, id: string): Promise<ManifestRecord | null>
    /** A set applies whole or not at all. `ifVersion` 0 = must not exist, null = whatever is there. */
    apply(
      tenant: TenantId,
      set: readonly { readonly manifest: Manifest; readonly ifVersion: number | null; readonly builtin?: boolean }[],
      audit: Audit,
    ): Promise<Write<readonly ManifestRecord[]>>
    remove(tenant: TenantId, kind: Kind, id: string, ifVersion: number | null, audit: Audit): Promise<Write<null>>
    /** Newest first; also of one that was removed. Empty when there never was one. */
    versions(tenant: TenantId, kind: Kind, id: string): Promise<readonly ManifestVersion[]>
  }

  readonly workloads: {
    list(tenant: TenantId, page: PageQuery): Promise<Page<WorkloadRecord>>
    all(tenant: TenantId): Promise<readonly WorkloadRecord[]>
    get(tenant: TenantId, id: WorkloadId): Promise<WorkloadRecord | null>
    /** What people call those of them that are known. */
    names(tenant: TenantId, ids: readonly WorkloadId[]): Promise<ReadonlyMap<WorkloadId, string>>
    /** Upserts what an agent reports; ids are `workloadId(tenant, key)`. Another agent's live workload is not taken over. */
    report(
      tenant: TenantId,
      agent: AgentId,
      reports: readonly WorkloadReport[],
      now: number,
    ): Promise<readonly WorkloadRecord[]>
    assign(tenant: TenantId, id: WorkloadId, persona: PersonaRef | null, audit: Audit): Promise<Write<WorkloadRecord>>
    /** Batched (unnest): the window step of many workloads at once. */
    observe(
      tenant: TenantId,
      rows: readonly {
        readonly workload: WorkloadId
        readonly at: number
        readonly belief: Belief | null
        readonly risk: Risk | null
        readonly bytesOut: number
        readonly bytesIn: number
        readonly spanMs: number
      }[],
    ): Promise<void>
    /** `worn` as read back from the kernel by the agent. */
    wear(
      tenant: TenantId,
      rows: readonly {
        readonly workload: WorkloadId
        readonly worn: PersonaRef
        readonly containedUntil: number | null
      }[],
      now: number,
    ): Promise<void>
    /** Of all workloads of an agent that enforces nothing. */
    unwear(tenant: TenantId, agent: AgentId, now: number): Promise<void>
    /**
     * Those that were not seen or told of for as long as they are kept, and that nobody's wish rests on: gone, with one line for
     * all of them. `present`: agents that would have told of them. One that comes back is new.
     */
    forgetOver(tenant: TenantId, present: readonly AgentId[], now: number): Promise<readonly WorkloadId[]>
    history(tenant: TenantId, id: WorkloadId, from: number, to: number): Promise<readonly HistoryPoint[]>
    /** Bytes per second of every workload heard of in the span, in `points` steps of equal length; null = not heard of. */
    traffic(tenant: TenantId, from: number, to: number, points: number): Promise<readonly TrafficRow[]>
  }

  readonly evidence: {
    add(tenant: TenantId, rows: readonly EvidenceRecord[]): Promise<void>
    /** Newest first; one row per (workload, kind, peer): a repeat replaces the older one. */
    of(tenant: TenantId, id: WorkloadId, since: number): Promise<readonly Evidence[]>
    since(tenant: TenantId, since: number): Promise<readonly EvidenceRecord[]>
  }

  readonly conversations: {
    /** Upsert by (workload, peer, port, proto, direction, start); figures replace (they are running totals). */
    put(tenant: TenantId, rows: readonly ConversationRecord[]): Promise<void>
    of(tenant: TenantId, id: WorkloadId, since: number, limit: number): Promise<readonly ConversationRecord[]>
    /** Of several workloads, summed over the span by peer and service, those with the most flows first; `start` is the first's. */
    busiest(
      tenant: TenantId,
      ids: readonly WorkloadId[],
      since: number,
      limit: number,
    ): Promise<readonly ConversationRecord[]>
    /** How far back `steps` reaches, ms. */
    readonly learntMs: number
    /** Of several workloads, what a rule is learnt from: the newest first, those older than a day summed by the hour. */
    steps(
      tenant: TenantId,
      ids: readonly WorkloadId[],
      since: number,
      limit: number,
    ): Promise<readonly ConversationStep[]>
  }

  /** Mean bytes per second by steps of 5 minutes (two weeks) and by the hour; steps that were not looked at have no row. */
  readonly traffic: {
    /** Of several workloads together; `lives` = first and last step of each of them in the span. */
    sums(
      tenant: TenantId,
      ids: readonly WorkloadId[],
      stepMs: number,
      from: number,
      to: number,
    ): Promise<{
      readonly rows: readonly {
        readonly at: number
        readonly known: number
        readonly out: number
        readonly in: number
      }[]
      readonly lives: readonly { readonly first: number; readonly last: number }[]
    }>
    /** Of each by itself. */
    each(
      tenant: TenantId,
      ids: readonly WorkloadId[],
      stepMs: number,
      from: number,
      to: number,
    ): Promise<readonly { readonly workload: string; readonly at: number; readonly out: number; readonly in: number }[]>
    /** Their services since, by name, those with the most bytes first. */
    services(tenant: TenantId, ids: readonly WorkloadId[], from: number, limit: number): Promise<readonly string[]>
    /** Bytes both ways of one service by the hour; no row before `until` = none. */
    service(
      tenant: TenantId,
      ids: readonly WorkloadId[],
      service: string,
      from: number,
    ): Promise<{ readonly bytes: readonly { readonly at: number; readonly bytes: number }[]; readonly until: number }>
  }

  /** Conversations summed for the map of who talks to whom. */
  readonly topology: {
    /** How long conversations are kept, ms. */
    readonly keptMs: number
    /** Every workload, with no more than the map needs of it. */
    faces(tenant: TenantId): Promise<readonly Face[]>
    /** The last confirmed plan, without reading it. */
    target(tenant: TenantId): Promise<PlanId | null>
    /** Summed by class: those of the workloads given, and of the addresses given; other peers come by their address. */
    talks(
      tenant: TenantId,
      from: number,
      to: number,
      workloads: { readonly ids: readonly WorkloadId[]; readonly classes: readonly number[] },
      addresses: { readonly texts: readonly string[]; readonly classes: readonly number[] },
    ): Promise<{ readonly rows: readonly ClassTalk[]; readonly cut: boolean }>
    /** Which of the samples (`WORKLOAD PEER`) spoke before. */
    spokeBefore(tenant: TenantId, samples: readonly string[], before: number): Promise<ReadonlySet<string>>
    /** Conversations of some workloads with some peers, by service over the whole span; failed first, then by bytes. */
    between(
      tenant: TenantId,
      from: number,
      to: number,
      workloads: readonly WorkloadId[],
      peers: { readonly only: readonly string[] } | { readonly except: readonly string[] },
      limit: number,
    ): Promise<readonly ConversationRecord[]>
  }

  readonly plans: {
    /** Takes the next generation and stores plan, decision, shifts and audit in one transaction; `conflict` when `parent` is not the target. */
    propose(
      tenant: TenantId,
      make: (generation: Generation, id: PlanId, parent: PlanId | null) => Plan,
      decision: DecisionRecord,
      shifts: readonly ShiftRecord[],
      audit: Audit,
    ): Promise<Write<PlanRecord>>
    /** Moves a plan (and its shifts) along SHIFT_MOVES; a move to `confirmed` makes it the target. */
    move(tenant: TenantId, id: PlanId, to: ShiftState, audit: Audit): Promise<Write<PlanRecord>>
    approve(
      tenant: TenantId,
      id: PlanId,
      by: string,
      note: string,
      audit: Audit,
      signatures?: readonly AgentApproval[],
    ): Promise<Write<PlanRecord>>
    /**
     * A wish that nothing was sent for yet is refused, and every plan that waits with it; answers these. What else they carry
     * goes on being wished. `conflict` when it is over, or under way.
     */
    withdraw(tenant: TenantId, shift: ShiftId, audit: Audit): Promise<Write<readonly PlanRecord[]>>
    get(tenant: TenantId, id: PlanId): Promise<PlanRecord | null>
    /** The plan of that generation, if it is one that was confirmed. */
    confirmedAt(tenant: TenantId, generation: number): Promise<PlanRecord | null>
    list(tenant: TenantId, page: PageQuery): Promise<Page<PlanRecord>>
    /** As `list`, without rules and what agents get; of these states only, when any are named. */
    rows(tenant: TenantId, page: PageQuery & { readonly states: readonly ShiftState[] }): Promise<Page<PlanRow>>
    /** Oldest first. */
    approvals(tenant: TenantId, id: PlanId): Promise<readonly ApprovalRecord[]>
    /** What they signed, for the agents. */
    signatures(tenant: TenantId, id: PlanId): Promise<readonly AgentApproval[]>
    /** The last confirmed plan, and the newest one still under way. */
    target(tenant: TenantId): Promise<{ readonly confirmed: PlanRecord | null; readonly pending: PlanRecord | null }>
  }

  readonly proposals: {
    /** Of every state, those changed last first. */
    all(tenant: TenantId): Promise<readonly ProposalRecord[]>
    /** What a round found out, against the version in the record; null when a person changed it meanwhile. */
    refresh(tenant: TenantId, record: ProposalRecord): Promise<ProposalRecord | null>
    /** A person's word: all of it or nothing, each against the version in its record, 0 = must not exist. */
    change(
      tenant: TenantId,
      records: readonly ProposalRecord[],
      lessons: readonly Lesson[],
      audit: Audit,
    ): Promise<Write<readonly ProposalRecord[]>>
    /** Oldest first; one for each workload, the last that was said. */
    lessons(tenant: TenantId): Promise<readonly Lesson[]>
  }

  readonly models: {
    /** Newest first, without their files. */
    all(tenant: TenantId): Promise<readonly ModelRecord[]>
    /** The file as it was given, parsed; null when there is no such model. */
    file(tenant: TenantId, id: string): Promise<object | null>
    add(tenant: TenantId, record: ModelRecord, file: object, audit: Audit): Promise<Write<ModelRecord>>
    /** `conflict` when it ships with Guise or was ever in force: the history needs it. */
    remove(tenant: TenantId, id: string, audit: Audit): Promise<Write<null>>
    /** Newest first: the first one's model is in force. */
    history(tenant: TenantId): Promise<readonly ModelPromotion[]>
    /** The next line; `conflict` when there is a line of that number already, `missing` when there is no such model. */
    promote(tenant: TenantId, line: ModelPromotion, audit: Audit): Promise<Write<ModelPromotion>>
  }

  readonly shifts: {
    get(tenant: TenantId, id: ShiftId): Promise<ShiftRecord | null>
    list(tenant: TenantId, page: PageQuery): Promise<Page<ShiftRecord>>
    of(tenant: TenantId, workload: WorkloadId): Promise<readonly ShiftRecord[]>
    /** Every one under way or confirmed, newest first: what decides who wears what. */
    current(tenant: TenantId): Promise<readonly ShiftRecord[]>
    /** Confirmed ones whose `until` has passed. */
    due(tenant: TenantId, now: number): Promise<readonly ShiftRecord[]>
    move(tenant: TenantId, id: ShiftId, to: ShiftState, audit: Audit): Promise<Write<ShiftRecord>>
  }

  readonly agents: {
    list(tenant: TenantId): Promise<readonly AgentRecord[]>
    get(tenant: TenantId, id: AgentId): Promise<AgentRecord | null>
    /** First contact creates it. Answers false when (boot, sequence) was seen before: the report has no further effect. */
    seen(
      tenant: TenantId,
      id: AgentId,
      report: {
        host: string
        mode: Mode
        boot: string
        sequence: number
        applied: Applied | null
        counters: Record<string, number>
      },
      now: number,
    ): Promise<boolean>
  }

  readonly ledger: {
    decide(decision: DecisionRecord, audit: Audit): Promise<void>
    decision(tenant: TenantId, id: DecisionId): Promise<DecisionRecord | null>
    decisions(
      tenant: TenantId,
      page: PageQuery & { readonly workload: WorkloadId | null },
    ): Promise<Page<DecisionRecord>>
    audit(tenant: TenantId, audit: Audit): Promise<void>
    /** Newest first. A filter looks at a bounded number of rows: fewer than asked for, even none, may come with a `next`. */
    audits(tenant: TenantId, page: PageQuery & AuditQuery): Promise<Page<AuditRecord>>
    /** Recomputes the chain and checks the signed head; the first broken row when it is not whole. */
    verify(
      tenant: TenantId,
    ): Promise<
      | { readonly ok: true; readonly rows: number; readonly head: string }
      | { readonly ok: false; readonly at: number; readonly why: string }
    >
    /** Destroys the subject's key: sealed personal fields are gone, the chain still verifies. */
    forget(tenant: TenantId, subject: string, audit: Audit): Promise<number>
  }

  readonly tokens: {
    add(token: TokenRecord, audit: Audit): Promise<void>
    all(tenant: TenantId): Promise<readonly TokenRecord[]>
    byId(id: string): Promise<TokenRecord | null>
    used(id: string, now: number): Promise<void>
    remove(tenant: TenantId, id: string, audit: Audit): Promise<Write<null>>
    /** Uses a single-use secret (enrolment, first-run link) up; false when it was used, is unknown or too old. */
    spend(id: string, now: number): Promise<boolean>
  }

  readonly sessions: {
    add(session: {
      id: string
      tenant: TenantId
      token: string
      csrf: string
      createdAt: number
      expiresAt: number
    }): Promise<void>
    get(id: string, now: number): Promise<{ tenant: TenantId; token: string; csrf: string; expiresAt: number } | null>
    remove(id: string): Promise<void>
  }

  readonly idempotency: {
    /** The stored answer when the key was used before by the same actor on the same route; `mismatch` when the body differs. */
    find(
      tenant: TenantId,
      actor: string,
      key: string,
      bodyHash: string,
    ): Promise<{ status: number; body: unknown } | 'mismatch' | null>
    keep(
      tenant: TenantId,
      actor: string,
      key: string,
      bodyHash: string,
      status: number,
      body: unknown,
      now: number,
    ): Promise<void>
  }

  readonly settings: {
    get(tenant: TenantId): Promise<Settings>
    put(tenant: TenantId, settings: Settings, audit: Audit): Promise<Write<Settings>>
  }

  /** Values come in; what goes out is sealed to an agent. */
  readonly secrets: {
    all(tenant: TenantId): Promise<readonly SecretRecord[]>
    newest(tenant: TenantId): Promise<SecretBook>
    /** A new version, unless the value is the one there is. `ifVersion` 0 = must not exist, null = whatever is there. */
    put(
      tenant: TenantId,
      name: string,
      value: string,
      ifVersion: number | null,
      audit: Audit,
    ): Promise<Write<SecretRecord>>
    remove(
      tenant: TenantId,
      name: string,
      ifVersion: number | null,
      audit: Audit,
    ): Promise<Write<null> | { readonly ok: false; readonly code: 'used'; readonly usedBy: readonly string[] }>
    /** Boxes for `publicKey` alone (model/facets/secret-box.ts); what is not there any more is left out. */
    sealFor(
      tenant: TenantId,
      agent: AgentId,
      publicKey: string,
      refs: readonly SecretRef[],
    ): Promise<readonly (SecretRef & { readonly sealed: string })[]>
    /** False when the agent is known by another key, and this is only its `first` word. Audited when it is new. */
    introduce(
      tenant: TenantId,
      agent: AgentId,
      publicKey: string,
      how: 'first' | 'anew',
      audit: Audit,
    ): Promise<boolean>
    /** `missing` when none was known. */
    forgetKey(tenant: TenantId, agent: AgentId, audit: Audit): Promise<Write<null>>
  }
}
