/**
 * What the rules mean: slow, obvious, and written without a look at nft.ts, so that the kernel can be held to it
 * (`npm run bench -- dispatch`). Works on the state as written: every address is parsed and every set walked anew.
 *
 * - Rules look at the *original* tuple of a flow, whichever way a packet goes. A flow passes two judges: the egress list
 *   of the workload that started it, and the ingress list of the one it was started to. An end that is not ours has no judge.
 * - Order at each judge: fail-safe paths · containment · reflex · the list · `otherwise`.
 * - A list stands in tiers, lowest first. In a tier the first match wins; a `pass`, or no match, leaves it to the next tier.
 * - A reject is a deny, so nobody who counts, cuts or shows denials needs to know of it. Its `answer` says what the asker
 *   is told. A reply is denied in silence: an answer to it would reset the end that was asked, not the one that asked.
 * - A budget denies what goes out beyond it, in flows of either direction, and leaves the rest to the rules behind it; a hold
 *   denies the first packets to destinations that are new. What is beyond is the kernel's to know, as of limits.
 * - A limit denies what is above it by the rule that allows the rest: of `flows` only a flow's first packet, so that what
 *   was let in goes on; of `bytes` every packet. What is used up is the kernel's to know: here it is part of `Live`.
 * - A containment cuts flows of a direction off, or leaves them up to a limit of its own, which counts as any limit does.
 * - A flow with a never-block address at *either* end is spared by containment and reflex (the automatic denies), not by
 *   a deny that a person wrote into a policy: that one is in the list.
 * - Empty means nothing: a set that is unknown or empty matches nothing, also under `not`. One that hosts add to holds what is
 *   written and what its host has learned, which is part of `Live`; with nothing of either, everybody is outside of it.
 * - ICMP rules match the type of the query in both families; 8, echo request, also stands for ICMPv6's 128. Those of
 *   ICMPv6 alone match its types as they are.
 * - Devices that only route through us share an interface. There a workload is who has the packet's address at that end;
 *   an address that is no device's is nobody's. A device's Ethernet address and its addresses go together only.
 * - The verdict is what the rules say; in any mode but enforce a deny is only counted.
 *
 * Outside of this: neighbour discovery (hop limit 255), which link-scope rules let pass before any of it.
 */
import { parseAddress, parseCidr, type Words } from '../model/address.ts'
import type { AgentState, DesiredState, ResolvedRule, RuleList, Verdict } from '../model/desired.ts'
import type { RuleMatch } from '../model/rule-match.ts'
import type { Why } from '../model/why.ts'
import type { Binding } from './tree.ts'

/** The original tuple: who asked whom for what. `port` is the destination's, or the ICMP type of the query. */
export type Flow = {
  readonly from: string
  readonly to: string
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp' | number
  readonly port: number
}

export type Packet = {
  /** Interface on the enforcing side; null: made by, or meant for, the host itself. */
  readonly enters: string | null
  readonly leaves: string | null
  readonly source: string
  /** Where it goes, when that does not follow from the flow. */
  readonly target?: string
  readonly mac?: string
  /** What conntrack says of it. `first` opens a flow; `related-icmp` is an error about a known one. */
  readonly tracking: 'first' | 'original' | 'reply' | 'related-icmp' | 'invalid' | 'untracked'
  readonly flow: Flow
}

/** What is in the kernel for a while only: reflexes put there by the agent, and the time by which containments end. */
export type Live = {
  readonly now: number
  readonly reflexes: readonly { readonly key: string; readonly peer: string }[]
  /** Limits that are used up: of which workload, by which rule. */
  readonly spent?: readonly Spent[]
  /** What answers to questions for names put into sets. */
  readonly learned?: readonly { readonly set: string; readonly address: string }[]
}
/** Of budgets for each peer and of new destinations: of which. */
export type Spent = { readonly key: string; readonly rule: string; readonly peer?: string }
/** Every containment still holds, no reflex is set. */
export const NOTHING_LIVE: Live = { now: 0, reflexes: [] }

