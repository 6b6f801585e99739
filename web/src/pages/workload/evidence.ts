/** The terms of a risk with the numbers that tie list and chart together, and what would have been without them. */
import type { Evidence, Risk } from '../../nouns.ts'

export type NumberedTerm = {
  /** 1, 2, 3 in order of time; null for what speaks for the workload */
  readonly n: number | null
  readonly at: number
  readonly evidence: Evidence
  readonly logOdds: number
  readonly decayed: number
}

/** Strongest first, numbered by time. */
export function numberTerms(risk: Risk | null): NumberedTerm[] {
  const terms = risk?.terms ?? []
  const against = terms.filter((term) => term.logOdds > 0).sort((a, b) => a.evidence.at - b.evidence.at)
  return [...terms]
    .sort((a, b) => Number(b.logOdds > 0) - Number(a.logOdds > 0) || Math.abs(b.logOdds) - Math.abs(a.logOdds))
    .map((term) => ({
      n: term.logOdds > 0 ? against.indexOf(term) + 1 : null,
      at: term.evidence.at,
      evidence: term.evidence,
      logOdds: term.logOdds,
      decayed: term.decayed,
    }))
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

export type Change = { readonly without: NumberedTerm; readonly risk: number }

/** What would have changed it: the smallest single term whose absence brings the risk below a line it is above. */
export function findChanges(risk: Risk, terms: readonly NumberedTerm[], lines: readonly number[]): Change[] {
  const crossed = lines.filter((line) => risk.value >= line)
  if (crossed.length === 0) return []
  return terms
    .filter((term) => term.logOdds > 0)
    .map((without) => ({ without, risk: sigmoid(risk.sum - without.logOdds) }))
    .filter((change) => crossed.some((line) => change.risk < line))
    .sort((a, b) => a.without.logOdds - b.without.logOdds)
    .slice(0, 2)
}
