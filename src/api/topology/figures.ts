/** Adding up: flows, bytes and verdicts of what is folded into one edge, from the two ends that may both have counted it. */
import type { TalkFigures, TopologyService } from '../../model/topology.ts'

export type Sum = {
  bytes: number
  flows: number
  failed: number
  conversations: number
  allow: number
  deny: number
  wouldDeny: number
  unjudged: number
}
export type SumVerdict = 'allow' | 'deny' | 'would-deny' | null

export const zero = (): Sum => ({
  bytes: 0,
  flows: 0,
  failed: 0,
  conversations: 0,
  allow: 0,
  deny: 0,
  wouldDeny: 0,
  unjudged: 0,
})

export function add(to: Sum, more: Sum): Sum {
  for (const name of Object.keys(to) as (keyof Sum)[]) to[name] += more[name]
  return to
}

export function addTalk(
  to: Sum,
  bytes: number,
  talk: {
    readonly flows: number
    readonly failed: number
    readonly conversations: number
    readonly verdict: SumVerdict
  },
): void {
  to.bytes += bytes
  to.flows += talk.flows
  to.failed += talk.failed
  to.conversations += talk.conversations
  // a flow that is still open is not counted yet, and is judged all the same
  const judged = Math.max(1, talk.flows)
  if (talk.verdict === 'allow') to.allow += judged
  else if (talk.verdict === 'deny') to.deny += judged
  else if (talk.verdict === 'would-deny') to.wouldDeny += judged
  else to.unjudged += judged
}

export function figures(sum: Sum): TalkFigures {
  const { bytes, flows, failed, allow, deny, wouldDeny, unjudged } = sum
  return { bytes, flows, failed, verdicts: { allow, deny, wouldDeny, unjudged } }
}

/** The harsher of the two judges of a flow; one that has no rules says nothing. */
export function harsher(one: SumVerdict, other: SumVerdict): SumVerdict {
  for (const verdict of ['deny', 'would-deny', 'allow'] as const)
    if (one === verdict || other === verdict) return verdict
  return null
}

export function topServices(services: Iterable<TopologyService>): TopologyService[] {
  return [...services].sort((a, b) => b.bytes - a.bytes || b.flows - a.flows || a.port - b.port).slice(0, 3)
}