export type Judgement = {
  readonly verdict: Verdict
  readonly why: Why
  /** Of a deny: what the asker is told. Absent: nothing, it is left to wait. */
  readonly answer?: 'reset' | 'unreachable'
  /** Of an allow: the first packet is told as well, by the rule's id. */
  readonly log?: true
}

const allow = (rule: string, text: string): Judgement => ({ verdict: 'allow', why: { rule, text } })
const deny = (rule: string, text: string): Judgement => ({ verdict: 'deny', why: { rule, text } })
const NOT_OURS = allow('guise/foreign', 'This end is no workload of this agent, so no rule of ours judges it.')

/** The verdict on one packet as it passes the enforcing namespace. */
export function evaluate(
  state: AgentState,
  bindings: readonly Binding[],
  packet: Packet,
  live: Live = NOTHING_LIVE,
): Judgement {
  const at = (face: string | null, address: string) => {
    const binding = bindings.find(
      (one) => one.interface === face && (one.driver !== 'gateway' || hasAddress(one, address)),
    )
    const workload = binding && state.workloads.find(({ key }) => key === binding.key)
    return binding && workload ? { binding, workload } : undefined
  }
  const sender = at(packet.enters, packet.source)
  const receiver = at(packet.leaves, packet.target ?? (packet.tracking === 'reply' ? packet.flow.from : packet.flow.to))
  const worn = new Set(state.workloads.map(({ key }) => key))
  const liar = bindings.find((one) => worn.has(one.key) && isPoser(one, packet))
  if (liar !== undefined) return deny('guise/spoofed', `${packet.source} is not an address of ${liar.key}.`)
  if (sender === undefined && receiver === undefined)
    return allow('guise/foreign', 'Neither end is a workload of this agent.')
  if (sender !== undefined && sender.binding.driver === 'netns' && !ownSource(sender.binding, packet))
    return deny('guise/spoofed', `${packet.source} is not an address of ${sender.binding.key}.`)
  if (packet.tracking === 'invalid' || packet.tracking === 'untracked')
    return deny(
      'guise/untracked',
      `Conntrack calls this packet ${packet.tracking}: it belongs to no flow that was judged.`,
    )
  if (packet.tracking === 'related-icmp')
    return allow('guise/related-icmp', 'An ICMP error about a known flow, which both ends need (RFC 4890 §4.3).')
  const { flow, tracking } = packet
  const [asker, asked] = tracking === 'reply' ? [receiver, sender] : [sender, receiver]
  const egress = asker === undefined ? NOT_OURS : judge(state, asker.workload, 'egress', flow, tracking, live)
  if (egress.verdict === 'deny') return egress
  const ingress = asked === undefined ? NOT_OURS : judge(state, asked.workload, 'ingress', flow, tracking, live)
  return ingress.verdict === 'deny' || asker === undefined ? ingress : egress
}

/** Both judges of the first packet of a flow between two addresses; the workloads are found by address. */
export function explainFlow(
  state: AgentState,
  bindings: readonly Binding[],
  flow: Flow,
  live: Live = NOTHING_LIVE,
): { readonly egress: Judgement; readonly ingress: Judgement; readonly verdict: Verdict } {
  const end = (address: string, direction: 'egress' | 'ingress') => {
    const binding = bindings.find((candidate) => candidate.addresses.some((own) => sameAddress(own, address)))
    const workload = binding && state.workloads.find(({ key }) => key === binding.key)
    return workload === undefined ? NOT_OURS : judge(state, workload, direction, flow, 'first', live)
  }
  const egress = end(flow.from, 'egress')
  const ingress = end(flow.to, 'ingress')
  return {
    egress,
    ingress,
    verdict: egress.verdict === 'allow' && ingress.verdict === 'allow' ? 'allow' : 'deny',
  }
}

