/**
 * compile/: an agent's state and what its drivers found come in; a small rule tree, kernel text and the verdict of any
 * packet go out. This file makes the tree: bindings joined to desired states, addresses parsed into one family each,
 * sets split by prefix length, rules that can match nothing left out. `nft.ts` writes it for the kernel; `evaluate.ts`
 * is the slow, obvious meaning, and shares no logic with either.
 */
import { formatAddress, isV4, parseAddress, parseCidr } from '../model/address.ts'
import type { Hold } from '../model/containment.ts'
import type { AgentState, DesiredState, ResolvedRule, RuleList, RuleVerdict, Verdict } from '../model/desired.ts'
import type { RuleMatch } from '../model/rule-match.ts'
import { tiersOf } from '../model/tiers.ts'
import { listKeys, sameList } from './same-list.ts'

/** A workload as a driver found it: where its packets pass, and which addresses are its own. */
export type Binding = {
  readonly key: string
  /** On the enforcing side; null for the host itself. */
  readonly interface: string | null
  readonly addresses: readonly string[]
  /** `gateway`: others share the interface, so it is known there by its addresses. */
  readonly driver: 'netns' | 'host' | 'gateway'
  /** Checked as well where the interface is Ethernet with a known address. */
  readonly mac?: string
}

/** No authored set can have this name: the slash is outside what the model allows. */
const NEVER_BLOCK = 'guise/never'

export type Direction = 'egress' | 'ingress'
export type Family = 4 | 6
export type Prefix = { readonly family: Family; readonly address: string; readonly length: number }

/** Members of one family and prefix length: one hash set in the kernel (interval sets cost 5,000 times as much to change). */
export type Bucket = { readonly family: Family; readonly length: number; readonly addresses: readonly string[] }
export type SetNode = { readonly kind: 'set'; readonly name: string; readonly buckets: readonly Bucket[] }

export type PeerNode =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'inside'; readonly set: SetNode }
  | { readonly kind: 'outside'; readonly set: SetNode }
  | { readonly kind: 'within'; readonly prefix: Prefix; readonly except: readonly Prefix[] }

export type RuleNode = {
  readonly kind: 'rule'
  readonly verdict: RuleVerdict
  readonly peer: PeerNode
  readonly service: RuleMatch['service']
  readonly id: string
  /** Of an allow alone. */
  readonly limit: NonNullable<ResolvedRule['limit']> | null
  /** Of a deny alone. */
  readonly beyond: NonNullable<ResolvedRule['beyond']> | null
  readonly log: 'log' | 'quiet'
}
export type ListNode = {
  readonly kind: 'list'
  readonly direction: Direction
  /** Lowest first; one that can match nothing is left out. */
  readonly tiers: readonly (readonly RuleNode[])[]
  readonly otherwise: { readonly verdict: Verdict; readonly id: string }
}
export type MemberNode = {
  readonly kind: 'member'
  readonly key: string
  /** null: the host itself */
  readonly interface: string | null
  /** Whose packets pass its interface: its own alone, or those of others too. */
  readonly link: 'own' | 'shared'
  readonly addresses: readonly { readonly family: Family; readonly address: string }[]
  readonly mac: string | null
  readonly egress: ListNode
  readonly ingress: ListNode
  readonly containment: (Hold & { readonly until: number; readonly id: string }) | null
}
export type AgentTree = {
  readonly kind: 'agent'
  readonly mode: AgentState['mode']
  readonly members: readonly MemberNode[]
  /** The sets that some rule refers to and that hold something. */
  readonly sets: readonly SetNode[]
  readonly never: SetNode
  readonly safe: Readonly<Record<Direction, readonly RuleNode[]>>
  /** Whose answers to questions for names are told to the agent; none where no rule asks for a name. */
  readonly resolvers: readonly Prefix[]
  /** Answers to some workload are looked at for data in the names. */
  readonly watches: 'dns' | null
}

