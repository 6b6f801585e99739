/**
 * Conversations of workloads that are alike come in, the least they need goes out as rules by meaning: a persona, a label, the
 * outside; never a list of addresses. What only some of them did, what failed, and whom nobody can name is left out, and said.
 */

import type { PeerSelector, PolicyRule, PortMatch } from '../../model/policy.ts'
import type { LeftOut, ProposedRule } from '../../model/proposal.ts'
import type { ConversationRecord } from '../../model/records.ts'
import { ALIKE } from './edit.ts'

export type Talk = Pick<
  ConversationRecord,
  'workload' | 'peer' | 'port' | 'proto' | 'direction' | 'flows' | 'failed' | 'service'
>

/** Who is behind an address. `alike` = one of those the rules are for. */
export type Whois =
  | { readonly kind: 'alike' }
  | { readonly kind: 'persona'; readonly name: string }
  | { readonly kind: 'labels'; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'outside' }
  | { readonly kind: 'nobody'; readonly why: string }

export type Generalised = { readonly rules: readonly ProposedRule[]; readonly leftOut: readonly LeftOut[] }

/** What fewer of them do is not what they are. */
const SUPPORT = 0.5
const MOST_RULES = 40
const MOST_LEFT = 40

type Group = {
  readonly direction: 'egress' | 'ingress'
  readonly who: Whois
  readonly port: PortMatch | null
  readonly what: string
  readonly workloads: Set<string>
  flows: number
  answered: number
}

/** `homes`: what the outside is outside of. Those alike are allowed to each other as `ALIKE`, for want of a name. */
export function generalise(
  talks: readonly Talk[],
  whois: (address: string) => Whois,
  homes: readonly string[],
): Generalised {
  const groups = new Map<string, Group>()
  for (const talk of talks) {
    const who = whois(talk.peer)
    const direction = talk.direction === 'initiated' ? 'egress' : 'ingress'
    const port = portOf(talk)
    const what = wordsOf(direction, who, talk)
    const group = groups.get(what) ?? { direction, who, port, what, workloads: new Set(), flows: 0, answered: 0 }
    group.flows += talk.flows
    if (talk.flows > talk.failed) {
      group.answered += talk.flows - talk.failed
      group.workloads.add(talk.workload)
    }
    groups.set(what, group)
  }
  const of = new Set(talks.map((talk) => talk.workload)).size
  const all = talks.reduce((sum, talk) => sum + talk.flows, 0)
  const rules: ProposedRule[] = []
  const leftOut: LeftOut[] = []
  for (const group of [...groups.values()].sort((a, b) => b.flows - a.flows || (a.what < b.what ? -1 : 1))) {
    const why = whyNot(group, of, rules.length)
    const peers = peersOf(group.who, homes)
    if (why !== null || peers === null) leftOut.push({ what: group.what, why: why ?? '', flows: group.flows })
    else {
      const flowShare = Math.round((group.flows / Math.max(1, all)) * 1e4) / 1e4
      rules.push({ rule: ruleOf(group, peers, of, flowShare), workloads: group.workloads.size, of, flowShare })
    }
  }
  return { rules, leftOut: leftOut.slice(0, MOST_LEFT) }
}

function whyNot({ who, port, workloads, answered, direction }: Group, of: number, rules: number): string | null {
  if (direction === 'egress' && port !== null && 'port' in port && port.port === 53)
    return 'name look-ups are a fail-safe path: no rule is needed'
  if (who.kind === 'nobody') return who.why
  if (port === null) return 'rules know TCP, UDP, SCTP and ICMP'
  if (answered === 0) return 'none of it was answered'
  if (workloads.size < SUPPORT * of) return `${workloads.size} of ${of} workloads did this`
  return rules >= MOST_RULES ? `a persona is proposed with at most ${MOST_RULES} rules` : null
}

function peersOf(who: Whois, homes: readonly string[]): PeerSelector[] | null {
  if (who.kind === 'alike') return [{ persona: ALIKE }]
  if (who.kind === 'persona') return [{ persona: who.name }]
  if (who.kind === 'labels') return [{ labels: { ...who.labels } }]
  if (who.kind === 'nobody') return null
  const isSix = (cidr: string) => cidr.includes(':')
  return [
    { cidr: '0.0.0.0/0', except: homes.filter((home) => !isSix(home)) },
    { cidr: '::/0', except: homes.filter(isSix) },
  ]
}

function ruleOf(group: Group, peers: PeerSelector[], of: number, flowShare: number): PolicyRule {
  const percent = flowShare < 0.01 ? 'under 1 %' : `${Math.round(flowShare * 100)} %`
  return {
    action: 'allow',
    direction: group.direction,
    peers,
    ports: [group.port!],
    description: `learnt: ${group.workloads.size} of ${of} workloads, ${percent} of their flows`,
  }
}

function portOf({ proto, port }: Talk): PortMatch | null {
  if (proto === 1) return { protocol: 'icmp', ...(port <= 255 ? { type: port } : {}) }
  if (proto === 58) return { protocol: 'icmp6', ...(port <= 255 ? { type: port } : {}) }
  const protocol = ({ 6: 'tcp', 17: 'udp', 132: 'sctp' } as const)[proto]
  return protocol === undefined || port < 1 ? null : { protocol, port }
}

function wordsOf(direction: Group['direction'], who: Whois, talk: Talk): string {
  const port = portOf(talk)
  const service =
    port === null
      ? `protocol ${talk.proto}`
      : 'port' in port
        ? `${port.protocol} ${port.port}`
        : `${(port as { protocol: string }).protocol} ${talk.port}`
  return `${direction === 'egress' ? 'to' : 'from'} ${whoWords(who, talk.peer)}, ${service}`
}

function whoWords(who: Whois, address: string): string {
  if (who.kind === 'alike') return 'each other'
  if (who.kind === 'persona') return who.name
  if (who.kind === 'outside') return 'the outside'
  return who.kind === 'nobody'
    ? address
    : Object.entries(who.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ')
}

/** By what most of their flows are: `SMTP Client`, `Port 1883 Server`. Never one that is `taken`. */
export function suggestName(talks: readonly Talk[], taken: ReadonlySet<string>): string {
  const busy = Map.groupBy(
    talks.filter((talk) => talk.flows > talk.failed && talk.port !== 53),
    (talk) => `${talk.direction} ${talk.proto} ${talk.port}`,
  )
  const flows = (group: readonly Talk[]) => group.reduce((sum, talk) => sum + talk.flows, 0)
  const most = [...busy.values()].sort((a, b) => flows(b) - flows(a))[0]?.[0]
  const service = most?.service?.replace(/[^A-Za-z0-9 ._-]/g, '').replace(/^[^A-Za-z0-9]+/, '') ?? ''
  const what = most === undefined ? 'Stranger' : service === '' ? `Port ${most.port}` : service.toUpperCase()
  const role = most === undefined ? '' : most.direction === 'initiated' ? ' Client' : ' Server'
  const base = `${what}${role}`.slice(0, 56)
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base} ${n}`
    if (!taken.has(name.toLowerCase())) return name
  }
}
