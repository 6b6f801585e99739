/** How far a plan is, as steps with times: the record says where it stands, the ledger says when and by whom. */
import { t } from 'i18next'
import { clockSeconds, day } from '../../format.ts'
import type { AuditRecord, PlanPreview, ShiftState } from '../../nouns.ts'
import { personName } from '../../person.ts'

const STEPS = ['proposed', 'approved', 'applying', 'confirming', 'confirmed'] as const
type Step = (typeof STEPS)[number]
const ENDS = ['rolled-back', 'expired', 'refused'] as const
type End = (typeof ENDS)[number]

export type StepView = {
  readonly name: Step | 'applied' | End
  readonly is: 'done' | 'current' | 'open' | 'ended'
  readonly detail: string
}

export const isEnd = (state: ShiftState): state is End => (ENDS as readonly string[]).includes(state)

/** 1 to 5; a plan that ended otherwise stands at the step it had reached. */
export function stepAt(state: ShiftState, reached: readonly ShiftState[] = []): number {
  if (state === 'shadowed') return 1
  const known = isEnd(state) ? [...reached].reverse().find((one) => !isEnd(one)) : state
  const at = STEPS.indexOf((known ?? 'proposed') as Step)
  return at < 0 ? 1 : at + 1
}

export type Probes = { readonly passed: number; readonly all: number }

export function buildSteps(plan: PlanPreview, audit: readonly AuditRecord[], probes: Probes, now: number): StepView[] {
  const moved = (to: ShiftState) => audit.find((row) => row.action === `plan.${to}`)
  const ended = isEnd(plan.state)
  const at = stepAt(
    plan.state,
    (['approved', 'applying', 'confirming', 'confirmed'] as const).filter((state) => moved(state) !== undefined),
  )
  const views = STEPS.map((name, i): StepView => {
    const done = i + 1 < at || plan.state === 'confirmed' || (ended && i + 1 === at)
    const is = done ? 'done' : i + 1 === at ? 'current' : 'open'
    const shown = name === 'applying' && done ? 'applied' : name
    return { name: shown, is, detail: is === 'open' ? '' : detailOf(name, is, plan, audit, probes, now) }
  })
  if (!isEnd(plan.state)) return views
  const row = moved(plan.state)
  const by = row === undefined ? '' : personName(row.actor)
  const last: StepView = { name: plan.state, is: 'ended', detail: said(timeOf(row?.at ?? plan.updated_at, now), by) }
  return [...views.slice(0, at), last]
}

function detailOf(
  name: Step,
  is: 'done' | 'current',
  plan: PlanPreview,
  audit: readonly AuditRecord[],
  probes: Probes,
  now: number,
): string {
  const row = (to: string) => audit.find(({ action }) => action === `plan.${to}`)
  const when = (to: string) => (row(to) === undefined ? '' : timeOf(row(to)!.at, now))
  switch (name) {
    case 'proposed':
      return plan.state === 'proposed' && plan.approvals_needed > plan.approvals.length
        ? t('planPage.waitsFor', { count: plan.approvals_needed - plan.approvals.length })
        : said(timeOf(plan.created_at, now), personName(plan.proposed_by))
    case 'approved': {
      const by = plan.approvals.map((one) => personName(one.by)).join(', ')
      return said(when('approved'), plan.approvals_needed === 0 ? t('planPage.nobody') : by)
    }
    case 'applying': {
      const at = when(is === 'done' ? 'confirming' : 'applying')
      return at === '' ? '' : t('planPage.onAgents', { at, count: plan.agents.length })
    }
    case 'confirming':
      return is === 'current' && probes.all > 0 ? t('planPage.probes', probes) : when('confirming')
    case 'confirmed': {
      const by = row('confirm')
      return said(when('confirmed') || timeOf(plan.updated_at, now), by === undefined ? '' : personName(by.actor))
    }
  }
}

const said = (at: string, by: string) => (at === '' ? by : by === '' ? at : t('planPage.by', { at, by }))

/** Today the time alone, else with the day. */
export function timeOf(at: number, now: number): string {
  return Math.abs(now - at) < 20 * 3_600_000 ? clockSeconds(at) : `${day(at)} ${clockSeconds(at)}`
}