function judge(
  state: AgentState,
  workload: DesiredState,
  direction: 'egress' | 'ingress',
  flow: Flow,
  tracking: 'first' | 'original' | 'reply',
  live: Live,
): Judgement {
  for (const path of state.failSafe) {
    if (path.direction !== 'both' && path.direction !== direction) continue
    if (matches(state, path.match, direction, flow, live)) return { verdict: 'allow', why: path.why }
  }
  const spared = isListed(state.neverBlock, flow.from) || isListed(state.neverBlock, flow.to)
  const { containment } = workload
  const contained = containment !== null && containment.until > live.now
  if (contained && !spared) {
    const isCut = direction === 'egress' ? containment.directions !== 'none' : containment.directions === 'both'
    if (isCut) return { verdict: 'deny', why: containment.why }
    const isUsedUp = live.spent?.some((one) => one.key === workload.key && one.rule === containment.why.rule) ?? false
    if (
      isUsedUp &&
      (containment.limit?.unit === 'bytes' || (containment.limit?.unit === 'flows' && tracking === 'first'))
    )
      return { verdict: 'deny', why: containment.why }
  }
  const peer = direction === 'egress' ? flow.to : flow.from
  const reflex = live.reflexes.some((entry) => entry.key === workload.key && sameAddress(entry.peer, peer))
  if (reflex && !spared) return deny('guise/reflex', `A reflex cut ${workload.key} off from ${peer}.`)
  const list = direction === 'egress' ? workload.egress : workload.ingress
  const isBeyond = (one: ResolvedRule): boolean => {
    if (one.beyond === undefined) return true
    const { beyond, why } = one
    const goesOut = direction === 'egress' ? tracking !== 'reply' : tracking === 'reply'
    const isOwn = beyond.kind === 'new' ? tracking === 'first' : goesOut
    const ofPeer = beyond.kind === 'new' || beyond.per === 'peer'
    return (
      isOwn &&
      (live.spent ?? []).some(
        (spent) =>
          spent.key === workload.key &&
          spent.rule === why.rule &&
          (!ofPeer || (spent.peer !== undefined && sameAddress(spent.peer, peer))),
      )
    )
  }
  const rule = decidingRule(state, list, direction, flow, live, isBeyond)
  if (rule === null) return { verdict: list.otherwise, why: list.why }
  if (rule.verdict === 'reject') return { verdict: 'deny', why: rule.why, ...answerTo(flow, tracking) }
  if (rule.verdict === 'deny') return { verdict: 'deny', why: rule.why }
  const isSpent = live.spent?.some((one) => one.key === workload.key && one.rule === rule.why.rule) ?? false
  if (isSpent && (rule.limit?.unit === 'bytes' || (rule.limit?.unit === 'flows' && tracking === 'first')))
    return { verdict: 'deny', why: rule.why }
  return { verdict: 'allow', why: rule.why, ...(rule.log === true && tracking === 'first' ? { log: true } : {}) }
}

/** null: every tier left it to the next, and the last to `otherwise`. */
function decidingRule(
  state: AgentState,
  list: RuleList,
  direction: 'egress' | 'ingress',
  flow: Flow,
  live: Live,
  isBeyond: (rule: ResolvedRule) => boolean,
): ResolvedRule | null {
  for (let tier = 0; tier <= 99; tier++) {
    for (const rule of list.rules) {
      if ((rule.tier ?? 0) !== tier || !matches(state, rule.match, direction, flow, live)) continue
      if (!isBeyond(rule)) continue
      if (rule.verdict === 'pass') break
      return rule
    }
  }
  return null
}

function answerTo(flow: Flow, tracking: 'first' | 'original' | 'reply'): Pick<Judgement, 'answer'> {
  if (tracking === 'reply') return {}
  return { answer: isProtocol(flow, 'tcp') ? 'reset' : 'unreachable' }
}

function matches(
  state: AgentState,
  match: RuleMatch,
  direction: 'egress' | 'ingress',
  flow: Flow,
  live: Live,
): boolean {
  const peer = direction === 'egress' ? flow.to : flow.from
  return matchesPeer(state, match.peer, peer, live) && matchesService(match.service, flow)
}

