/**
 * What the rules in force say of very many flows: the same meaning as compile/evaluate.ts, which is slow and obvious and
 * which the test beside this holds it to. Rule lists are read once per plan; what an address matches is worked out once
 * per address (its traits), and a flow is then a walk over numbers. Reflexes are not known here: they last seconds.
 */

import { parseAddress, parseCidr, type Words } from '../../model/address.ts'
import { cuts } from '../../model/containment.ts'
import type { AgentState, DesiredState, RuleList, RuleVerdict } from '../../model/desired.ts'
import { Proto } from '../../model/flow.ts'
import type { AgentId } from '../../model/ids.ts'
import { createNetworks, type Networks } from '../../model/networks.ts'
import type { RuleMatch } from '../../model/rule-match.ts'
import { decidingRule, tiersOf } from '../../model/tiers.ts'
import type { Why } from '../../model/why.ts'

export type FlowVerdict = 'allow' | 'deny' | 'would-deny'
/** Index of an address's traits: two addresses with the same ones are alike to every rule. */
export type Traits = number
/** Index of a rule class: two workloads of one are treated alike. */
export type RuleClass = number

export type FlowJudge = {
  readonly rules: (agent: AgentId, key: string) => RuleClass | null
  readonly traits: (address: string) => Traits
  readonly isSix: (traits: Traits) => boolean
  /** One judge's word; `own` and `peer` are the traits of the two ends. */
  readonly judge: (
    rules: RuleClass,
    direction: 'egress' | 'ingress',
    own: Traits,
    peer: Traits,
    proto: number,
    port: number,
    now: number,
  ) => { readonly verdict: FlowVerdict; readonly why: Why }
}

type Matcher = (words: Words | null) => boolean
type Rule = { readonly verdict: RuleVerdict; readonly peer: number; readonly fits: Fits; readonly why: Why }
type Fits = (proto: number, port: number, isSix: boolean) => boolean
/** `otherwise` is the last tier, which fits everything. */
type Tiers = readonly (readonly Rule[])[]
type Compiled = {
  readonly pinned: readonly (Rule & { readonly direction: 'egress' | 'ingress' | 'both' })[]
  readonly egress: Tiers
  readonly ingress: Tiers
  readonly desired: DesiredState
  readonly spared: number
  readonly counts: boolean
}

const ANY = -1
const MAX_TRAITS_KEPT = 300_000

