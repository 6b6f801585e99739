/**
 * Several ordered rule lists asked at once. In: lists. Out: regions of flows in order, each with what every list says of it;
 * the first region that a flow is in tells its first match in each list. So any question over the answers of several lists
 * becomes one list again, exactly. Tiers and `pass` are worked out on the way.
 */
import type { ResolvedRule, RuleList } from '../../model/desired.ts'
import { tiersOf } from '../../model/tiers.ts'
import { covers, EVERYTHING, intersect, type Region, regionOf } from './region.ts'

/** What one list says of a region: a rule, or null: its `otherwise`. */
export type Said = { readonly region: Region; readonly rule: ResolvedRule | null }
export type Met = { readonly region: Region; readonly said: readonly Said[] }

/** Larger products are given up: the kernel takes 5,000 rules a list, and people read them. */
export const MAX_REGIONS = 4_000

/** In order, without `pass`; the last covers everything. null: too large. */
export function flatten(list: RuleList): Said[] | null {
  const tiers = tiersOf(list.rules)
  const from = (at: number): Said[] | null => {
    const tier = tiers[at]
    if (tier === undefined) return [{ region: EVERYTHING, rule: null }]
    const next = from(at + 1)
    if (next === null) return null
    const out: Said[] = []
    for (const rule of tier) {
      const region = regionOf(rule.match)
      if (rule.verdict !== 'pass') out.push({ region, rule })
      else
        for (const one of next) {
          const met = intersect(region, one.region)
          if (met !== null) out.push({ region: met, rule: one.rule })
        }
      if (out.length > MAX_REGIONS) return null
    }
    return [...out, ...next]
  }
  return from(0)
}

/** `isSettled`: what the others say of it changes nothing, so it is not divided. null: too large. */
export function meet(lists: readonly RuleList[], isSettled: (said: readonly Said[]) => boolean): Met[] | null {
  const flat = lists.map(flatten)
  if (flat.some((one) => one === null)) return null
  const [first = [], ...others] = flat as Said[][]
  const same = others.reduce((count, list) => Math.min(count, sharedStart(first, list)), first.length)
  // The n-th of each at their common start is one and the same rule: it is not asked again of every other.
  let met = first.map((one, at): Met & { at: number } => ({ region: one.region, said: [one], at: at < same ? at : -1 }))
  for (const list of others) {
    const rest = list.slice(same)
    const next: typeof met = []
    for (const one of met) {
      if (one.at >= 0) next.push({ ...one, said: [...one.said, list[one.at]!] })
      else if (isSettled(one.said)) next.push(one)
      else next.push(...divided(one, rest))
      if (next.length > MAX_REGIONS) return null
    }
    met = withoutShadows(next)
  }
  return met
}

function divided(one: Met, list: readonly Said[]): (Met & { at: number })[] {
  const out: (Met & { at: number })[] = []
  for (const other of list) {
    const region = intersect(one.region, other.region)
    if (region !== null) out.push({ region, said: [...one.said, other], at: -1 })
    if (covers(other.region, one.region)) break
  }
  return out
}

/** Rules at the head of both that are the same in everything: policies, mostly. */
function sharedStart(a: readonly Said[], b: readonly Said[]): number {
  let at = 0
  while (at < a.length && at < b.length && textOf(a[at]!) === textOf(b[at]!)) at++
  return at
}
function textOf({ region, rule }: Said): string {
  return JSON.stringify([region, rule === null ? null : [rule.verdict, rule.limit, rule.log]])
}

const SHADOWS_LOOKED_FOR = 600

/** A region inside an earlier one is never asked; looking for all of them is quadratic, so long lists keep theirs. */
function withoutShadows<M extends Met>(met: readonly M[]): M[] {
  if (met.length > SHADOWS_LOOKED_FOR) return [...met]
  const kept: M[] = []
  for (const one of met) if (!kept.some((other) => covers(other.region, one.region))) kept.push(one)
  return kept
}