function matchesPeer(state: AgentState, peer: RuleMatch['peer'], address: string, live: Live): boolean {
  switch (peer.kind) {
    case 'any':
      return true
    case 'set': {
      const set = state.sets.find(({ name }) => name === peer.set)
      if (set === undefined || (set.members.length === 0 && set.learned === undefined)) return false
      const learned = (live.learned ?? []).filter((one) => set.learned !== undefined && one.set === peer.set)
      const members = [...set.members, ...learned.map((one) => one.address)]
      return isListed(members, address) !== (peer.not ?? false)
    }
    case 'cidr':
      return isListed([peer.cidr], address) && !isListed(peer.except ?? [], address)
  }
}

function matchesService(service: RuleMatch['service'], flow: Flow): boolean {
  if (service === null) return true
  switch (service.protocol) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      return isProtocol(flow, service.protocol) && flow.port >= service.from && flow.port <= service.to
    case 'tcp-any':
      return isProtocol(flow, 'tcp')
    case 'udp-any':
      return isProtocol(flow, 'udp')
    case 'sctp-any':
      return isProtocol(flow, 'sctp')
    case 'icmp6':
      return flow.to.includes(':') && isProtocol(flow, 'icmp') && (service.type === null || flow.port === service.type)
    case 'icmp': {
      if (!isProtocol(flow, 'icmp')) return false
      const echo = service.type === 8 && flow.to.includes(':')
      return service.type === null || flow.port === (echo ? 128 : service.type)
    }
  }
}

function isProtocol(flow: Flow, name: 'tcp' | 'udp' | 'sctp' | 'icmp'): boolean {
  if (flow.protocol === name) return true
  if (name === 'icmp') return flow.protocol === (flow.to.includes(':') ? 58 : 1)
  return flow.protocol === { tcp: 6, udp: 17, sctp: 132 }[name]
}

function ownSource(binding: Binding, packet: Packet): boolean {
  const { flow } = packet
  if (packet.source === '0.0.0.0' && isProtocol(flow, 'udp') && flow.port === 67) return true
  if (binding.mac !== undefined && packet.mac !== undefined && binding.mac.toLowerCase() !== packet.mac.toLowerCase())
    return false
  return binding.addresses.some((own) => sameAddress(own.replace(/\/\d+$/, ''), packet.source))
}

function hasAddress({ addresses }: Binding, address: string): boolean {
  return addresses.some((own) => sameAddress(own, address))
}

/** On an interface that many share: a device under an address that is not its own, or somebody else under one that is. */
function isPoser(binding: Binding, packet: Packet): boolean {
  const { driver, interface: face, mac } = binding
  if (driver !== 'gateway' || face !== packet.enters || mac === undefined || packet.mac === undefined) return false
  if (packet.source === '0.0.0.0' && isProtocol(packet.flow, 'udp') && packet.flow.port === 67) return false
  return (mac.toLowerCase() === packet.mac.toLowerCase()) !== hasAddress(binding, packet.source)
}

/** Families are apart: `::/0` holds no IPv4 address, though the model writes those as IPv4-mapped IPv6. */
function isListed(list: readonly string[], address: string): boolean {
  const words = parseAddress(address)
  if (words === null) return false
  const bits = toBits(words)
  return list.some((text) => {
    const cidr = parseCidr(text)
    if (cidr === null || isMapped(cidr.base) !== isMapped(words)) return false
    return toBits(cidr.base).slice(0, cidr.length) === bits.slice(0, cidr.length)
  })
}

function isMapped(words: Words): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff
}

function toBits(words: Words): string {
  return words.map((word) => word.toString(2).padStart(32, '0')).join('')
}

function sameAddress(one: string, other: string): boolean {
  const a = parseAddress(one.replace(/\/\d+$/, ''))
  const b = parseAddress(other)
  return a !== null && b !== null && toBits(a) === toBits(b)
}