/** Throws when the state breaks the model's promises (an address that is none, an interface nft would read as a pattern). */
export function buildTree(state: AgentState, bindings: readonly Binding[]): AgentTree {
  const sets = namedSets(state)
  const used = new Map<string, SetNode>()
  const lookUp = (name: string): SetNode | null => {
    const set = sets(name)
    if (set !== null) used.set(name, set)
    return set
  }
  const lists = listCache(lookUp)
  const desired = new Map(state.workloads.map((workload) => [workload.key, workload]))
  const members = bindings.flatMap((binding) => {
    const workload = desired.get(binding.key)
    return workload === undefined ? [] : [buildMember(binding, workload, lists)]
  })
  refuseDoubles(members)
  const safe = (direction: Direction) =>
    Object.freeze(
      state.failSafe
        .filter((path) => path.direction === 'both' || path.direction === direction)
        .flatMap(({ id, match, why }) => buildRule({ verdict: 'allow', match, why: { ...why, rule: id } }, lookUp)),
    )
  const tree = { egress: safe('egress'), ingress: safe('ingress') }
  return Object.freeze({
    kind: 'agent',
    mode: state.mode,
    members: Object.freeze(members),
    sets: Object.freeze([...used.values()].sort((a, b) => (a.name < b.name ? -1 : 1))),
    never: buildSet(NEVER_BLOCK, state.neverBlock),
    safe: Object.freeze(tree),
    resolvers: Object.freeze(resolversOf(state, used)),
    watches: state.workloads.some(({ dlp }) => dlp?.dnsTunnels === 'watch') ? 'dns' : null,
  })
}

function buildMember(
  binding: Binding,
  workload: DesiredState,
  lists: (direction: Direction, list: RuleList) => ListNode,
): MemberNode {
  if ((binding.driver === 'host') !== (binding.interface === null))
    throw new Error(`binding of ${binding.key}: a host has no interface of its own, everything else has one`)
  if (binding.interface !== null && !/^[A-Za-z0-9_.-]{1,15}$/.test(binding.interface))
    throw new Error(`binding of ${binding.key}: not an interface name: ${JSON.stringify(binding.interface)}`)
  if (binding.mac !== undefined && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(binding.mac))
    throw new Error(`binding of ${binding.key}: not a MAC address: ${JSON.stringify(binding.mac)}`)
  const containment = workload.containment
  return Object.freeze({
    kind: 'member',
    key: binding.key,
    interface: binding.interface,
    link: binding.driver === 'gateway' ? 'shared' : 'own',
    addresses: Object.freeze(
      binding.addresses.map((text) => {
        const { family, address } = parsePrefix(text.replace(/\/\d+$/, ''), `addresses of ${binding.key}`)
        return Object.freeze({ family, address })
      }),
    ),
    mac: binding.mac?.toLowerCase() ?? null,
    egress: lists('egress', workload.egress),
    ingress: lists('ingress', workload.ingress),
    containment:
      containment === null
        ? null
        : Object.freeze({
            directions: containment.directions,
            ...(containment.limit && { limit: containment.limit }),
            until: containment.until,
            id: containment.why.rule,
          }),
  })
}

/** Two workloads behind one interface, or one address of it, would share one map key, and one would silently wear the other's rules. */
function refuseDoubles(members: readonly MemberNode[]): void {
  const seen = new Map<string, string>()
  const claim = (name: string, key: string, said: string) => {
    const other = seen.get(name)
    if (other !== undefined) throw new Error(`${other} and ${key} are both bound to ${said}`)
    seen.set(name, key)
  }
  const shared = new Set(members.flatMap(({ link, interface: face }) => (link === 'shared' ? [face] : [])))
  for (const { key, interface: face, link, addresses } of members) {
    if (link === 'own') {
      if (shared.has(face)) throw new Error(`${key} is bound to ${face}, which devices share`)
      claim(face ?? '', key, face ?? 'the host')
    } else for (const { address } of addresses) claim(`${face} ${address}`, key, `${address} on ${face}`)
  }
}

/** Most workloads wear one of few profiles: equal lists become one node, which is then one chain. */
function listCache(lookUp: (name: string) => SetNode | null) {
  type Alike = { readonly list: RuleList; readonly node: ListNode }[]
  const known: Record<Direction, Map<string, Map<string, Alike>>> = { egress: new Map(), ingress: new Map() }
  return (direction: Direction, list: RuleList): ListNode => {
    const [last, first] = listKeys(list)
    const byFirst = known[direction].get(last) ?? new Map<string, Alike>()
    known[direction].set(last, byFirst)
    const alike = byFirst.get(first) ?? []
    byFirst.set(first, alike)
    for (const entry of alike) if (sameList(entry.list, list)) return entry.node
    const node = buildList(direction, list, lookUp)
    alike.push({ list, node })
    return node
  }
}

function buildList(direction: Direction, list: RuleList, lookUp: (name: string) => SetNode | null): ListNode {
  return Object.freeze({
    kind: 'list',
    direction,
    tiers: Object.freeze(
      tiersOf(list.rules)
        .map((tier) => Object.freeze(tier.flatMap((rule) => buildRule(rule, lookUp))))
        .filter((tier) => tier.length > 0),
    ),
    otherwise: Object.freeze({ verdict: list.otherwise, id: list.why.rule }),
  })
}

