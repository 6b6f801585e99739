/**
 * merge/: the personas a workload wears at once, each resolved as if it were alone, come in; one profile goes out, every
 * rule with the persona and the probability it is from. Belief never grants: whatever the strategy, a persona that is only
 * inferred can take away from what the assigned ones allow together, and add nothing.
 */

import type { PersonaRef } from '../../model/belief.ts'
import type { ResolvedRule, RuleList } from '../../model/desired.ts'
import type { Overlap, Strategy, Word } from '../../model/overlap.ts'
import type { SetMeaning } from '../peer-sets.ts'
import { joinRules, type PolicyTiers } from './join-rules.ts'
import { byCost, type Judge, strictestOf } from './judges.ts'
import { meet } from './product.ts'
import { rulesOf } from './region-rules.ts'
import { SPARED, SPARED_PEER, sparedMeaning } from './spare.ts'

export type Candidate = {
  readonly persona: PersonaRef
  readonly probability: number
  /** Its probability were nobody inferred beside it; absent: the same. */
  readonly alone?: number
  readonly word: Word
  /** Its own rules as the author counts them. */
  readonly rules: number
  readonly egress: RuleList
  readonly ingress: RuleList
  readonly sets: ReadonlyMap<string, SetMeaning>
}
export type MergedLists = Pick<Candidate, 'egress' | 'ingress' | 'sets'>

const DIRECTIONS = ['egress', 'ingress'] as const
const CUT = 0.3

/** The first candidate is the one the workload is named after. null: too many rules to look at together. */
export function mergeProfiles(
  candidates: readonly [Candidate, ...Candidate[]],
  overlap: Overlap,
  tiers: PolicyTiers = new Map(),
  neverBlock: readonly string[] = [],
): MergedLists | null {
  const granting = candidates.filter((one) => one.word !== 'inferred') as [Candidate, ...Candidate[]]
  if (granting.length === 0) throw new Error('merging personas: none of them is assigned, so none may be worn')
  if (granting.length === candidates.length) return merged(granting, overlap, tiers)
  const granted = merged(granting.map(byItself) as [Candidate, ...Candidate[]], overlap, tiers)
  const all = merged(candidates, overlap, tiers)
  if (granted === null || all === null) return null
  const pair = [
    { ...candidates[0], ...granted },
    { ...candidates[0], ...spared(all, neverBlock) },
  ] as const
  return asked(pair, strictestOf())
}

/**
 * As it stands without the inferred ones: their belief leaves it less, down to nothing, and a deny of its own that went with
 * that would be a grant. Its rules go on to say how probable it is now.
 */
function byItself(one: Candidate): Candidate {
  const list = (direction: 'egress' | 'ingress'): RuleList => ({
    ...one[direction],
    rules: traced(one, one[direction].rules),
  })
  return { ...one, probability: one.alone ?? one.probability, egress: list('egress'), ingress: list('ingress') }
}

/** What belief takes away spares the never-block list: there, what is granted stands. */
function spared(lists: MergedLists, neverBlock: readonly string[]): MergedLists {
  if (neverBlock.length === 0) return lists
  const sparing = (list: RuleList): RuleList => {
    const why = { rule: 'never-block', text: 'on the never-block list, which stands above every automatic deny' }
    const rule = { verdict: 'allow' as const, match: { peer: SPARED_PEER, service: null }, why }
    return {
      ...list,
      rules: [list.rules.some(({ tier }) => tier !== undefined) ? { ...rule, tier: 0 } : rule, ...list.rules],
    }
  }
  const sets = new Map([...lists.sets, [SPARED, sparedMeaning(neverBlock)] as const])
  return { egress: sparing(lists.egress), ingress: sparing(lists.ingress), sets }
}

function merged(
  candidates: readonly [Candidate, ...Candidate[]],
  overlap: Overlap,
  tiers: PolicyTiers,
): MergedLists | null {
  const [first, ...others] = candidates
  if (others.length === 0) return first
  const strategy: Strategy = overlap.strategy ?? 'priority'
  switch (strategy) {
    case 'priority':
      return joined(
        first,
        others.map((one) => ({ one, first: one.rules })),
        tiers,
      )
    case 'share':
      return joined(
        first,
        others.map((one) => ({ one, first: Math.ceil(one.probability * one.rules) })),
        tiers,
      )
    case 'weighted':
      return weighted(candidates, overlap.cut ?? CUT, tiers)
    case 'strictest':
      return asked(candidates, strictestOf())
    case 'expectedCost':
      return asked(candidates, byCost(overlap.cost ?? { breach: 1, outage: 1 }))
  }
}

