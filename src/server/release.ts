/** Undoing a confirmed plan: what its workloads had before, as a draft of its own. Everybody else stays as they are now. */
import type { PlanDraft } from '../decide/plan.ts'
import { personOf } from '../model/actor.ts'
import type { DesiredState } from '../model/desired.ts'
import type { Evidence, Risk } from '../model/evidence.ts'
import type { AgentId } from '../model/ids.ts'
import type { PlanStep } from '../model/plan.ts'
import type { PlanRecord } from '../model/records.ts'
import type { Outcome, Why } from '../model/why.ts'
import type { Gathered } from './decision-input.ts'

export function releaseDraft(state: Gathered, record: PlanRecord, by: string, reason: string): Outcome<PlanDraft> {
  const why: Why = {
    rule: `rollback/${record.plan.id}`,
    text: `${personOf(by)} rolled plan ${record.plan.id} back: ${reason}`.slice(0, 500),
  }
  const undone = new Map(record.plan.steps.map((step) => [step.workload as string, step]))
  const steps: PlanStep[] = []
  const agents = Object.fromEntries(
    Object.entries(state.target).map(([agent, { generation: _generation, plan: _plan, ...target }]) => {
      const workloads = target.workloads.map((now): DesiredState => {
        const step = undone.get(now.workload)
        if (step === undefined) return now
        const after: DesiredState = step.before ?? { ...now, containment: null }
        steps.push({
          ...step,
          from: { ...step.to },
          to: step.from ?? step.to,
          shift: null,
          before: now,
          after,
          why: [why],
        })
        return after
      })
      return [agent, { ...target, workloads }]
    }),
  ) as PlanDraft['agents']
  if (steps.length === 0) {
    return {
      ok: false,
      code: 'nothing-to-undo',
      why: `No workload wears anything of plan ${record.plan.id} any more.`,
      cure: 'Look at guise plan list for the plan in force.',
    }
  }
  return {
    ok: true,
    value: {
      direction: 'change',
      approval: 'auto',
      approvalWhy: { rule: 'approval/asked-for', text: 'nobody: a person asked for what was there before' },
      automatic: [],
      steps,
      skipped: [],
      agents,
      changed: [...new Set(state.workloads.filter((one) => undone.has(one.id)).map((one) => one.agent))] as AgentId[],
      blastRadius: { workloads: steps.length, conversationsCut: 0, cut: [] },
      summary: `restores ${steps.length} workload(s) to what plan ${record.plan.id} found`,
    },
  }
}

/** Where a person's word brings the risk of what they release: below the line where a person is asked. */
const RELEASED_RISK = 0.3
const WORD_HALF_LIFE_MS = 1_800_000

/**
 * A person who releases a containment says that its evidence counts for less: without this the same risk would contain it
 * again within seconds. It fades, and new evidence of another kind or peer counts in full.
 */
export function releaseEvidence(risk: Risk, subject: string, by: string, reason: string, now: number): Evidence | null {
  const weight = Math.max(-10, Math.log(RELEASED_RISK / (1 - RELEASED_RISK)) - risk.sum)
  if (weight >= 0) return null
  return {
    kind: 'manual',
    subject,
    peer: null,
    weight,
    halfLifeMs: WORD_HALF_LIFE_MS,
    at: now,
    authenticated: true,
    source: `person:${by}`.slice(0, 128),
    why: `${personOf(by)} released its containment: ${reason}`.slice(0, 500),
    figures: { riskBefore: risk.value },
  }
}
