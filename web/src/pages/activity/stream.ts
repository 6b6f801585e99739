/** Shifts, plans, evidence and audit lines as one stream, newest first, each a sentence with its place to go. */
import { t } from 'i18next'
import { probability, signed } from '../../format.ts'
import type { AuditRecord, PlanRecord, ShiftRecord, WorkloadRecord } from '../../nouns.ts'
import { personName } from '../../person.ts'
import { sentence } from '../../sentence.ts'

export const STREAM_KINDS = ['shift', 'plan', 'evidence', 'audit'] as const
export type StreamKind = (typeof STREAM_KINDS)[number]

export type Entry = {
  readonly id: string
  readonly kind: StreamKind
  readonly at: number
  readonly title: string
  readonly detail: string | null
  readonly actor: string
  /** workload to open, when it is about one */
  readonly workload: string | null
  /** A line of the audit that an entry of another kind says already: only under Audit. */
  readonly step?: boolean
}

export function buildStream(
  workloads: readonly WorkloadRecord[],
  plans: readonly PlanRecord[],
  shifts: readonly ShiftRecord[],
  audit: readonly AuditRecord[],
): Entry[] {
  const names = new Map<string, string>(workloads.map((w) => [w.id, w.report.name]))
  const named = (id: string) => names.get(id) ?? id
  const entries = [
    ...shifts.map(
      (shift): Entry => ({
        id: `shift ${shift.id}`,
        kind: 'shift',
        at: shift.updatedAt,
        title: t('activity.shift', {
          name: named(shift.workload),
          to: `${shift.to.name} v${shift.to.version}`,
          state: t(`shift.${shift.state}`).toLowerCase(),
        }),
        detail: shift.why[0] === undefined ? null : sentence(shift.why[0].text),
        actor: personName(shift.requestedBy),
        workload: shift.workload,
      }),
    ),
    ...plans.map(
      (plan): Entry => ({
        id: `plan ${plan.plan.id}`,
        kind: 'plan',
        at: plan.updatedAt,
        title: t(isRelease(plan) ? 'activity.release' : `activity.${plan.plan.direction}`, {
          names: list(plan.plan.steps.map((step) => named(step.workload))).names,
          n: plan.plan.generation.n,
          state: t(`shift.${plan.state}`).toLowerCase(),
          count: plan.plan.blastRadius.workloads,
        }),
        detail: planReason(plan),
        actor: personName(plan.plan.proposedBy),
        workload: plan.plan.steps.length === 1 ? plan.plan.steps[0]!.workload : null,
      }),
    ),
    ...workloads.flatMap((w) =>
      (w.risk?.terms ?? []).map(
        (term): Entry => ({
          id: `evidence ${w.id} ${term.evidence.kind} ${term.evidence.peer}`,
          kind: 'evidence',
          at: term.evidence.at,
          title: t('activity.evidence', { name: w.report.name, why: sentence(term.evidence.why) }),
          detail: t('activity.weighs', { weight: signed(term.logOdds), risk: probability(w.risk?.value ?? 0) }),
          actor: term.evidence.source,
          workload: w.id,
        }),
      ),
    ),
    ...groupAudit(audit).map(({ row, times, names: others }): Entry => {
      const said =
        others.length > 1 ? t(`activity.grouped.${row.action as 'persona.declared'}`, list(others)) : row.summary
      return {
        id: `audit ${row.n}`,
        kind: 'audit',
        at: row.at,
        title: sentence(said).replace(/\.$/, '') + (times > 1 && others.length < 2 ? ` (${times}×)` : ''),
        detail: row.action,
        actor: personName(row.actor),
        workload: times === 1 && names.has(row.object) ? row.object : null,
        step: row.action.startsWith('plan.'),
      }
    }),
  ]
  return entries.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
}

export function filterStream(entries: readonly Entry[], kind: StreamKind | null, text: string): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return entries.filter((entry) => {
    if (kind === null ? entry.step === true : entry.kind !== kind) return false
    const hay = `${entry.title} ${entry.detail ?? ''} ${entry.actor}`.toLowerCase()
    return words.every((word) => hay.includes(word))
  })
}

/** Undoing a containment is planned as a change; its rule says what it is. */
function isRelease(plan: PlanRecord): boolean {
  return plan.plan.steps[0]?.why[0].rule.startsWith('rollback/') === true
}

/** Why, when it is one reason for all; else how many reasons there are, instead of one that is not everybody's. */
function planReason(plan: PlanRecord): string | null {
  const reasons = new Set(plan.plan.steps.map((step) => step.why[0].text))
  if (reasons.size > 1) return t('activity.reasons', { count: reasons.size })
  const [only] = reasons
  return only === undefined ? null : sentence(only)
}

/** `a, b, c and 4 more` */
function list(all: readonly string[]): { readonly names: string; readonly count: number } {
  const shown = all.slice(0, 3).join(', ')
  const more = all.length - 3
  return { names: more > 0 ? t('needs.andMore', { names: shown, count: more }) : shown, count: all.length }
}

type AuditGroup = { readonly row: AuditRecord; times: number; readonly names: string[] }
const TOGETHER_MS = 60_000
/** Actions of which many come at once, one per workload: told as one line with their names. */
const MANY = new Set(['persona.declared'])

/** Repeats next to each other are one line; signing in ten times is one fact, not ten. */
function groupAudit(audit: readonly AuditRecord[]): AuditGroup[] {
  const groups: AuditGroup[] = []
  for (const row of audit) {
    const last = groups.at(-1)
    const near = last?.row.action === row.action && last.row.actor === row.actor
    const many = MANY.has(row.action) && near && last.row.at - row.at < TOGETHER_MS
    const again = near && !MANY.has(row.action) && last.row.object === row.object && last.row.summary === row.summary
    if (last !== undefined && (many || again)) {
      last.times++
      if (many) last.names.push(row.summary)
    } else groups.push({ row, times: 1, names: MANY.has(row.action) ? [row.summary] : [] })
  }
  return groups
}
