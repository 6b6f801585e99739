/** The least states of an agent: nobody in it, or its own host alone, contained until then. */
import type { AgentState, Generation } from '../src/model/desired.ts'

export const generationOf = (n: number, system = 's') => ({ system, timeline: 1, n }) as Generation

export const emptyState = (n: number, system?: string): AgentState => ({
  generation: generationOf(n, system),
  plan: 'p',
  mode: 'enforce',
  confirmWithinMs: 30_000,
  workloads: [],
  sets: [],
  neverBlock: [],
  failSafe: [],
})

const why = { rule: 'r', text: 't' }
const OPEN = { rules: [], otherwise: 'allow' as const, why }
export const HOST = {
  key: 'host:h',
  name: 'h',
  kind: 'host' as never,
  driver: 'host' as const,
  interface: null,
  addresses: [],
  labels: {},
}

/** `until`: epoch ms; null = nothing holds it. */
export const hostState = (n: number, until: number | null, directions: 'egress' | 'both' = 'egress'): AgentState => ({
  ...emptyState(n),
  workloads: [
    {
      workload: 'w',
      key: HOST.key,
      persona: { id: 'p', name: 'P', version: 1 },
      egress: OPEN,
      ingress: OPEN,
      containment: until === null ? null : { directions, until, why },
    },
  ],
})
