/**
 * What else the verdict on a flow could be: a flow comes in, what only its kernel knows and what that would change go out. The
 * evaluator is asked again with each such thing being so: an answer that gave the peer's address for a name of a set, a
 * limit or budget that is used up. What would change nothing is not told.
 */
import { boundOf } from '../model/containment.ts'
import type { AgentState, DesiredState, ResolvedRule, Verdict } from '../model/desired.ts'
import { limitText } from '../model/limit-words.ts'
import { explainFlow, type Flow, type Live, type Spent } from './evaluate.ts'
import type { Binding } from './tree.ts'

export type Dependence = {
  readonly on: 'answers' | 'use'
  /** The verdict and the rule that it would be by. */
  readonly verdict: Verdict
  readonly rule: string
  readonly text: string
}

/** Of one end of the flow: `workload` is whose rules are asked. */
export function whatIf(
  state: AgentState,
  bindings: readonly Binding[],
  workload: DesiredState,
  direction: 'egress' | 'ingress',
  flow: Flow,
  live: Live,
): Dependence[] {
  const judged = (more: Partial<Live>) => explainFlow(state, bindings, flow, { ...live, ...more })[direction]
  const now = judged({})
  const peer = direction === 'egress' ? flow.to : flow.from
  const found: Dependence[] = []
  const tell = (on: Dependence['on'], more: Partial<Live>, text: string) => {
    const { verdict, why } = judged(more)
    if (verdict !== now.verdict || why.rule !== now.why.rule) found.push({ on, verdict, rule: why.rule, text })
  }
  for (const set of askedSets(state, workload[direction].rules)) {
    const names = set.learned!.names.slice(0, 3).join(', ')
    tell(
      'answers',
      { learned: [...(live.learned ?? []), { set: set.name, address: peer }] },
      `if ${names} led to ${peer}`,
    )
  }
  for (const { rule, text } of bounds(workload, direction)) {
    const spent: Spent = { key: workload.key, rule, peer }
    tell('use', { spent: [...(live.spent ?? []), spent] }, text)
  }
  return found
}

function askedSets(state: AgentState, rules: readonly ResolvedRule[]): AgentState['sets'] {
  const named = new Set(rules.flatMap(({ match: { peer } }) => (peer.kind === 'set' ? [peer.set] : [])))
  return state.sets.filter(({ name, learned }) => learned !== undefined && named.has(name))
}

type Bound = { readonly rule: string; readonly text: string }

function bounds({ containment, ...workload }: DesiredState, direction: 'egress' | 'ingress'): Bound[] {
  const ofRules = workload[direction].rules.flatMap(({ limit, beyond, why: { rule } }): Bound[] => {
    if (limit !== undefined) return [{ rule, text: `above ${limitText(limit)}` }]
    if (beyond === undefined) return []
    if (beyond.kind === 'new') return [{ rule, text: `in its first ${beyond.seconds} s as a destination` }]
    const whose = beyond.per === 'peer' ? ' to one peer' : ''
    return [{ rule, text: `once ${beyond.bytes} bytes went out${whose} within ${beyond.seconds} s` }]
  })
  const held = containment === null ? null : boundOf(containment, direction)
  return held === null ? ofRules : [{ rule: containment!.why.rule, text: `above ${limitText(held)}` }, ...ofRules]
}
