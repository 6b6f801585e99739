/** Rules of other personas put behind those of the first, each in its tier: policies stay before and below personas. */
import type { ResolvedRule } from '../../model/desired.ts'
import { TIER_ORDER } from '../../model/policy.ts'

/** Tier of policies by name; one that is not there stands in `policies`. */
export type PolicyTiers = ReadonlyMap<string, number>

const [POLICIES, PERSONA] = (['policies', 'persona'] as const).map((name) =>
  TIER_ORDER.findIndex((one) => one.tier === name),
) as [number, number]

export function joinRules(
  rules: readonly ResolvedRule[],
  extra: readonly ResolvedRule[],
  tiers: PolicyTiers,
): ResolvedRule[] {
  const all = [...rules, ...extra]
  const tierOf = ({ tier, why }: ResolvedRule) =>
    tier ?? (why.policy === undefined ? PERSONA : (tiers.get(why.policy) ?? POLICIES))
  // Without a `pass` the order alone says it all (resolve.ts), and equal lists stay equal texts.
  const isTiered = all.some((rule) => rule.verdict === 'pass' || rule.tier !== undefined)
  return all
    .toSorted((a, b) => tierOf(a) - tierOf(b))
    .map((rule) => {
      const { tier: _tier, ...rest } = rule
      return isTiered ? { ...rest, tier: tierOf(rule) } : rest
    })
}
