/** Automatic denies leave the never-block list alone: their rules are about everybody else. */
import type { ResolvedRule } from '../../model/desired.ts'
import type { RuleMatch } from '../../model/rule-match.ts'
import type { SetMeaning } from '../peer-sets.ts'
import { matchOf, regionOf } from './region.ts'

export const SPARED = 'spared'
export const SPARED_PEER: RuleMatch['peer'] = { kind: 'set', set: SPARED }

export function sparedMeaning(neverBlock: readonly string[]): SetMeaning {
  return { kind: 'addresses', addresses: neverBlock }
}

/** `sets` gets what the rules name anew. With an empty list, rules stay as they are: the outside of nothing is nothing. */
export function sparing(
  rules: readonly ResolvedRule[],
  neverBlock: readonly string[],
  sets: Map<string, SetMeaning>,
): ResolvedRule[] {
  if (neverBlock.length === 0) return [...rules]
  return rules.map((rule) => {
    if (rule.verdict !== 'deny' && rule.verdict !== 'reject') return rule
    // What stands in a set of names is spared by the host that puts it there.
    const kind = rule.match.peer.kind === 'set' ? sets.get(rule.match.peer.set)?.kind : undefined
    if (kind === 'domain' || kind === 'names' || kind === 'home') return rule
    sets.set(SPARED, sparedMeaning(neverBlock))
    const region = regionOf(rule.match)
    const { match, derived } = matchOf({ ...region, outside: [...region.outside, { set: SPARED }] }, sets)
    for (const [name, meaning] of derived) sets.set(name, meaning)
    return { ...rule, match }
  })
}
