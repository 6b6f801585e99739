/** Undoing a confirmed plan: what its workloads had before, as a draft of its own. Everybody else stays as they are now. */
import type { PlanDraft } from '../decide/plan.ts'
import type { DesiredState } from '../model/desired.ts'
import type { AgentId } from '../model/ids.ts'
import type { PlanStep } from '../model/plan.ts'
import type { PlanRecord } from '../model/records.ts'
import type { Outcome, Why } from '../model/why.ts'
import type { Gathered } from './decision-input.ts'

export function releaseDraft(state: Gathered, record: PlanRecord, by: string, reason: string): Outcome<PlanDraft> {
  const why: Why = {
    rule: `rollback/${record.plan.id}`,
    text: `${by} rolled plan ${record.plan.id} back: ${reason}`.slice(0, 500),
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
      steps,
      skipped: [],
      agents,
      changed: [...new Set(state.workloads.filter((one) => undone.has(one.id)).map((one) => one.agent))] as AgentId[],
      blastRadius: { workloads: steps.length, conversationsCut: 0, cut: [] },
      summary: `restores ${steps.length} workload(s) to what plan ${record.plan.id} found`,
    },
  }
}
