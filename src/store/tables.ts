/** The rows, as the database holds them. Each aggregate's file turns them into the nouns of model/ and back. */
import type { ColumnType } from 'kysely'
import type { AgentApproval } from '../model/approval.ts'
import type { Belief, PersonaRef } from '../model/belief.ts'
import type { Evidence, Risk } from '../model/evidence.ts'
import type { Manifest } from '../model/manifest.ts'
import type { ModelAct, ModelKind, ModelRecord } from '../model/model-record.ts'
import type { Plan } from '../model/plan.ts'
import type { Lesson, ProposalRecord } from '../model/proposal.ts'
import type { Settings } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import type { Applied, WorkloadReport } from '../model/wire.ts'

/** Written as text, read as the value. */
type Json<T> = ColumnType<T, string, string>
type NullableJson<T> = ColumnType<T | null, string | null, string | null>

export type Tables = {
  tenants: { tenant: string; generation: number; target: string | null }
  settings: { tenant: string; settings: Json<Omit<Settings, 'version'>>; version: number }
  manifests: {
    tenant: string
    kind: string
    id: string
    manifest: Json<Manifest>
    builtin: boolean
    version: number
    updated_at: number
    updated_by: string
    /** Kept after removal, so that a name made again goes on counting versions and an old ETag never fits. */
    removed_at: number | null
  }
  manifest_versions: {
    tenant: string
    kind: string
    id: string
    version: number
    at: number
    by: string
    /** Null: removed then. */
    manifest: NullableJson<Manifest>
  }
  agents: {
    tenant: string
    id: string
    host: string
    mode: string
    last_report: number | null
    applied: NullableJson<Applied>
    counters: Json<Record<string, number>>
    version: number
  }
  agent_boots: { tenant: string; agent: string; boot: string; sequence: number; at: number }
  workloads: {
    tenant: string
    id: string
    agent: string
    report: Json<WorkloadReport>
    assigned: NullableJson<PersonaRef>
    worn: NullableJson<PersonaRef>
    worn_since: number | null
    contained_until: number | null
    belief: NullableJson<Belief>
    risk: NullableJson<Risk>
    /** bytes per second */
    rate_out: number
    rate_in: number
    first_seen: number
    last_seen: number
    version: number
  }
  workload_history: {
    tenant: string
    workload: string
    at: number
    bytes_out: number
    bytes_in: number
    belief: NullableJson<Belief>
    risk: number | null
  }
  evidence: {
    tenant: string
    workload: string
    kind: string
    /** Empty = none. */
    peer: string
    at: number
    /** When it has decayed to nothing worth keeping. */
    ends_at: number
    evidence: Json<Evidence>
  }
  conversations: {
    tenant: string
    workload: string
    peer: string
    port: number
    proto: number
    direction: 'initiated' | 'served'
    start: number
    last: number
    flows: number
    failed: number
    bytes_out: number
    bytes_in: number
    service: string | null
  }
  conversation_hours: {
    tenant: string
    workload: string
    peer: string
    port: number
    proto: number
    direction: 'initiated' | 'served'
    hour: number
    steps: number
    flows: number
    failed: number
  }
  traffic_steps: {
    tenant: string
    workload: string
    step_ms: number
    start: number
    /** Of the step, so much was looked at. */
    seen_ms: number
    bytes_out: number
    bytes_in: number
  }
  service_hours: { tenant: string; workload: string; hour: number; service: string; bytes: number }
  plans: {
    tenant: string
    id: string
    parent: string | null
    system: string
    timeline: number
    n: number
    state: string
    plan: Json<Plan>
    approved_by: Json<readonly string[]>
    updated_at: number
    version: number
  }
  plan_approvals: {
    tenant: string
    plan: string
    approver: string
    note: string
    at: number
    signatures: NullableJson<readonly AgentApproval[]>
  }
  shifts: {
    tenant: string
    id: string
    workload: string
    worn_before: NullableJson<PersonaRef>
    wanted: Json<PersonaRef>
    plan: string | null
    state: string
    requested_by: string
    why: Json<readonly Why[]>
    until: number | null
    created_at: number
    updated_at: number
    version: number
  }
  ledger: {
    tenant: string
    n: number
    entry: 'audit' | 'decision'
    at: number
    decision: string | null
    workload: string | null
    /** Canonical JSON: exactly the bytes that were hashed. */
    body: string
    hash: Buffer
  }
  ledger_heads: { tenant: string; n: number; hash: Buffer; signature: Buffer | null }
  subject_keys: {
    tenant: string
    id: string
    /** Keyed hash of the name, never the name; null once forgotten. */
    subject: string | null
    wrapped: Buffer | null
    created_at: number
    destroyed_at: number | null
  }
  tokens: {
    tenant: string
    id: string
    name: string
    role: string
    agent: string | null
    hash: string
    created_at: number
    expires_at: number | null
    last_used: number | null
    spent_at: number | null
  }
  sessions: {
    tenant: string
    /** SHA-256 of the cookie's value, which the record never holds. */
    id: string
    token: string
    csrf: string
    created_at: number
    expires_at: number
  }
  idempotency_keys: {
    tenant: string
    actor: string
    key: string
    body_hash: string
    status: number
    body: Json<unknown>
    at: number
  }
  secrets: {
    tenant: string
    name: string
    version: number
    /** Null: the name was removed then, and goes on counting. */
    sealed: Buffer | null
    digest: string
    at: number
    by: string
  }
  proposals: {
    tenant: string
    id: string
    state: string
    proposal: Json<Omit<ProposalRecord, 'version'>>
    updated_at: number
    version: number
  }
  lessons: {
    tenant: string
    workload: string
    persona: string
    vectors: Json<Lesson['vectors']>
    at: number
    by: string
  }
  models: {
    tenant: string
    id: string
    name: string
    kind: ModelKind
    features: string
    personas: Json<ModelRecord['personas']>
    provenance: Json<ModelRecord['provenance']>
    file: Json<object>
    added_by: string
    added_at: number
  }
  model_promotions: {
    tenant: string
    n: number
    model: string
    act: ModelAct
    back: number | null
    why: string
    by: string
    at: number
  }
  /** X25519, raw, base64url: what secrets for this agent are sealed to. */
  agent_keys: { tenant: string; agent: string; public_key: string; at: number }
}
