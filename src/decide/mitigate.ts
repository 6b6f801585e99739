/**
 * Risk tightens a workload along its persona's own ladder: the first `mitigationRules` entry that holds. A containment runs
 * to its end and is renewed only in the last third of its ttl while the rule still holds, so it neither flaps nor stays for
 * ever. Reasons that could have been forged, a belief among them, never contain alone.
 */
import { type Containment, type Hold, joinHolds, leavesMore, sameHold } from '../model/containment.ts'
import type { Risk } from '../model/evidence.ts'
import { limitOf } from '../model/limit-words.ts'
import type { MitigationRule } from '../model/persona.ts'
import { durationMs } from '../model/policy.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { type Context, contextOf, withoutEvidence, withoutForgeable } from './context.ts'
import type { Persona } from './effective.ts'
import type { CompiledRule, RuleEngine } from './rules.ts'

export type Mitigation = {
  readonly containment: Containment | null
  readonly shift: { readonly persona: string; readonly until: number; readonly why: Why } | null
  /** Rules that hold only by what could be forged, or that failed to evaluate. */
  readonly skipped: readonly Why[]
}

export function mitigate(
  record: WorkloadRecord,
  persona: Persona,
  current: Containment | null,
  now: number,
  engine: RuleEngine,
): Mitigation {
  const active = current !== null && current.until > now ? current : null
  const skipped: Why[] = []
  const full = contextOf(record, persona.ref.name, now)
  for (const [i, rule] of (persona.spec.mitigationRules ?? []).entries()) {
    const id = `persona:${persona.ref.id}/mitigation/${i}`
    const compiled = engine.compile(rule.when)
    const why = (text: string): Why => ({ rule: id, text: text.slice(0, 500), persona: persona.ref.name })
    if (!compiled.ok) {
      skipped.push(why(`\`${rule.when}\` was passed over: ${compiled.why}`))
      continue
    }
    const held = compiled.value.evaluate(full)
    if (held.failed !== null) skipped.push(why(`\`${rule.when}\` could not be evaluated: ${held.failed}`))
    if (!held.holds) continue
    if (!holdsSurely(compiled.value, full, record.risk)) {
      skipped.push(
        why(
          `\`${rule.when}\` holds only by a belief or evidence whose source could be forged, and such never contains`,
        ),
      )
      continue
    }
    const ttl = durationMs(rule.ttl)
    const reason = why(reasonText(record, rule.when, persona.ref.name))
    if (rule.do === 'shift')
      return rule.persona === undefined
        ? { containment: active, shift: null, skipped }
        : { containment: active, shift: { persona: rule.persona, until: now + ttl, why: reason }, skipped }
    const hold = holdOf(rule)
    if (hold === null) continue
    return { containment: heldBy(active, hold, now, ttl, reason), shift: null, skipped }
  }
  return { containment: active, shift: null, skipped }
}

/**
 * Whether a rule may act that takes away by itself: it holds without anything that could have been forged, or what is sure
 * is what makes it hold. A belief is learnt from flows that may be forged, so it narrows such a rule and never carries it:
 * in the first it is not known (an expression that cannot do without it does not hold), and beside it alone, without any
 * evidence, the rule must not hold.
 */
export function holdsSurely(rule: CompiledRule, full: Context, risk: Risk | null): boolean {
  const sure = withoutForgeable(full, risk)
  if (rule.evaluate(sure).holds) return true
  if (risk === null) return false
  const { belief } = full
  const bare = withoutEvidence(sure, risk)
  return rule.evaluate({ ...sure, belief }).holds && !rule.evaluate({ ...bare, belief }).holds
}

function holdOf({ do: act, limit }: MitigationRule): Hold | null {
  if (act === 'deny') return { directions: 'egress' }
  if (act === 'isolate') return { directions: 'both' }
  return act === 'limit' && limit !== undefined ? { directions: 'none', limit: limitOf(limit) } : null
}

/** Taking away more does not wait for the end of what is in force; leaving more does. */
function heldBy(active: Containment | null, hold: Hold, now: number, ttl: number, why: Why): Containment {
  if (active === null) return { ...hold, until: now + ttl, why }
  const joined = joinHolds(active, hold)
  // A bound is no reason for more than itself to last longer; a cut that is still asked for has no moment without it.
  const isLess = hold.directions === 'none' && leavesMore(hold, active)
  if (sameHold(joined, active) && (isLess || active.until - now > ttl / 3)) return active
  return { ...joined, until: isLess ? active.until : Math.max(now + ttl, active.until), why }
}

function reasonText(record: WorkloadRecord, when: string, persona: string): string {
  const strongest = record.risk?.terms.find((term) => term.logOdds > 0 && term.evidence.authenticated)
  const because = strongest === undefined ? '' : `: ${strongest.evidence.why}`
  return `risk ${(record.risk?.value ?? 0).toFixed(2)} meets ${persona}'s rule \`${when}\`${because}`
}
