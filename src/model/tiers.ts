/** Rules come in, their tiers go out: lowest first, in each the order of the list. What is decided in which is not known here. */
export function tiersOf<R extends { readonly tier?: number }>(rules: readonly R[]): readonly (readonly R[])[] {
  const tiers = new Map<number, R[]>()
  for (const rule of rules) {
    const tier = rule.tier ?? 0
    const known = tiers.get(tier)
    if (known === undefined) tiers.set(tier, [rule])
    else known.push(rule)
  }
  return [...tiers].sort(([a], [b]) => a - b).map(([, tier]) => tier)
}

/** The first rule that `hits` and decides; null when every tier leaves it to the next, and the last to `otherwise`. */
export function decidingRule<R extends { readonly tier?: number; readonly verdict: string }>(
  tiers: readonly (readonly R[])[],
  hits: (rule: R) => boolean,
): R | null {
  for (const tier of tiers) {
    const rule = tier.find(hits)
    if (rule !== undefined && rule.verdict !== 'pass') return rule
  }
  return null
}