function buildRule(rule: ResolvedRule, lookUp: (name: string) => SetNode | null): RuleNode[] {
  const { verdict, match, limit, beyond } = rule
  const id = rule.why.rule
  if (limit !== undefined && verdict !== 'allow')
    throw new Error(`rule ${id}: only an allow can have a limit, this is a ${verdict}`)
  if (beyond !== undefined && verdict !== 'deny')
    throw new Error(`rule ${id}: only a deny can be of what is beyond a budget, this is a ${verdict}`)
  const peer = buildPeer(match.peer, lookUp, id)
  if (peer === null) return []
  // Every deny is logged, with or without a word of it.
  const log = verdict === 'allow' && rule.log === true ? 'log' : 'quiet'
  return [
    Object.freeze({
      kind: 'rule',
      verdict,
      peer,
      service: match.service,
      id,
      limit: limit ?? null,
      beyond: beyond ?? null,
      log,
    }),
  ]
}

/** null when it can match nothing: an unknown or empty set matches nothing, under `not` too (empty means nothing). */
function buildPeer(peer: RuleMatch['peer'], lookUp: (name: string) => SetNode | null, id: string): PeerNode | null {
  switch (peer.kind) {
    case 'any':
      return Object.freeze({ kind: 'anyone' })
    case 'set': {
      const set = lookUp(peer.set)
      return set === null ? null : Object.freeze({ kind: peer.not === true ? 'outside' : 'inside', set })
    }
    case 'cidr': {
      const prefix = parsePrefix(peer.cidr, id)
      const except = (peer.except ?? [])
        .map((text) => parsePrefix(text, id))
        .filter((other) => other.family === prefix.family)
      return Object.freeze({ kind: 'within', prefix, except: Object.freeze(except) })
    }
  }
}

function resolversOf(state: AgentState, used: ReadonlyMap<string, SetNode>): Prefix[] {
  const asked = state.sets.filter(({ name, learned }) => learned !== undefined && used.has(name))
  const texts = [...new Set(asked.flatMap(({ learned }) => learned!.resolvers))].sort()
  return texts.map((text) => parsePrefix(text, 'resolvers'))
}

/** Where the agent puts single addresses, of either family. */
const LEARNED_BUCKETS: readonly Bucket[] = [
  { family: 4, length: 32, addresses: [] },
  { family: 6, length: 128, addresses: [] },
]

function namedSets(state: AgentState): (name: string) => SetNode | null {
  const raw = new Map(state.sets.map((set) => [set.name, set]))
  const built = new Map<string, SetNode | null>()
  return (name) => {
    const known = built.get(name)
    if (known !== undefined) return known
    const { members = [], learned } = raw.get(name) ?? {}
    const room = learned === undefined ? [] : LEARNED_BUCKETS
    const node = members.length + room.length === 0 ? null : buildSet(name, members, room)
    built.set(name, node)
    return node
  }
}

/** `room`: buckets that are there even when they hold nothing. */
function buildSet(name: string, members: readonly string[], room: readonly Bucket[] = []): SetNode {
  const buckets = new Map<string, { family: Family; length: number; addresses: Set<string> }>()
  for (const { family, length } of room) buckets.set(`${family}/${length}`, { family, length, addresses: new Set() })
  for (const text of members) {
    const { family, address, length } = parsePrefix(text, `set ${name}`)
    const key = `${family}/${length}`
    let bucket = buckets.get(key)
    if (bucket === undefined) {
      bucket = { family, length, addresses: new Set() }
      buckets.set(key, bucket)
    }
    bucket.addresses.add(address)
  }
  const sorted = [...buckets.values()].sort((a, b) => a.family - b.family || b.length - a.length)
  return Object.freeze({
    kind: 'set',
    name,
    buckets: Object.freeze(
      sorted.map(({ family, length, addresses }) =>
        Object.freeze({ family, length, addresses: Object.freeze([...addresses]) }),
      ),
    ),
  })
}

function parsePrefix(text: string, where: string): Prefix {
  const cidr = parseCidr(text)
  if (cidr === null) throw new Error(`${where}: not an address or CIDR (host bits zero): ${JSON.stringify(text)}`)
  const family = isV4(cidr.base) ? 4 : 6
  return Object.freeze({
    family,
    address: formatAddress(cidr.base),
    length: family === 4 ? cidr.length - 96 : cidr.length,
  })
}

/** Canonical text of an address, as the kernel prints it too; null when it is none. */
export function canonicalAddress(text: string): { readonly family: Family; readonly address: string } | null {
  const words = parseAddress(text)
  return words === null ? null : { family: isV4(words) ? 4 : 6, address: formatAddress(words) }
}