export function createFlowJudge(states: Readonly<Record<AgentId, AgentState>>): FlowJudge {
  const matchers: Matcher[] = []
  const matcherOf = new Map<string, number>()
  const classes: Compiled[] = []
  const classOf = new Map<string, RuleClass>()
  const byKey = new Map<string, RuleClass>()
  const kinds: { readonly bits: Uint8Array; readonly isSix: boolean }[] = []
  const kindOf = new Map<string, Traits>()
  const known = new Map<string, Traits>()

  const intern = (name: string, make: () => Matcher): number => {
    const found = matcherOf.get(name)
    if (found !== undefined) return found
    matchers.push(make())
    matcherOf.set(name, matchers.length - 1)
    return matchers.length - 1
  }
  for (const [agent, state] of Object.entries(states) as [AgentId, AgentState][]) {
    const peerOf = (peer: RuleMatch['peer']) =>
      peer.kind === 'any'
        ? ANY
        : intern(`${peer.kind === 'set' ? agent : ''} ${JSON.stringify(peer)}`, () => matcher(state, peer))
    const read = (list: RuleList): Tiers => [
      ...tiersOf(list.rules).map((tier) =>
        tier.map((rule) => compileRule(rule.verdict, peerOf(rule.match.peer), rule.match.service, rule.why)),
      ),
      [compileRule(list.otherwise, ANY, null, list.why)],
    ]
    const pinned = state.failSafe.map((path) => ({
      ...compileRule('allow', peerOf(path.match.peer), path.match.service, path.why),
      direction: path.direction,
    }))
    const spared = intern(`${agent} never`, () => listed(state.neverBlock))
    for (const desired of state.workloads) {
      const text = `${agent} ${JSON.stringify([desired.egress, desired.ingress, desired.containment])}`
      const number = classOf.get(text) ?? classes.length
      if (number === classes.length) {
        classOf.set(text, number)
        const counts = state.mode !== 'enforce'
        classes.push({ pinned, egress: read(desired.egress), ingress: read(desired.ingress), desired, spared, counts })
      }
      byKey.set(`${agent} ${desired.key}`, number)
    }
  }

  const traits = (address: string): Traits => {
    const held = known.get(address)
    if (held !== undefined) return held
    const words = parseAddress(address)
    const bits = Uint8Array.from(matchers, (fits) => (fits(words) ? 1 : 0))
    const isSix = address.includes(':')
    const name = `${isSix ? 6 : 4}${bits.join('')}`
    const found = kindOf.get(name) ?? kinds.push({ bits, isSix }) - 1
    kindOf.set(name, found)
    if (known.size >= MAX_TRAITS_KEPT) known.clear()
    known.set(address, found)
    return found
  }
  return {
    rules: (agent, key) => byKey.get(`${agent} ${key}`) ?? null,
    traits,
    isSix: (number) => kinds[number]!.isSix,
    judge(rules, direction, own, peer, proto, port, now) {
      const compiled = classes[rules]!
      const { bits, isSix } = kinds[peer]!
      const answer = (deny: boolean, why: Why) => ({
        verdict: deny ? (compiled.counts ? ('would-deny' as const) : ('deny' as const)) : ('allow' as const),
        why,
      })
      const hits = (rule: Rule) => (rule.peer === ANY || bits[rule.peer] === 1) && rule.fits(proto, port, isSix)
      for (const path of compiled.pinned)
        if ((path.direction === 'both' || path.direction === direction) && hits(path)) return answer(false, path.why)
      const { containment } = compiled.desired
      const contained = containment !== null && containment.until > now
      const isSpared = bits[compiled.spared] === 1 || kinds[own]!.bits[compiled.spared] === 1
      if (contained && !isSpared && cuts(containment, direction)) return answer(true, containment.why)
      const rule = decidingRule(compiled[direction], hits)!
      return answer(rule.verdict !== 'allow', rule.why)
    },
  }
}

function compileRule(verdict: RuleVerdict, peer: number, service: RuleMatch['service'], why: Why): Rule {
  return { verdict, peer, fits: compileService(service), why }
}

function compileService(service: RuleMatch['service']): Fits {
  if (service === null) return () => true
  switch (service.protocol) {
    case 'tcp':
    case 'udp':
    case 'sctp': {
      const number = Proto[service.protocol]
      return (proto, port) => proto === number && port >= service.from && port <= service.to
    }
    case 'tcp-any':
      return (proto) => proto === 6
    case 'udp-any':
      return (proto) => proto === 17
    case 'sctp-any':
      return (proto) => proto === Proto.sctp
    case 'icmp6':
      return (proto, port, isSix) =>
        isSix && (proto === 1 || proto === 58) && (service.type === null || port === service.type)
    case 'icmp':
      return (proto, port, isSix) => {
        // compile/evaluate.ts is asked with 'icmp' for both numbers, so either counts in either family
        if (proto !== 1 && proto !== 58) return false
        return service.type === null || port === (service.type === 8 && isSix ? 128 : service.type)
      }
  }
}

function matcher(state: AgentState, peer: Exclude<RuleMatch['peer'], { kind: 'any' }>): Matcher {
  if (peer.kind === 'cidr') {
    const [inside, except] = [listed([peer.cidr]), listed(peer.except ?? [])]
    return (words) => inside(words) && !except(words)
  }
  const members = state.sets.find(({ name }) => name === peer.set)?.members ?? []
  if (members.length === 0) return () => false
  const inside = listed(members)
  return peer.not === true ? (words) => !inside(words) : inside
}

/** Families are apart: `::/0` holds no IPv4 address, though the model writes those as IPv4-mapped IPv6. */
function listed(members: readonly string[]): Matcher {
  const four: string[] = []
  const six: string[] = []
  for (const text of members) {
    const cidr = parseCidr(text)
    if (cidr !== null) (isMapped(cidr.base) ? four : six).push(text)
  }
  const networks: readonly [Networks, Networks] = [createNetworks(four), createNetworks(six)]
  return (words) => words !== null && networks[isMapped(words) ? 0 : 1].covers(words)
}

function isMapped(words: Words): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff
}
