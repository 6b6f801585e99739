/** Why nothing stopped a flow, fact by fact: a person who expected a deny is told which condition was not met. */
import type { Mode } from '../model/policy.ts'

export type Passed = {
  readonly mode: Mode | null
  /** What enforces it now; null when no confirmed plan covers the workload. */
  readonly generation: number | null
  readonly peer: string
  /** Of the peer, on the feeds: null = no feed rates it. */
  readonly reputation: { readonly score: number; readonly feed: string } | null
  readonly neverBlock: boolean
  readonly workload: string
  readonly risk: number | null
  /** The first rung of the worn persona's ladder, as it is written. */
  readonly ladder: readonly string[]
}

export function whyNotBlocked(facts: Passed): string[] {
  const said: string[] = []
  if (facts.mode !== null && facts.mode !== 'enforce')
    said.push(`its agent is in mode ${facts.mode}, in which a deny is only counted`)
  if (facts.generation === null) said.push('no confirmed plan covers it, so nothing of ours judges it')
  if (facts.neverBlock) said.push(`${facts.peer} is on the never-block list, which stands above every automatic deny`)
  if (facts.reputation === null) said.push(`no feed rates ${facts.peer}; an address without a rating is not a bad one`)
  else
    said.push(
      `${facts.peer} is rated ${facts.reputation.score.toFixed(2)} by ${facts.reputation.feed}; policies that ask for less did not match`,
    )
  if (facts.risk !== null)
    said.push(
      facts.ladder.length === 0
        ? `the risk of ${facts.workload} is ${facts.risk.toFixed(2)}, and its persona has no mitigation rule`
        : `the risk of ${facts.workload} is ${facts.risk.toFixed(2)}; its persona would act on ${facts.ladder.join(', or ')}`,
    )
  return said
}
