/** What the workloads of one host wear: a persona that works, and one that cuts them off from everything. */
import type { AgentState, DesiredState, RuleList } from '../../src/model/desired.ts'
import { addressesOf, BEYOND, gatewaysOf, type Spot } from './network.ts'

/** Documentation space (RFC 5737): nobody answers there. */
const NOBODY = '192.0.2.1'

const why = (rule: string, text: string) => ({ rule, text })
const closed: RuleList = { rules: [], otherwise: 'deny', why: why('cut', 'nothing may') }

const open: RuleList = {
  rules: [
    {
      verdict: 'allow',
      match: { peer: { kind: 'set', set: 'beyond' }, service: null },
      why: why('beyond', 'who is beyond may be asked'),
    },
  ],
  otherwise: 'deny',
  why: why('default-deny', 'nothing else may'),
}

export type Persona = 'works' | 'cuts'

function worn({ key, n }: Spot, persona: Persona): DesiredState {
  const works = persona === 'works'
  return {
    workload: key,
    key,
    persona: { id: persona, name: persona, version: 1 },
    egress: works ? open : closed,
    ingress: works ? open : closed,
    network: works
      ? { addresses: addressesOf(n, 5), gateways: gatewaysOf(n) }
      : { addresses: addressesOf(n, 66), gateways: [NOBODY] },
    dns: { servers: [works ? BEYOND : NOBODY], search: [] },
    containment: null,
  }
}

export function stateOf(
  spots: readonly Spot[],
  options: { readonly n: number; readonly persona: Persona; readonly withinMs: number },
): AgentState {
  return {
    generation: { system: 'self-restore', timeline: 1, n: options.n },
    plan: `plan-${options.n}`,
    mode: 'enforce',
    workloads: spots.map((spot) => worn(spot, options.persona)),
    sets: [{ name: 'beyond', members: [`${BEYOND}/32`] }],
    neverBlock: [],
    failSafe: [],
    confirmWithinMs: options.withinMs,
  }
}
