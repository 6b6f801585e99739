/** Shifts, plans, evidence and audit lines as one stream, newest first, each a sentence with its place to go. */
import { t } from 'i18next'
import { probability, signed } from '../../format.ts'
import type { AuditRecord, PlanRecord, ShiftRecord, WorkloadRecord } from '../../nouns.ts'

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
        detail: shift.why[0]?.text ?? null,
        actor: shift.requestedBy,
        workload: shift.workload,
      }),
    ),
    ...plans.map(
      (plan): Entry => ({
        id: `plan ${plan.plan.id}`,
        kind: 'plan',
        at: plan.updatedAt,
        title: t(`activity.${plan.plan.direction}`, {
          n: plan.plan.generation.n,
          state: t(`shift.${plan.state}`).toLowerCase(),
          count: plan.plan.blastRadius.workloads,
        }),
        detail: plan.plan.steps[0]?.why[0].text ?? null,
        actor: plan.plan.proposedBy,
        workload: plan.plan.steps.length === 1 ? plan.plan.steps[0]!.workload : null,
      }),
    ),
    ...workloads.flatMap((w) =>
      (w.risk?.terms ?? []).map(
        (term): Entry => ({
          id: `evidence ${w.id} ${term.evidence.kind} ${term.evidence.peer}`,
          kind: 'evidence',
          at: term.evidence.at,
          title: t('activity.evidence', { name: w.report.name, why: term.evidence.why }),
          detail: t('activity.weighs', { weight: signed(term.logOdds), risk: probability(w.risk?.value ?? 0) }),
          actor: term.evidence.source,
          workload: w.id,
        }),
      ),
    ),
    ...audit.map(
      (row): Entry => ({
        id: `audit ${row.n}`,
        kind: 'audit',
        at: row.at,
        title: row.summary,
        detail: row.action,
        actor: row.actor.replace(/^session:/, ''),
        workload: names.has(row.object) ? row.object : null,
      }),
    ),
  ]
  return entries.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
}

export function filterStream(entries: readonly Entry[], kind: StreamKind | null, text: string): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return entries.filter((entry) => {
    if (kind !== null && entry.kind !== kind) return false
    const hay = `${entry.title} ${entry.detail ?? ''} ${entry.actor}`.toLowerCase()
    return words.every((word) => hay.includes(word))
  })
}
