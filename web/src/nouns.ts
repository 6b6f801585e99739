/** The nouns of the API as the console holds them: the shared records, plus the few fields the API adds for reading. */
import type { Role } from '../../src/model/records.ts'
import type { Why } from '../../src/model/why.ts'

export type { Belief } from '../../src/model/belief.ts'
export type { DesiredState, ResolvedRule, RuleList } from '../../src/model/desired.ts'
export type { Drift, DriftAnswer, DriftMetric, DriftSeries } from '../../src/model/drift.ts'
export type { Evidence, Risk, RiskTerm } from '../../src/model/evidence.ts'
export type { FeatureStanding, WorkloadFeatures } from '../../src/model/feature-standing.ts'
export type { GateReport } from '../../src/model/gate.ts'
export type { ShiftState } from '../../src/model/plan.ts'
export type {
  AgentPreview,
  FacetDiff,
  FacetName,
  NftLine,
  PlanPreview,
  RuleDiff,
  RuleText,
  StepPreview,
  WornFacet,
} from '../../src/model/plan-preview.ts'
/** Lists give heads: no rules, no states of agents. What is of one plan alone is in its preview. */
export type { PlanHead as PlanRecord, PlanSummary } from '../../src/model/plan-summary.ts'
export type {
  AgentRecord,
  AuditRecord,
  ConversationRecord,
  EvidenceRecord,
  HistoryPoint,
  ManifestRecord,
  Page,
  ShiftRecord,
  SourceDetail,
  SourcePoint,
  SourceRecord,
  TrafficRow,
  WorkloadRecord,
} from '../../src/model/records.ts'
export type { FigureTold, VitalsTold } from '../../src/model/vitals.ts'
export type { Why } from '../../src/model/why.ts'

/** As model/belief.ts has them; repeated so that the console does not load the schema library. */
export const DEFAULT_PERSONA = 'Standard User'
export const ABSTAIN_BELOW = 0.8

export type Verdict = 'allow' | 'deny' | 'would-deny' | 'unjudged'

export type Session = { readonly name: string; readonly role: Role; readonly csrf: string }

export type { Role, Why as Reason }

/** RFC 9457 */
export type Problem = {
  readonly type?: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly cure?: string
  readonly instance?: string
}
