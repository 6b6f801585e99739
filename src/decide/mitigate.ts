/**
 * Risk tightens a workload along its persona's own ladder: the first `mitigationRules` entry that holds. A containment runs
 * to its end and is renewed only in the last third of its ttl while the rule still holds, so it neither flaps nor stays for
 * ever. Reasons that could have been forged never contain.
 */
import type { DesiredState } from '../model/desired.ts'
import { durationMs } from '../model/policy.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { contextOf, withoutForgeable } from './context.ts'
import type { Persona } from './effective.ts'
import type { RuleEngine } from './rules.ts'

export type Containment = NonNullable<DesiredState['containment']>
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
  const sure = withoutForgeable(full, record.risk)
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
    if (!compiled.value.evaluate(sure).holds) {
      skipped.push(
        why(`\`${rule.when}\` holds only by evidence whose source could be forged, and such evidence never contains`),
      )
      continue
    }
    const ttl = durationMs(rule.ttl)
    const reason = why(reasonText(record, rule.when, persona.ref.name))
    if (rule.do === 'shift')
      return rule.persona === undefined
        ? { containment: active, shift: null, skipped }
        : { containment: active, shift: { persona: rule.persona, until: now + ttl, why: reason }, skipped }
    if (rule.do !== 'deny' && rule.do !== 'isolate') continue
    const directions = rule.do === 'isolate' ? ('both' as const) : ('egress' as const)
    // Widening (egress → both) does not wait for the end; narrowing does.
    const widens = active !== null && active.directions === 'egress' && directions === 'both'
    if (active !== null && !widens && active.until - now > ttl / 3) return { containment: active, shift: null, skipped }
    const until = Math.max(now + ttl, active?.until ?? 0)
    return {
      containment: { directions: active?.directions === 'both' ? 'both' : directions, until, why: reason },
      shift: null,
      skipped,
    }
  }
  return { containment: active, shift: null, skipped }
}

function reasonText(record: WorkloadRecord, when: string, persona: string): string {
  const strongest = record.risk?.terms.find((term) => term.logOdds > 0 && term.evidence.authenticated)
  const because = strongest === undefined ? '' : `: ${strongest.evidence.why}`
  return `risk ${(record.risk?.value ?? 0).toFixed(2)} meets ${persona}'s rule \`${when}\`${because}`
}
