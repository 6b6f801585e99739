/** Small whole records for tests of the store and of what stands on it. */
import type { AgentState, Generation } from '../src/model/desired.ts'
import type { AgentId, DecisionId, PersonaId, PlanId, ShiftId, TenantId, WorkloadId } from '../src/model/ids.ts'
import type { PersonaManifest } from '../src/model/manifest.ts'
import type { Plan } from '../src/model/plan.ts'
import type { ConversationRecord, DecisionRecord, EvidenceRecord, ShiftRecord } from '../src/model/records.ts'
import type { WorkloadReport } from '../src/model/wire.ts'

export const MAIN = 'main' as TenantId
export const OTHER = 'other' as TenantId

export function auditBy(actor: string, action = 'test') {
  return { actor, action, object: 'thing/1', summary: `did ${action}` }
}

export function personaManifest(name: string, description = ''): PersonaManifest {
  return { apiVersion: 'guise/v1', kind: 'Persona', metadata: { name, description }, spec: {} }
}

export function workloadReport(key: string): WorkloadReport {
  return { key, name: key, kind: 'namespace' as never, driver: 'netns', interface: null, addresses: [], labels: {} }
}

export function personaRef(name: string) {
  return { id: name.toLowerCase() as PersonaId, name, version: 1 }
}

export function decisionRecord(id: string, tenant = MAIN): DecisionRecord {
  return {
    id: id as DecisionId,
    tenant,
    at: 1_000,
    kind: 'plan',
    workload: 'w_1' as WorkloadId,
    inputs: { window: 'a'.repeat(64) },
    features: [0.1, 1e21, -0, 3],
    versions: { model: 'm1', features: 'f1', rules: 'r1', policies: 'p1' },
    seed: 42,
    summary: 'decided',
    detail: { nested: [1, { b: 2, a: 1 }] },
  }
}

/** A `make` for `plans.propose`; `parent` is what the maker believed the target to be. */
export function planMaker(decision: DecisionId, parent?: PlanId | null) {
  return (generation: Generation, id: PlanId, target: PlanId | null): Plan => ({
    id,
    tenant: MAIN,
    parent: parent === undefined ? target : parent,
    generation,
    direction: 'change',
    approval: 'auto',
    steps: [],
    skipped: [{ workload: 'w_1' as WorkloadId, why: { rule: 'test', text: 'hostile \0 name' } }],
    agents: {} as Record<AgentId, AgentState>,
    decision,
    blastRadius: { workloads: 0, conversationsCut: 0, cut: [] },
    createdAt: 1_000,
    proposedBy: 'alice',
  })
}

export function shiftRecord(id: string, until: number | null = null): ShiftRecord {
  return {
    id: id as ShiftId,
    tenant: MAIN,
    workload: 'w_1' as WorkloadId,
    from: null,
    to: personaRef('Database'),
    plan: null,
    state: 'proposed',
    requestedBy: 'alice',
    why: [{ rule: 'test', text: 'because' }],
    until,
    createdAt: 1_000,
    updatedAt: 1_000,
    version: 1,
  }
}

export function evidenceRecord(
  workload: WorkloadId,
  peer: string | null,
  at: number,
  halfLifeMs = 60_000,
): EvidenceRecord {
  return {
    workload,
    evidence: {
      kind: 'beacon',
      subject: workload,
      peer,
      weight: 2,
      halfLifeMs,
      at,
      authenticated: true,
      source: 'test/1',
      why: 'every 60 s',
      figures: { period: 60 },
    },
  }
}

export function conversationRecord(workload: WorkloadId, peer: string, last: number, flows = 1): ConversationRecord {
  return {
    workload,
    peer,
    port: 443,
    proto: 6,
    direction: 'initiated',
    start: 0,
    last,
    flows,
    failed: 0,
    bytesOut: 10,
    bytesIn: 20,
    service: null,
  }
}
