/** Many workloads that wear few profiles: the shape in which the dispatch must stay quick. */
import type { Binding } from '../../src/compile/tree.ts'
import type { AgentState, RuleList } from '../../src/model/desired.ts'

export function fleetState(
  workloads: number,
  profiles: number,
): { state: AgentState; bindings: Binding[]; shifted: AgentState } {
  const lists = Array.from({ length: profiles }, (_, i) => profile(i))
  const address = (i: number) => `10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`
  const desired = (i: number, wears: number) => ({
    workload: `f${i}`,
    key: `f${i}`,
    persona: { id: `p${wears}`, name: `P${wears}`, version: 1 },
    // Copied, as they come from the wire: equal lists, but no shared objects.
    egress: structuredClone(lists[wears]!),
    ingress: structuredClone(lists[wears]!),
    containment: null,
  })
  const state: AgentState = {
    generation: { system: 'bench', timeline: 1, n: 1 },
    plan: 'fleet',
    mode: 'enforce',
    confirmWithinMs: 60_000,
    workloads: Array.from({ length: workloads }, (_, i) => desired(i, i % profiles)),
    sets: Array.from({ length: profiles }, (_, p) => ({
      name: `persona:p${p}`,
      members: Array.from({ length: workloads / profiles }, (_, i) => address(i * profiles + p)),
    })),
    neverBlock: [],
    failSafe: [],
  }
  const bindings = Array.from({ length: workloads }, (_, i) => ({
    key: `f${i}`,
    interface: `f${i}`,
    addresses: [address(i)],
    driver: 'netns' as const,
  }))
  const [first, ...rest] = state.workloads
  return { state, bindings, shifted: { ...state, workloads: [{ ...first!, ...desired(0, 1) }, ...rest] } }
}

const portOf = (p: number, i: number) => 1000 + ((p * 20 + i) % 60_000)

/** 20 rules. */
export function profile(p: number): RuleList {
  const rules = Array.from({ length: 20 }, (_, i) => ({
    verdict: 'allow' as const,
    match: {
      peer: i % 4 === 0 ? { kind: 'set' as const, set: `persona:p${p}` } : { kind: 'any' as const },
      service: { protocol: 'tcp' as const, from: portOf(p, i), to: portOf(p, i) },
    },
    why: { rule: `persona:p${p}/allow/${i}`, text: 'bench' },
  }))
  return { rules, otherwise: 'deny', why: { rule: 'default-deny', text: 'bench' } }
}