type Taken = { readonly one: Candidate; readonly first: number }

function joined(base: Candidate, others: readonly Taken[], tiers: PolicyTiers): MergedLists {
  const list = (direction: 'egress' | 'ingress'): RuleList => ({
    ...base[direction],
    rules: joinRules(
      traced(base, base[direction].rules),
      others.flatMap(({ one, first }) =>
        traced(
          one,
          ownRules(one, direction).filter((rule) => ownIndex(rule) < first),
        ),
      ),
      tiers,
    ),
  })
  return { egress: list('egress'), ingress: list('ingress'), sets: allSets([base, ...others.map(({ one }) => one)]) }
}

/** Rules of those above the cut, the likeliest first; what no rule names goes with the greater part of the probability. */
function weighted(candidates: readonly [Candidate, ...Candidate[]], cut: number, tiers: PolicyTiers): MergedLists {
  const [base] = candidates
  const above = candidates.filter((one) => one.probability >= cut)
  const members = (above.length === 0 ? [base] : above).toSorted((a, b) => b.probability - a.probability)
  const list = (direction: 'egress' | 'ingress'): RuleList => {
    const denying = candidates.filter((one) => one[direction].otherwise === 'deny')
    const p = denying.reduce((sum, one) => sum + one.probability, 0)
    const total = candidates.reduce((sum, one) => sum + one.probability, 0)
    const otherwise = p * 2 >= total ? 'deny' : 'allow'
    const part = otherwise === 'deny' ? p : total - p
    const side = candidates.filter((one) => one[direction].otherwise === otherwise)
    const own = new Set(ownRules(base, direction))
    return {
      rules: joinRules(
        base[direction].rules.filter((rule) => !own.has(rule)),
        members.flatMap((one) => traced(one, ownRules(one, direction))),
        tiers,
      ),
      otherwise,
      why: {
        rule: `default-${otherwise}`,
        text: `${otherwise === 'deny' ? 'denied' : 'allowed'} by the default of personas that hold ${part.toFixed(2)} of ${total.toFixed(2)}`,
        persona: side.reduce((best, one) => (one.probability > best.probability ? one : best)).persona.name,
        p: Math.min(1, Math.round(part * 1_000) / 1_000),
      },
    }
  }
  return { egress: list('egress'), ingress: list('ingress'), sets: allSets(candidates) }
}

/** Every flow is asked of every candidate, and `judge` says what their answers come to. */
function asked(candidates: readonly Candidate[], judge: Judge): MergedLists | null {
  const sets = new Map(allSets(candidates))
  const who = candidates.map(({ persona, probability }) => ({ name: persona.name, p: probability }))
  const lists: Partial<Record<'egress' | 'ingress', RuleList>> = {}
  for (const direction of DIRECTIONS) {
    const given = candidates.map((one) => ({ ...one[direction], rules: traced(one, one[direction].rules) }))
    const met = meet(given, (said) => judge.isSettled(said.map((one, i) => one.rule?.verdict ?? given[i]!.otherwise)))
    if (met === null) return null
    lists[direction] = rulesOf(met, given, who, judge, sets)
  }
  return { egress: lists.egress!, ingress: lists.ingress!, sets }
}

/** Rules of a persona say whose they are and how sure that is; those of policies are nobody's. */
function traced({ persona, probability }: Candidate, rules: readonly ResolvedRule[]): ResolvedRule[] {
  return rules.map((rule) =>
    rule.why.persona === persona.name && rule.why.p === undefined
      ? { ...rule, why: { ...rule.why, p: probability } }
      : rule,
  )
}

function ownRules({ persona, ...lists }: Candidate, direction: 'egress' | 'ingress'): ResolvedRule[] {
  return lists[direction].rules.filter((rule) => rule.why.rule.startsWith(`persona:${persona.id}/`))
}
/** `persona:ID/ACTION/N`: the place the author gave it. */
function ownIndex(rule: ResolvedRule): number {
  return Number(rule.why.rule.slice(rule.why.rule.lastIndexOf('/') + 1))
}

function allSets(candidates: readonly Candidate[]): ReadonlyMap<string, SetMeaning> {
  return new Map(candidates.flatMap(({ sets }) => [...sets]))
}
