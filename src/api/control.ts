/**
 * The seam between the API and the loop (server/): everything the API asks to *happen*. The API never changes a plan, a
 * worn persona or an agent's state by itself; it records what people wrote and asks. Expected refusals come back as values.
 */
import type { IntelEntry } from '../decide/peer-sets.ts'
import type { DecideInput } from '../decide/plan.ts'
import type { AgentApproval } from '../model/approval.ts'
import type { DriftAnswer } from '../model/drift.ts'
import type { WorkloadFeatures } from '../model/feature-standing.ts'
import type { ForecastOf, ForecastReport, ForecastStep } from '../model/forecast.ts'
import type { ForeignChain } from '../model/foreign-chain.ts'
import type { AgentId, PersonaId, PlanId, ShiftId, TenantId, WorkloadId } from '../model/ids.ts'
import type { MachineAct, MachineOrderRecord, MachinesOf } from '../model/machine-order.ts'
import type { ModelPromoted, ModelShadow } from '../model/model-record.ts'
import type { PersonaMap } from '../model/persona-map.ts'
import type { ShiftState } from '../model/plan.ts'
import type { Mode } from '../model/policy.ts'
import type { Lesson, ProposalAct, ProposalRecord } from '../model/proposal.ts'
import type { PlanRecord, SourceDetail, SourceRecord } from '../model/records.ts'
import type { RuleHit } from '../model/rule-hit.ts'
import type { VitalsTold } from '../model/vitals.ts'
import type { Outcome, Why } from '../model/why.ts'
import type { AgentReport, ServerMessage } from '../model/wire.ts'

export type ShiftRequest = {
  readonly tenant: TenantId
  readonly workload: WorkloadId
  readonly persona: PersonaId
  /** epoch ms when it ends by itself; null = stays. */
  readonly until: number | null
  readonly by: string
  readonly why: readonly Why[]
  /** Of whoever asks, the same for every repetition of one request: it is taken once, whatever dies in between. */
  readonly key: string | null
}

export type ShiftAccepted = {
  readonly shift: ShiftId
  /** Null when nothing had to change: it wears that already. */
  readonly plan: PlanId | null
  readonly state: ShiftState
}

export type FlowQuestion = {
  readonly to: string
  /** Null when the protocol has none. */
  readonly port: number | null
  readonly protocol: 'tcp' | 'udp' | 'icmp'
}

export type ForecastQuestion = {
  readonly tenant: TenantId
  readonly of: ForecastReport['of'] & { readonly id: string }
  /** Added up. */
  readonly members: readonly WorkloadId[]
  /** Whom a young one leans on: others of its persona. */
  readonly like: readonly WorkloadId[]
  readonly step: ForecastStep
  readonly what: ForecastOf
  /** Steps, at most `MOST_AHEAD`. */
  readonly horizon: number
}

