/** What a `when` may look at: one workload as it is now. Facts from inside a workload are not here. */
import type { Belief } from '../model/belief.ts'
import type { Risk, RiskTerm } from '../model/evidence.ts'
import type { WorkloadRecord } from '../model/records.ts'

export type Context = {
  readonly risk: number
  readonly workload: {
    readonly id: string
    readonly name: string
    readonly kind: string
    /** worn */
    readonly persona: string
    readonly assigned: boolean
    readonly labels: Readonly<Record<string, string>>
    readonly addresses: readonly string[]
  }
  /** `persona` is empty when the belief abstains, or there is none yet. */
  readonly belief: {
    readonly persona: string
    readonly p: number
    readonly unknown: number
    readonly of: Readonly<Record<string, number>>
  }
  readonly evidence: readonly string[]
  /** UTC; weekday 0 = Sunday */
  readonly now: { readonly hour: number; readonly minute: number; readonly weekday: number }
}

export function contextOf(record: WorkloadRecord, worn: string, now: number): Context {
  const at = new Date(now)
  return {
    risk: record.risk?.value ?? 0,
    workload: {
      id: record.id,
      name: record.report.name,
      kind: record.report.kind as string,
      persona: worn,
      assigned: record.assigned !== null,
      labels: record.report.labels,
      addresses: record.report.addresses,
    },
    belief: beliefContext(record.belief),
    evidence: kindsOf(record.risk),
    now: { hour: at.getUTCHours(), minute: at.getUTCMinutes(), weekday: at.getUTCDay() },
  }
}

/** The same without what could have been forged: no unauthenticated evidence, the risk of the rest, and no belief at all. */
export type SureContext = Omit<Context, 'belief'>

export function withoutForgeable({ belief: _learnt, ...context }: Context, risk: Risk | null): SureContext {
  return risk === null ? context : restingOn(context, risk, (term) => term.evidence.authenticated || term.logOdds < 0)
}

/** The same with no evidence against it at all. */
export function withoutEvidence(context: SureContext, risk: Risk): SureContext {
  return restingOn(context, risk, (term) => term.logOdds < 0)
}

function restingOn(context: SureContext, risk: Risk, counts: (term: RiskTerm) => boolean): SureContext {
  const terms = risk.terms.filter(counts)
  const sum = risk.base + terms.reduce((total, term) => total + term.logOdds, 0)
  return {
    ...context,
    risk: 1 / (1 + Math.exp(-sum)),
    evidence: [...new Set(terms.filter((term) => term.logOdds > 0).map((term) => term.evidence.kind as string))].sort(),
  }
}

function kindsOf(risk: Risk | null): string[] {
  const counting = (risk?.terms ?? []).filter((term) => term.logOdds > 0)
  return [...new Set(counting.map((term) => term.evidence.kind as string))].sort()
}

function beliefContext(belief: Belief | null): Context['belief'] {
  const of = Object.fromEntries((belief?.personas ?? []).map(({ persona, p }) => [persona, p]))
  const persona = belief?.believed ?? ''
  return { persona, p: of[persona] ?? 0, unknown: belief?.unknown ?? 1, of }
}
