/** What waits for a person, worst first: a plan to confirm or approve, a danger nothing holds, what is cut off, a silent agent. */
import { isLosing, isSilent } from '../../attention.ts'
import type { AgentRecord, PlanRecord, ShiftRecord, SourceRecord, WorkloadRecord } from '../../nouns.ts'

export type Need =
  | {
      readonly kind: 'confirm'
      readonly plan: PlanRecord
      readonly names: readonly string[]
      readonly deadline: number | null
      readonly probes: { readonly passed: number; readonly all: number }
    }
  | { readonly kind: 'approve'; readonly plan: PlanRecord; readonly names: readonly string[] }
  | { readonly kind: 'danger'; readonly workload: WorkloadRecord; readonly because: string | null }
  | {
      readonly kind: 'contained'
      readonly workload: WorkloadRecord
      readonly until: number
      readonly because: string | null
      /** the plan to release; null when it is not among the last fifty */
      readonly plan: string | null
    }
  | { readonly kind: 'silent'; readonly agent: AgentRecord }
  | { readonly kind: 'losing'; readonly source: SourceRecord; readonly host: string }

export const ACTS_FROM = 0.7
export const ASKS_FROM = 0.4
const MOST = 5

type Seen = {
  readonly workloads: readonly WorkloadRecord[]
  readonly plans: readonly PlanRecord[]
  readonly agents: readonly AgentRecord[]
  readonly sources: readonly SourceRecord[]
}

/** Cheap enough for every change of ten thousand workloads: names are looked up only for the plans that are open. */
export function findNeeds({ workloads, plans, agents, sources }: Seen, now: number): Need[] {
  const name = (id: string) => workloads.find((w) => w.id === id)?.report.name ?? id
  const names = (plan: PlanRecord) => plan.plan.steps.slice(0, MOST).map((step) => name(step.workload))
  const confirm = plans
    .filter((p) => p.state === 'confirming')
    .map((plan): Need => ({ kind: 'confirm', plan, names: names(plan), ...pendingOn(plan, agents) }))
  const approve = plans
    .filter((p) => (p.state === 'proposed' || p.state === 'shadowed') && p.plan.approval !== 'auto')
    .map((plan): Need => ({ kind: 'approve', plan, names: names(plan) }))
  const held = new Set(
    plans.filter((p) => p.state === 'confirming').flatMap((p) => p.plan.steps.map((s) => s.workload)),
  )
  const danger = workloads
    .filter((w) => (w.risk?.value ?? 0) >= ACTS_FROM && w.containedUntil === null && !held.has(w.id))
    .sort((a, b) => (b.risk?.value ?? 0) - (a.risk?.value ?? 0))
    .map((workload): Need => ({ kind: 'danger', workload, because: strongest(workload) }))
  const contained = workloads
    .filter((w) => w.containedUntil !== null && w.containedUntil > now && !held.has(w.id))
    .sort((a, b) => (a.containedUntil ?? 0) - (b.containedUntil ?? 0))
    .map(
      (workload): Need => ({
        kind: 'contained',
        workload,
        until: workload.containedUntil ?? 0,
        because: strongest(workload),
        plan: containmentOf(plans, workload.id)?.plan.id ?? null,
      }),
    )
  const silent = agents.filter((a) => isSilent(a, now)).map((agent): Need => ({ kind: 'silent', agent }))
  const losing = sources
    .filter(isLosing)
    .map((source): Need => ({ kind: 'losing', source, host: hostOf(source, agents) }))
  return [...confirm, ...danger, ...approve, ...contained, ...silent, ...losing].slice(0, MOST)
}

/** The shift it wears now, when that one ends by itself. */
export function endingShift(shifts: readonly ShiftRecord[], w: WorkloadRecord, now: number): number | null {
  const on = shifts.filter((s) => s.workload === w.id && s.state === 'confirmed' && s.to.id === w.worn?.id)
  const [newest] = on.sort((a, b) => b.createdAt - a.createdAt)
  return newest !== undefined && newest.until !== null && newest.until > now ? newest.until : null
}

/** The newest plan in force that cut it off. */
export function containmentOf(plans: readonly PlanRecord[], workload: string): PlanRecord | null {
  const cuts = plans.filter(
    (p) =>
      p.state === 'confirmed' &&
      p.plan.direction === 'containment' &&
      p.plan.steps.some((step) => step.workload === workload && step.after.containment !== null),
  )
  return [...cuts].sort((a, b) => b.plan.generation.n - a.plan.generation.n)[0] ?? null
}

/** The host's own deadline and probes for this plan, from the agents that carry it. */
export function pendingOn(plan: PlanRecord, agents: readonly AgentRecord[]) {
  const on = agents.filter(
    (a) => a.applied?.generation.n === plan.plan.generation.n && a.applied.state === 'confirming',
  )
  const deadlines = on.flatMap((a) => a.applied?.deadline ?? [])
  const probes = on.flatMap((a) => a.applied?.probes ?? [])
  return {
    deadline: deadlines.length === 0 ? null : Math.min(...deadlines),
    hosts: on.map((a) => a.host),
    probes: { passed: probes.filter((p) => p.ok).length, all: probes.length },
  }
}

/** The sentence of the heaviest evidence that still counts. */
export function strongest(workload: WorkloadRecord): string | null {
  const terms = [...(workload.risk?.terms ?? [])].sort((a, b) => b.logOdds - a.logOdds)
  return terms[0] !== undefined && terms[0].logOdds >= 0.5 ? terms[0].evidence.why : null
}

function hostOf(source: SourceRecord, agents: readonly AgentRecord[]): string {
  return agents.find((a) => a.id === source.agent)?.host ?? source.agent
}
