/**
 * What may leave becomes denies that stand before every other rule: of what is above a budget or a burst, of first flows to new
 * destinations, of everything outside but some names. In: a persona's `dlp`; out: rules and the sets they name. None of
 * them is about the never-block list where a set can leave it out.
 */
import type { ResolvedRule } from '../model/desired.ts'
import { type Dlp, sizeOf } from '../model/facets/dlp.ts'
import { durationMs } from '../model/policy.ts'
import type { RuleMatch } from '../model/rule-match.ts'
import type { Why } from '../model/why.ts'
import { digest } from './canonical.ts'
import type { Persona } from './effective.ts'
import { believedSet, type SetMeaning } from './peer-sets.ts'

export type DlpRules = {
  readonly egress: readonly ResolvedRule[]
  readonly ingress: readonly ResolvedRule[]
  readonly sets: ReadonlyMap<string, SetMeaning>
}

const SECONDS = { hour: 3_600, day: 86_400 } as const
const HOME = 'dlp-home'
const FAMILIAR = 'dlp-familiar'
const outside = (set: string): RuleMatch => ({ peer: { kind: 'set', set, not: true }, service: null })
const ANYONE: RuleMatch = { peer: { kind: 'any' }, service: null }

/** `under`: what the rules' names begin with, `persona:x` or `persona:x/ladder/0.7`. */
export function dlpRules(dlp: Dlp, { ref }: Persona, neverBlock: readonly string[], under: string): DlpRules {
  const sets = new Map<string, SetMeaning>()
  const egress: ResolvedRule[] = []
  const ingress: ResolvedRule[] = []
  const whyOf = (id: string, text: string): Why => ({
    rule: `${under}/dlp/${id}`.slice(0, 160),
    text: `persona ${ref.name}: ${text}`.slice(0, 500),
    persona: ref.name,
  })
  const named = (set: string, meaning: SetMeaning): string => {
    sets.set(set, meaning)
    return set
  }
  const home = () => named(HOME, { kind: 'home', more: neverBlock, rated: 'no' })
  const bytes = (
    id: string,
    text: string,
    match: RuleMatch,
    amount: number,
    seconds: number,
    per: 'workload' | 'peer',
  ) => {
    const why = whyOf(id, text)
    const beyond = { kind: 'bytes' as const, bytes: amount, seconds, per }
    // What it sends in flows that others opened goes out as well.
    for (const list of [egress, ingress]) list.push({ verdict: 'deny', match, why, beyond })
  }
  const { names, newDestinations, burst, budgets = [] } = dlp
  if (names !== undefined) {
    const lower = names.map((name) => name.toLowerCase()).sort()
    const set = named(`domain-only:${digest([lower, neverBlock]).slice(0, 16)}`, {
      kind: 'names',
      names: lower,
      more: neverBlock,
    })
    const text = `outside it may speak only with ${lower.slice(0, 5).join(', ')}${lower.length > 5 ? ' and others' : ''}`
    egress.push({ verdict: 'deny', match: outside(set), why: whyOf('name', text) })
  }
  if (newDestinations !== undefined) {
    const { hold } = newDestinations
    egress.push({
      verdict: 'deny',
      match: outside(home()),
      why: whyOf('destination', `new destinations wait ${hold}`),
      beyond: { kind: 'new', seconds: durationMs(hold) / 1_000 },
    })
  }
  if (burst !== undefined) {
    const seconds = durationMs(burst.within) / 1_000
    const text = `it may send ${burst.bytes} within ${burst.within}`
    bytes('burst', text, ANYONE, sizeOf(burst.bytes) ?? 0, seconds, 'workload')
  }
  for (const [i, { to, bytes: size, per }] of budgets.entries()) {
    const amount = sizeOf(size) ?? 0
    const id = `budget/${i}`
    const limit = (who: string) => `it may send ${size} ${who} per ${per}`
    if (to === 'everyone') bytes(id, limit('in all'), ANYONE, amount, SECONDS[per], 'workload')
    else if (to === 'unrated') {
      const set = named(FAMILIAR, { kind: 'home', more: neverBlock, rated: 'too' })
      bytes(id, limit('to an unrated destination'), outside(set), amount, SECONDS[per], 'peer')
    } else {
      const set = named(believedSet(to.persona), { kind: 'believed', persona: to.persona })
      const match: RuleMatch = { peer: { kind: 'set', set }, service: null }
      bytes(id, limit(`to ${to.persona}`), match, amount, SECONDS[per], 'workload')
    }
  }
  return { egress, ingress, sets }
}