export type Control = {
  requestShift(request: ShiftRequest): Promise<Outcome<ShiftAccepted>>
  /** Ends a shift before its time: back to what was worn before it; one that waits is withdrawn. */
  undoShift(request: {
    readonly tenant: TenantId
    readonly shift: ShiftId
    readonly by: string
  }): Promise<Outcome<ShiftAccepted>>
  /** Self-approval was refused before this is called. */
  approvePlan(request: {
    readonly tenant: TenantId
    readonly plan: PlanId
    readonly by: string
    readonly note: string
    /** For hosts whose floor asks for them. */
    readonly signatures?: readonly AgentApproval[]
  }): Promise<Outcome<PlanRecord>>
  confirmPlan(request: {
    readonly tenant: TenantId
    readonly plan: PlanId
    readonly by: string
  }): Promise<Outcome<PlanRecord>>
  rollbackPlan(request: {
    readonly tenant: TenantId
    readonly plan: PlanId
    readonly by: string
    readonly why: string
  }): Promise<Outcome<PlanRecord>>
  /** A new plan that restores what was in force in that generation; planning is held there until `resume`. */
  rollbackTo(request: {
    readonly tenant: TenantId
    readonly generation: number
    readonly by: string
    readonly why: string
  }): Promise<Outcome<PlanRecord>>
  /** The plan that `rollbackTo` would make now; nothing is stored. Its generation is the one it goes back to. */
  lookBackTo(request: {
    readonly tenant: TenantId
    readonly generation: number
    readonly by: string
  }): Promise<Outcome<PlanRecord>>
  /** Lets automation go on after a broken cap or a rollback to a generation. */
  resume(request: { readonly tenant: TenantId; readonly by: string; readonly why: string }): Promise<Outcome<null>>
  /** Manifests or settings were written: read them again and decide anew. */
  manifestsChanged(tenant: TenantId): void
  /** What the feeds say of addresses, for the tests of policies. */
  ratings(tenant: TenantId): readonly IntelEntry[]
  /** The whole state a decision would be made on now, without conversations: for previews, which decide nothing. */
  decisionInput(tenant: TenantId): Promise<DecideInput>
  /** The machines of its host as its agent told of them, and the orders about them. */
  machines(tenant: TenantId, agent: AgentId): MachinesOf
  /** Accepted is not done: what becomes of it is told by its agent. */
  orderMachine(request: {
    readonly tenant: TenantId
    readonly agent: AgentId
    readonly machine: string
    readonly act: MachineAct
    readonly by: string
    readonly key: string | null
  }): Promise<Outcome<MachineOrderRecord>>
  approveMachine(request: {
    readonly tenant: TenantId
    readonly agent: AgentId
    readonly order: string
    readonly by: string
  }): Promise<Outcome<MachineOrderRecord>>
  setMode(request: {
    readonly tenant: TenantId
    readonly agent: AgentId
    readonly mode: Mode
    readonly by: string
  }): Promise<Outcome<null>>
  /** The body was validated and belongs to `agent`; a repeat of (boot, sequence) has no effect. */
  agentReport(tenant: TenantId, agent: AgentId, report: AgentReport): Promise<void>
  /** Hooks of others in the kernel of that agent, as it told last. */
  beside(tenant: TenantId, agent: AgentId): readonly ForeignChain[]
  /** What the kernel of that agent counted of these rules. */
  ruleHits(tenant: TenantId, agent: AgentId, rules: readonly string[]): readonly RuleHit[]
  /** How far it is from all it has been, and its last hour; null until a window of it was whole. */
  drift(tenant: TenantId, workload: WorkloadId): DriftAnswer
  /** What is expected of some workloads together. */
  forecast(question: ForecastQuestion): Promise<Outcome<ForecastReport>>
  /** What it uses and does that is no flow; null: not this tenant's. */
  vitals(tenant: TenantId, workload: WorkloadId): VitalsTold | null
  /** Its last whole window beside what the persona of that name is like. */
  features(
    tenant: TenantId,
    workload: WorkloadId,
    persona: string | null,
  ): Pick<WorkloadFeatures, 'at' | 'model' | 'features'>
  /** By agent and name, as their agents told of them last. */
  sources(tenant: TenantId): readonly SourceRecord[]
  source(tenant: TenantId, id: string): SourceDetail | null
  /** What a person makes of a proposal; the record that the word was about comes back. */
  changeProposal(request: {
    readonly tenant: TenantId
    readonly proposal: string
    readonly act: ProposalAct
    readonly by: string
  }): Promise<Outcome<ProposalRecord>>
  /** Who behaves alike, by the last windows. */
  personaMap(tenant: TenantId): Promise<PersonaMap>
  /** A person's word on what a workload is, learnt from its last windows and kept. */
  teach(request: {
    readonly tenant: TenantId
    readonly workload: WorkloadId
    readonly persona: string
    readonly by: string
  }): Promise<Outcome<Lesson>>
  /** Beliefs are made by that model from the next window on, here and after a restart. */
  promoteModel(request: {
    readonly tenant: TenantId
    readonly model: string
    readonly by: string
    readonly why: string
  }): Promise<Outcome<ModelPromoted>>
  /** Back to the model that was in force before the one that is. */
  rollbackModel(request: {
    readonly tenant: TenantId
    readonly by: string
    readonly why: string
  }): Promise<Outcome<ModelPromoted>>
  /** What that model would call the fleet by its last windows; nothing is changed. */
  shadowModel(tenant: TenantId, model: string): Promise<Outcome<ModelShadow>>
  /** A certificate of the workloads' CA for these names, with its chain; null when the request is not sound. */
  signCertificate(request: string, names: readonly string[], days: number): Promise<string | null>
  /** Ends when `signal` aborts or a newer connection of the same agent takes over. */
  desiredStream(tenant: TenantId, agent: AgentId, signal: AbortSignal): AsyncIterable<ServerMessage>
  /** The whole report on one workload; answered as JSON as it is. */
  explain(tenant: TenantId, workload: WorkloadId): Promise<Outcome<object>>
  explainFlow(tenant: TenantId, workload: WorkloadId, question: FlowQuestion): Promise<Outcome<object>>
  /** Between any two addresses. */
  explainBetween(tenant: TenantId, from: string, question: FlowQuestion): Promise<Outcome<object>>
}
