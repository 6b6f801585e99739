/** Seeded random states and packets over the bench's small world, so that most rules meet some packet. */

import type { Flow, Packet } from '../../src/compile/evaluate.ts'
import type { AgentState, ResolvedRule } from '../../src/model/desired.ts'
import type { RuleMatch } from '../../src/model/rule-match.ts'
import type { Random } from '../seeded.ts'
import { COUNT, v4, v6 } from './network.ts'
import { type Crafted, craft } from './packets.ts'

export const PORTS = [22, 53, 80, 443, 5432, 6000, 6005, 6010, 8080, 40000]
const MEMBERS = [1, 2, 3, 4].flatMap((i) => [v4(i), v6(i), `10.77.${i}.0/24`, `fd77:${i}::/64`])
const WIDE = ['10.77.0.0/16', '10.0.0.0/8', 'fd77::/16', '0.0.0.0/0', '::/0', '10.77.2.0/23', 'fd77:2::/31']

export const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!
const some = <T>(random: Random, list: readonly T[], most: number): T[] =>
  Array.from({ length: random(most + 1) }, () => pick(random, list))

const sameFamily = (cidr: string) => MEMBERS.filter((member) => member.includes(':') === cidr.includes(':'))

function peer(random: Random): RuleMatch['peer'] {
  const kind = random(6)
  if (kind === 0) return { kind: 'any' }
  if (kind <= 3) return { kind: 'set', set: `set:${random(7)}`, ...(random(3) === 0 ? { not: true } : {}) }
  const cidr = pick(random, random(3) === 0 ? MEMBERS : WIDE)
  return { kind: 'cidr', cidr, ...(random(4) > 0 ? { except: some(random, sameFamily(cidr), 4) } : {}) }
}

function service(random: Random): RuleMatch['service'] {
  const protocol = pick(random, ['tcp', 'tcp', 'udp', 'udp', 'sctp'] as const)
  switch (random(8)) {
    case 0:
    case 1:
      return null
    case 2:
      return { protocol: `${protocol}-any` }
    case 3:
      return random(4) === 0
        ? { protocol: 'icmp6', type: pick(random, [null, 128, 139]) }
        : { protocol: 'icmp', type: pick(random, [null, 8, 8, 13, 128]) }
    default: {
      const from = pick(random, PORTS)
      return { protocol, from, to: Math.min(65535, from + pick(random, [0, 0, 5, 10, 30000])) }
    }
  }
}

const LEARNED = { names: ['example.com'], resolvers: ['10.77.9.53'], use: 'allow' as const }

const VERDICTS = ['allow', 'allow', 'allow', 'allow', 'deny', 'deny', 'reject', 'reject', 'pass', 'pass'] as const

type Budgets = 'budgets' | 'no-budgets'
function budget(random: Random): NonNullable<ResolvedRule['beyond']> {
  return { kind: 'bytes', bytes: 1e12, seconds: 600, per: pick(random, ['workload', 'peer'] as const) }
}

/** Half the lists stand in tiers. Limits and budgets are too high to be reached, so that no verdict depends on the speed of the machine. */
function rules(random: Random, name: string, budgets: Budgets): ResolvedRule[] {
  const tiers = random(2) === 0 ? 1 : 4
  return Array.from({ length: 1 + random(7) }, (_, i) => {
    const verdict = pick(random, VERDICTS)
    const unit = pick(random, ['flows', 'bytes'] as const)
    return {
      verdict,
      match: { peer: peer(random), service: service(random) },
      why: { rule: `${name}/${i}`, text: 'random' },
      ...(tiers > 1 ? { tier: random(tiers) * 5 } : {}),
      ...(verdict === 'allow' && random(6) === 0 ? { limit: { unit, perSecond: 1_000_000_000 } } : {}),
      ...(verdict === 'allow' && random(6) === 0 ? { log: true as const } : {}),
      ...(budgets === 'budgets' && verdict === 'deny' && random(5) === 0 ? { beyond: budget(random) } : {}),
    }
  })
}

export function randomState(random: Random, n: number, budgets: Budgets = 'no-budgets'): AgentState {
  const list = (name: string) => ({
    rules: rules(random, name, budgets),
    otherwise: random(5) < 3 ? ('allow' as const) : ('deny' as const),
    why: { rule: `${name}/otherwise`, text: 'random' },
  })
  const why = (rule: string) => ({ rule, text: 'random' })
  return {
    generation: { system: 'bench', timeline: 1, n },
    plan: `random-${n}`,
    mode: 'enforce',
    confirmWithinMs: 60_000,
    // w4 is often a stranger: flows then have one judge.
    workloads: Array.from({ length: random(2) === 0 ? COUNT : COUNT - 1 }, (_, i) => ({
      workload: `w${i + 1}`,
      key: `w${i + 1}`,
      persona: { id: 'random', name: 'Random', version: 1 },
      egress: list(`e${i + 1}`),
      ingress: list(`i${i + 1}`),
      containment:
        random(4) === 0
          ? { directions: pick(random, ['egress', 'both'] as const), until: Date.now() + 600_000, why: why('contain') }
          : null,
    })),
    // Set 4 does not exist and set 3 is empty: both must match nothing, whichever way round.
    sets: [0, 1, 2]
      .map((i) => ({ name: `set:${i}`, members: [pick(random, MEMBERS), ...some(random, MEMBERS, 5)] }))
      .concat([{ name: 'set:3', members: [] }])
      // Sets 5 and 6 are for hosts to add to, as they hear what names stand for.
      .concat([5, 6].map((i) => ({ name: `set:${i}`, members: some(random, MEMBERS, i - 5), learned: LEARNED }))),
    neverBlock: some(random, MEMBERS, 2),
    failSafe:
      random(2) === 0
        ? []
        : [
            {
              id: 'failsafe/dns',
              direction: 'both',
              match: { peer: { kind: 'any' }, service: { protocol: 'udp', from: 53, to: 53 } },
              why: why('failsafe/dns'),
            },
          ],
  }
}

export type Shot = { readonly from: number; readonly to: number; readonly crafted: Crafted; readonly packet: Packet }

export function randomShot(random: Random, id: number): Shot {
  const from = 1 + random(COUNT)
  const to = 1 + ((from + random(COUNT - 1)) % COUNT)
  const six = random(2) === 0
  const protocol = pick(random, ['tcp', 'udp', 'udp', 'tcp', 'icmp'] as const)
  const port = protocol === 'icmp' ? (six ? 128 : 8) : pick(random, PORTS) + pick(random, [0, 0, 0, 1, 5, 11])
  const address = six ? v6 : v4
  // One in twelve lies about where it comes from.
  const source = random(12) === 0 ? address(1 + random(COUNT)) : address(from)
  const flow: Flow = { from: source, to: address(to), protocol, port }
  return {
    from,
    to,
    crafted: craft(source, address(to), protocol, port, id),
    packet: { enters: `w${from}h`, leaves: `w${to}h`, source, tracking: 'original', flow },
  }
}
