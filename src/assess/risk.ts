/** Evidence comes in, a risk between 0 and 1 goes out with every term of its sum. */
import type { Belief } from '../model/belief.ts'
import type { Evidence, Risk, RiskTerm } from '../model/evidence.ts'
import { slug } from '../model/ids.ts'
import type { Manifest } from '../model/manifest.ts'

/** Log-odds of a workload nobody has said anything about: σ(−2.6) = 0.07. */
const BASE = -2.6
/** Where automation may begin to act on risk alone (the personas' ladders start there). */
const ACTS_AT = 0.7
/** Beyond this, more evidence changes nothing a person or a rule could tell apart: σ(12) = 0.999994. */
const MOST = 12
/** A term that has faded below this is not shown. */
const LEAST = 0.01

/**
 * risk = σ(base + Σ logOdds). Of one (kind, peer) only what counts most now enters. Terms whose source could have been
 * forged share an allowance that, with nothing else, stays below 0.7: nobody may have a victim cut off by spoofing it.
 * `decayed` is the share of the weight that is left after ageing; `logOdds` what the term adds, after the allowance.
 */
export function riskOf(evidence: readonly Evidence[], now: number, base = BASE): Risk {
  const strongest = new Map<string, RiskTerm>()
  for (const one of evidence) {
    const decayed = 0.5 ** (Math.max(0, now - one.at) / one.halfLifeMs)
    const logOdds = one.weight * decayed
    const key = `${one.kind} ${one.peer ?? ''}`
    const known = strongest.get(key)
    if (
      Math.abs(logOdds) < LEAST ||
      (known !== undefined && counts(known) >= counts({ evidence: one, logOdds, decayed }))
    )
      continue
    strongest.set(key, { evidence: one, logOdds, decayed })
  }
  const allowance = Math.max(0, Math.log(ACTS_AT / (1 - ACTS_AT)) - base - 0.05)
  const forgeable = [...strongest.values()].filter((term) => !term.evidence.authenticated && term.logOdds > 0)
  const forged = forgeable.reduce((sum, term) => sum + term.logOdds, 0)
  const scale = forged > allowance ? allowance / forged : 1
  const terms = [...strongest.values()]
    .map((term) =>
      term.evidence.authenticated || term.logOdds <= 0 ? term : { ...term, logOdds: term.logOdds * scale },
    )
    .sort((a, b) => Math.abs(b.logOdds) - Math.abs(a.logOdds))
  const sum = Math.min(MOST, Math.max(-MOST, base + terms.reduce((total, term) => total + term.logOdds, 0)))
  return { value: 1 / (1 + Math.exp(-sum)), base, sum, terms, at: now }
}

/** A forgeable item must not push out an authenticated one of the same kind and peer that could act. */
function counts(term: RiskTerm): number {
  return term.evidence.authenticated ? term.logOdds * 2 : term.logOdds
}

/** Ids of personas: believed to be one of these, a workload is more at risk by that alone. */
export const ALARMING: ReadonlySet<string> = new Set(['scanner', 'compromised'])

/** With what manifests say: a persona is believed by its own name, and by the class it is recognised by. Of two words on one, the alarm holds. */
export function alarmingAmong(manifests: readonly Manifest[]): ReadonlySet<string> {
  const said = (word: boolean): ReadonlySet<string> =>
    new Set(
      manifests.flatMap(({ kind, metadata, spec }) =>
        kind === 'Persona' && spec.alarming === word
          ? [metadata.name, spec.recognisedAs ?? metadata.name].map((name) => slug(name))
          : [],
      ),
    )
  const calm = said(false)
  return new Set([...[...ALARMING].filter((id) => !calm.has(id)), ...said(true)])
}

/**
 * Evidence of kind `belief` when the belief does not abstain and is `alarming`, else null. At most 2 (σ(−0.6) = 0.35 alone):
 * behaviour that looks like something is a reason to look, not to cut. Not authenticated: what is learned from may be forged.
 */
export function beliefEvidence(
  belief: Belief,
  alarming: ReadonlySet<string>,
  now: number,
  subject: string,
): Evidence | null {
  if (belief.believed === null || !alarming.has(slug(belief.believed))) return null
  const p = belief.personas.find((one) => one.persona === belief.believed)?.p ?? 0
  return {
    kind: 'belief',
    subject,
    peer: null,
    weight: Math.min(2, Math.max(0, 4 * (p - 0.5))),
    // Two windows without it and half is gone: the next belief says it again if it still holds.
    halfLifeMs: 60_000,
    at: Math.min(now, belief.at),
    authenticated: false,
    source: `belief ${belief.model}`.slice(0, 128),
    why: `behaves like ${belief.believed} (p ${p.toFixed(2)})`,
    figures: { p, unknown: belief.unknown },
  }
}
