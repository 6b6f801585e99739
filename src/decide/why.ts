/**
 * Why a workload is treated as it is, as data: one sentence, the risk's sum written out, what it wears by whose word and
 * until when, and what would have changed it. Built from records; `why-text.ts` makes it readable.
 */
import { type Containment, holdText } from '../model/containment.ts'
import type { DesiredState } from '../model/desired.ts'
import { limitText } from '../model/limit-words.ts'
import { plainText } from '../model/plain-text.ts'
import type { Mode } from '../model/policy.ts'
import type { ConversationRecord, PlanRecord, WorkloadRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { contextOf } from './context.ts'
import type { Persona } from './effective.ts'
import { holdsSurely } from './mitigate.ts'
import { createRuleEngine } from './rules.ts'

export type WhyTerm = {
  readonly kind: string
  readonly peer: string | null
  /** who is to blame */
  readonly blamed: string
  readonly text: string
  /** weight × decayed = logOdds */
  readonly weight: number
  readonly decayed: number
  readonly logOdds: number
  readonly authenticated: boolean
  readonly at: number
}
export type WhyReport = {
  readonly workload: { readonly id: string; readonly name: string }
  readonly at: number
  readonly sentence: string
  readonly persona: {
    readonly worn: string
    readonly assigned: string | null
    readonly believed: string | null
    readonly p: number
  }
  readonly risk: {
    readonly value: number
    readonly base: number
    readonly sum: number
    readonly terms: readonly WhyTerm[]
    readonly written: string
  } | null
  readonly containment: Containment | null
  /** Personas worn at once, and the numbers they came to; null when it is one. */
  readonly merged: DesiredState['merged'] | null
  readonly ladder: DesiredState['ladder'] | null
  readonly plan: {
    readonly id: string
    readonly generation: number
    readonly state: string
    readonly direction: string
    readonly why: readonly Why[]
  } | null
  readonly rules: readonly { readonly direction: 'egress' | 'ingress'; readonly verdict: string; readonly why: Why }[]
  readonly flows: readonly {
    readonly peer: string
    readonly port: number
    readonly bytesOut: number
    readonly bytesIn: number
    readonly flows: number
  }[]
  readonly counterfactual: { readonly without: string; readonly risk: number; readonly text: string } | null
}

export type WhyInput = {
  readonly now: number
  readonly record: WorkloadRecord
  /** The persona it wears, when its definition is known. */
  readonly persona: Persona | null
  /** What its agent enforces for it, null when nothing is. */
  readonly desired: DesiredState | null
  readonly plan: PlanRecord | null
  /** Of its agent; null = not known. */
  readonly mode: Mode | null
  readonly conversations: readonly ConversationRecord[]
}

const MAX_FLOWS = 5

function heldText({ directions, limit }: Containment): string {
  if (directions === 'both') return 'is cut off (both directions)'
  if (directions === 'egress')
    return `is cut off (outbound)${limit === undefined ? '' : `, and held to at most ${limitText(limit)} inbound,`}`
  return limit === undefined ? 'is contained' : `is held to ${holdText({ directions, limit })}`
}

export function whyReport(input: WhyInput): WhyReport {
  const { record, plan, now, mode } = input
  const isFree = mode !== null && mode !== 'enforce'
  const desired = isFree ? null : input.desired
  const { risk, belief } = record
  const containment = desired?.containment != null && desired.containment.until > now ? desired.containment : null
  const worn = desired?.persona.name ?? (isFree ? null : record.worn?.name) ?? 'nothing'
  const name = plainText(record.report.name, 128)
  const value = risk?.value ?? 0
  const how = isFree
    ? `wears nothing: its agent is in mode ${mode}, and no rule of ours holds there`
    : containment === null
      ? `wears ${worn}`
      : `${heldText(containment)} until ${clock(containment.until)}, because ${containment.why.text}`
  return {
    workload: { id: record.id, name },
    at: now,
    sentence: `${name} ${how}; risk ${value.toFixed(2)}.`,
    persona: {
      worn,
      assigned: record.assigned?.name ?? null,
      believed: belief?.believed ?? null,
      p: belief?.personas[0]?.p ?? 0,
    },
    risk:
      risk === null
        ? null
        : {
            value: risk.value,
            base: risk.base,
            sum: risk.sum,
            terms: risk.terms.map(({ evidence, decayed, logOdds }) => ({
              kind: evidence.kind as string,
              peer: evidence.peer,
              blamed: evidence.subject,
              text: evidence.why,
              weight: evidence.weight,
              decayed,
              logOdds,
              authenticated: evidence.authenticated,
              at: evidence.at,
            })),
            written: `σ(${[risk.base, ...risk.terms.map((term) => term.logOdds)].map(signed).join(' ').replace(/^\+ /, '')}) = σ(${risk.sum.toFixed(2)}) = ${risk.value.toFixed(2)}`,
          },
    containment,
    merged: desired?.merged ?? null,
    ladder: desired?.ladder != null && desired.ladder.until > now ? desired.ladder : null,
    plan:
      plan === null
        ? null
        : {
            id: plan.plan.id,
            generation: plan.plan.generation.n,
            state: plan.state,
            direction: plan.plan.direction,
            why: plan.plan.steps.find((step) => step.workload === record.id)?.why ?? [],
          },
    rules: (['egress', 'ingress'] as const).flatMap((direction) =>
      desired === null
        ? []
        : [
            ...desired[direction].rules.map((rule) => ({
              direction,
              verdict: rule.verdict as string,
              why: rule.why as Why,
            })),
            { direction, verdict: desired[direction].otherwise as string, why: desired[direction].why as Why },
          ],
    ),
    flows: [...input.conversations]
      .sort((a, b) => b.bytesOut + b.bytesIn - a.bytesOut - a.bytesIn || (a.peer < b.peer ? -1 : 1))
      .slice(0, MAX_FLOWS)
      .map(({ peer, port, bytesOut, bytesIn, flows }) => ({ peer, port, bytesOut, bytesIn, flows })),
    counterfactual: counterfactual(input),
  }
}

/** Without the strongest term: what the risk would be, and what the persona's ladder would then do. */
function counterfactual({ record, persona, now }: WhyInput): WhyReport['counterfactual'] {
  const { risk } = record
  const strongest = risk?.terms.filter((term) => term.logOdds > 0).sort((a, b) => b.logOdds - a.logOdds)[0]
  if (risk === null || strongest === undefined) return null
  const sum = risk.sum - strongest.logOdds
  const without = {
    ...risk,
    sum,
    value: 1 / (1 + Math.exp(-sum)),
    terms: risk.terms.filter((term) => term !== strongest),
  }
  const engine = createRuleEngine()
  const context = contextOf({ ...record, risk: without }, persona?.ref.name ?? '', now)
  const rule = persona?.spec.mitigationRules?.find((one) => {
    const compiled = engine.compile(one.when)
    return compiled.ok && compiled.value.evaluate(context).holds && holdsSurely(compiled.value, context, without)
  })
  const named = `${strongest.evidence.kind as string}${strongest.evidence.peer === null ? '' : ` to ${plainText(strongest.evidence.peer, 64)}`}`
  const then =
    rule === undefined
      ? 'no mitigation would hold'
      : `\`${rule.when}\` would still ${rule.do as string} it for ${rule.ttl}`
  return {
    without: named,
    risk: without.value,
    text: `Without ${named} the risk would be ${without.value.toFixed(2)}, and ${then}.`,
  }
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'} ${Math.abs(value).toFixed(2)}`
}
function clock(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z`
}
