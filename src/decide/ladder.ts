/**
 * Risk ladders. In: a persona's steps, the risk that nobody can have forged, the step in force. Out: the step to be on, and
 * what it and all below it take away. A step is taken at its risk, kept for its dwell and until the risk is well below it, and
 * ends by itself unless the risk is still there.
 */
import { type Containment, joinHolds, sameHold } from '../model/containment.ts'
import type { ResolvedRule } from '../model/desired.ts'
import type { Dlp } from '../model/facets/dlp.ts'
import { HYSTERESIS, type LadderStep, type OnStep, STEP_DWELL, STEP_TTL } from '../model/ladder.ts'
import { durationMs } from '../model/policy.ts'
import type { Persona } from './effective.ts'

const ttlOf = (step: LadderStep) => durationMs(step.ttl ?? STEP_TTL)
const dwellOf = (step: LadderStep) => durationMs(step.dwell ?? STEP_DWELL)

/** The step to be on; null = none. What is in force comes back as it is, unless it is renewed. */
export function stepFor(persona: Persona, risk: number, inForce: OnStep | null, now: number): OnStep | null {
  const steps = sorted(persona)
  const reached = steps.findLastIndex((step) => risk >= step.at)
  const active = inForce !== null && inForce.until > now ? inForce : null
  const at = active === null ? -1 : steps.findIndex((step) => step.at === active.at)
  if (active === null || at < 0 || reached > at) return reached < 0 ? null : taken(persona, steps[reached]!, risk, now)
  const step = steps[at]!
  const holds = risk >= step.at - HYSTERESIS
  if (holds) return active.until - now <= ttlOf(step) / 3 ? { ...active, until: now + ttlOf(step) } : active
  if (now < active.since + dwellOf(step)) return active
  const lower = steps.slice(0, at).findLast((one) => risk >= one.at - HYSTERESIS)
  return lower === undefined ? null : taken(persona, lower, risk, now)
}

function taken({ ref }: Persona, step: LadderStep, risk: number, now: number): OnStep {
  return {
    at: step.at,
    since: now,
    until: now + ttlOf(step),
    why: {
      rule: `persona:${ref.id}/ladder/${step.at}`,
      text: `risk ${risk.toFixed(2)} puts it on step ${step.at} of ${ref.name}'s ladder`,
      persona: ref.name,
    },
  }
}

export type Tightening = {
  readonly rules: readonly { readonly at: number; readonly rules: NonNullable<LadderStep['rules']> }[]
  readonly bandwidth: number
  readonly inspection: LadderStep['inspection'] | null
  readonly dlp: readonly { readonly at: number; readonly dlp: Dlp }[]
  readonly deny: NonNullable<LadderStep['deny']> | null
}

/** What the step and all below it take away together; the highest step's rules first. */
export function tighteningOf(persona: Persona, on: OnStep): Tightening {
  const steps = sorted(persona).filter((step) => step.at <= on.at)
  return {
    rules: steps.toReversed().flatMap(({ at, rules }) => (rules === undefined ? [] : [{ at, rules }])),
    dlp: steps.toReversed().flatMap(({ at, dlp }) => (dlp === undefined ? [] : [{ at, dlp }])),
    bandwidth: Math.min(1, ...steps.map((step) => step.bandwidth ?? 1)),
    inspection: steps.findLast((step) => step.inspection !== undefined)?.inspection ?? null,
    deny: steps.some((step) => step.deny === 'both')
      ? 'both'
      : steps.some((step) => step.deny !== undefined)
        ? 'egress'
        : null,
  }
}

function sorted({ spec }: Persona): readonly LadderStep[] {
  return (spec.ladder ?? []).toSorted((a, b) => a.at - b.at)
}

/** A step's `deny` beside the containment that other rules made: the wider of both, to the later end. */
export function withDeny(current: Containment | null, on: OnStep, deny: Tightening['deny']): Containment | null {
  if (deny === null) return current
  const held = { directions: deny }
  const hold = current === null ? held : joinHolds(current, held)
  const until = Math.max(on.until, current?.until ?? 0)
  return current !== null && sameHold(hold, current) && current.until === until
    ? current
    : { ...hold, until, why: { ...on.why } }
}

/** Which rules of a list are from a ladder: those a change of step replaces. */
export const isOfLadder = ({ why }: ResolvedRule) => why.rule.startsWith('persona:') && why.rule.includes('/ladder/')
