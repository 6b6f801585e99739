/**
 * Rules as content-addressed chains: equal rules are one chain, whoever wears them, and a name never changes meaning.
 * `e_` egress, `i_` ingress, `t_` a tier of either, `f_` fail-safe, `r_` reflex, `c_` containment, `n_` everyone but, `l_`
 * an allow with a limit or a log, `d_` deny with its log, `k_` pending shifts. Every match is on the conntrack original
 * tuple, so both directions of a flow obey the same rule.
 */
import { insideSet, peerText, prefixText, serviceText } from './match-text.ts'
import type { AgentTree, Direction, ListNode, Prefix, RuleNode, SetNode } from './tree.ts'
import { digest, encodeId } from './words.ts'

/** NFLOG group of every deny, with the rule id as prefix. The kernel gives one group to one reader per namespace. */
export const LOG_GROUP = 7
/** NFLOG group of the first packet of flows that a rule with `log` allows: another, because a reader of denies counts what it gets. */
const ALLOWED_LOG_GROUP = 8
/** NFLOG group of the answers of trusted resolvers, whole, while some rule asks for a name. */
export const ANSWER_LOG_GROUP = 9
const ANSWER = 'meta l4proto udp ct direction reply ct original proto-dst 53'
const ANSWER_LOG = `group ${ANSWER_LOG_GROUP} snaplen 4096`
/** Log prefixes: what says what a name stands for, and what is only looked at. */
export const TRUSTED = 'guise/answer'
export const WATCHED = 'guise/watched'
/** A flood of denied packets must not become a flood of log messages: per deny chain. */
export const LOG_LIMIT = 'limit rate 20/second burst 40 packets'
/** The first packet of a flow, until it has passed every hook: `ct state new` holds for all of a flow without a reply. */
const FIRST_PACKET = 'ct status ! confirmed'

export type Chains = {
  readonly all: Map<string, readonly string[]>
  /** Sets in which the kernel keeps what each interface has used of a limit, by what their elements are. */
  readonly limits: Map<string, string>
  /** Encoded id, as comments carry it → the id itself. */
  readonly ids: Map<string, string>
  /** In any mode but enforce a deny counts and lets pass. */
  readonly enforce: 'drop' | 'count'
}

/** A destination that nobody spoke with for so long is new again. */
const REMEMBERED_SECONDS = 30 * 86_400

/**
 * The host has no interface of its own, so a limit of its is one for all its packets. Behind a gateway many share one
 * interface, so there each address of a device has its own.
 */
export type Place = 'forward' | 'host' | 'gateway'

function addChain(chains: Chains, kind: string, lines: readonly string[]): string {
  const name = `${kind}_${digest(lines.join('\n'))}`
  if (!chains.all.has(name)) chains.all.set(name, Object.freeze([...lines]))
  return name
}

function comment(chains: Chains, id: string): string {
  const encoded = encodeId(id)
  chains.ids.set(encoded, id)
  return `comment "${encoded}"`
}

function denyText(chains: Chains, verdict: 'deny' | 'reject', id: string): string {
  return `counter goto ${verdict === 'deny' ? denyChain(chains, id) : rejectChain(chains, id)} ${comment(chains, id)}`
}

function logText(id: string, group: number): string {
  return `${LOG_LIMIT} log prefix "${encodeId(id)}" group ${group} snaplen 128`
}

function denyChain(chains: Chains, id: string): string {
  return addChain(chains, 'd', [
    logText(id, LOG_GROUP),
    `counter ${chains.enforce === 'drop' ? 'drop' : 'accept'} ${comment(chains, id)}`,
  ])
}

/**
 * The kernel answers to whoever sent the packet. In the reply direction that is the end that was asked, which asked for
 * nothing: its packet is dropped in silence, and the one that asked is told on its next.
 */
function rejectChain(chains: Chains, id: string): string {
  if (chains.enforce === 'count') return denyChain(chains, id)
  const said = comment(chains, id)
  return addChain(chains, 'd', [
    logText(id, LOG_GROUP),
    `ct direction original meta l4proto tcp counter reject with tcp reset ${said}`,
    `ct direction original counter reject with icmpx admin-prohibited ${said}`,
    `counter drop ${said}`,
  ])
}

type Where = { readonly direction: Direction; readonly place: Place }

/** `matches` tells limits of one rule id apart: two rules of one policy may share it. */
function allowText(chains: Chains, rule: RuleNode, where: Where, matches: string): string {
  const said = comment(chains, rule.id)
  if (rule.limit === null && rule.log === 'quiet') return `counter accept ${said}`
  const log = rule.log === 'log' ? [`${FIRST_PACKET} ${logText(rule.id, ALLOWED_LOG_GROUP)}`] : []
  const over = rule.limit === null ? [] : limitLines(chains, rule.id, rule.limit, where, matches)
  return `goto ${addChain(chains, 'l', [...over, ...log, `counter accept ${said}`])} ${said}`
}

/** One second's worth may come at once. A bucket per workload: many share the chain, each has its interface. */
function limitLines(
  chains: Chains,
  id: string,
  { unit, perSecond }: NonNullable<RuleNode['limit']>,
  { direction, place }: Where,
  matches: string,
): string[] {
  const burst = Math.min(perSecond, 2 ** 32 - 1)
  const rate = unit === 'bytes' ? `${perSecond} bytes/second` : `${perSecond}/second burst ${burst} packets`
  const limit = `limit rate over ${rate}`
  const deny = denyText(chains, 'deny', id)
  if (place === 'host') return [unit === 'bytes' ? `${limit} ${deny}` : `${FIRST_PACKET} ${limit} ${deny}`]
  const [there, back] = direction === 'egress' ? (['in', 'out'] as const) : (['out', 'in'] as const)
  return ownersAt(place).flatMap(({ in: into, out, type }) => {
    const name = `limit_${digest([direction, id, matches, rate, ...(place === 'gateway' ? [type] : [])].join('\n'))}`
    chains.limits.set(name, type)
    const over = (end: 'in' | 'out') => `update @${name} { ${end === 'in' ? into : out} ${limit} } ${deny}`
    if (unit === 'flows') return [`${FIRST_PACKET} ${over(there)}`]
    return [`ct direction original ${over(there)}`, `ct direction reply ${over(back)}`]
  })
}

/** What says whose a packet is that comes from it (`in`) or goes to it (`out`), and the type of that. */
function ownersAt(place: 'forward' | 'gateway') {
  if (place === 'forward') return [{ in: 'iifname', out: 'oifname', type: 'ifname' }]
  return ([4, 6] as const).map((family) => {
    const ip = family === 4 ? 'ip' : 'ip6'
    return { in: `iifname . ${ip} saddr`, out: `oifname . ${ip} daddr`, type: `ifname . ipv${family}_addr` }
  })
}

/**
 * What is beyond a budget is denied, the rest goes on behind the rule. A span begins with its first packet (`add` gives an
 * element its time once, `update` would give it again); both lists count into one set, each what goes out. An `add` into a
 * set that is full ends its rule (nft_dynset_eval), so who is in no set behind it was not counted, and is denied.
 */
function beyondLines(
  chains: Chains,
  id: string,
  beyond: NonNullable<RuleNode['beyond']>,
  { direction, place }: Where,
): string[] {
  if (place === 'host') throw new Error(`rule ${id}: the host itself has no interface to keep a budget by`)
  const deny = denyText(chains, 'deny', id)
  const setOf = (what: string, type: string) => {
    const name = `limit_${digest([id, what, type, JSON.stringify(beyond)].join('\n'))}`
    chains.limits.set(name, type)
    return name
  }
  const owners = ownersAt(place).map(({ in: key, type }) => ({ key, type }))
  const peers = ([4, 6] as const).map((family, i) => {
    const { key, type } = owners[i] ?? owners[0]!
    return {
      key: `${key} . ct original ${family === 4 ? 'ip' : 'ip6'} ${direction === 'egress' ? 'daddr' : 'saddr'}`,
      type: `${type} . ipv${family}_addr`,
    }
  })
  if (beyond.kind === 'new') {
    const remembered = `timeout ${beyond.seconds + REMEMBERED_SECONDS}s`
    return peers.flatMap(({ key, type }) => {
      const [known, held] = [setOf('known', type), setOf('held', type)]
      // In this order: whichever of the two is full, it is not known.
      const begin = `add @${held} { ${key} timeout ${beyond.seconds}s } add @${known} { ${key} ${remembered} }`
      return [
        `${FIRST_PACKET} ${key} @${held} ${deny}`,
        `${FIRST_PACKET} ${key} != @${known} ${begin} ${deny}`,
        `${FIRST_PACKET} ${key} != @${known} ${deny}`,
        `${FIRST_PACKET} update @${known} { ${key} ${remembered} }`,
      ]
    })
  }
  const out = `ct direction ${direction === 'egress' ? 'original' : 'reply'}`
  const keys = beyond.per === 'peer' ? peers : owners
  return keys.flatMap(({ key, type }) => {
    const used = setOf('used', type)
    const quota = `${key} timeout ${beyond.seconds}s quota over ${beyond.bytes} bytes`
    return [`${out} add @${used} { ${quota} } ${deny}`, `${out} ${key} != @${used} ${deny}`]
  })
}

/** One tier decides by itself, so its rules stand in the list's own chain; of several, each is a chain that may return. */
export function listChain(chains: Chains, list: ListNode, place: Place): string {
  const where = { direction: list.direction, place }
  const otherwise =
    list.otherwise.verdict === 'deny'
      ? denyText(chains, 'deny', list.otherwise.id)
      : `counter accept ${comment(chains, list.otherwise.id)}`
  const inline = list.tiers.length === 1 && list.tiers[0]!.every(({ verdict }) => verdict !== 'pass')
  const lines = inline
    ? tierLines(chains, where, list.tiers[0]!)
    : list.tiers.map((tier) => `jump ${addChain(chains, 't', tierLines(chains, where, tier))}`)
  return addChain(chains, list.direction === 'egress' ? 'e' : 'i', [...lines, otherwise])
}

export function classChain(chains: Chains, lines: readonly string[]): string {
  return addChain(chains, 'k', lines)
}

/** Answers of `resolvers` are told first: what is safe has no more to pass. An answer over UDP is one packet (RFC 1035 §4.2.1). */
export function safeChain(
  chains: Chains,
  direction: Direction,
  rules: readonly RuleNode[],
  resolvers: readonly Prefix[] = [],
  watches: AgentTree['watches'] = null,
): string {
  const answers = resolvers.map(
    (prefix) => `${ANSWER} ${prefixText(prefix, 'daddr')} log prefix "${TRUSTED}" ${ANSWER_LOG}`,
  )
  const watched = watches === null ? [] : [`${ANSWER} log prefix "${WATCHED}" ${ANSWER_LOG}`]
  return addChain(chains, 'f', [...answers, ...watched, ...tierLines(chains, { direction, place: 'forward' }, rules)])
}

/** Entered by `jump`: a flow with a never-block address at either end returns, and only the authored rules judge it. */
export function automaticDenyChain(chains: Chains, kind: 'c' | 'r', never: SetNode, id: string): string {
  return addChain(chains, kind, [...sparedLines(never), denyText(chains, 'deny', id)])
}

/** The same, of what is above a limit; what is below it returns as well. */
export function automaticLimitChain(
  chains: Chains,
  never: SetNode,
  id: string,
  limit: NonNullable<RuleNode['limit']>,
  where: Where,
): string {
  return addChain(chains, 'c', [...sparedLines(never), ...limitLines(chains, id, limit, where, 'contained')])
}

function sparedLines(never: SetNode): string[] {
  return (['daddr', 'saddr'] as const).flatMap((end) => insideSet(never, end).map(({ text }) => `${text} return`))
}

/**
 * A pass is `return` from the tier's chain. One that leaves peers out needs a chain for these, from which `return` would
 * lead back into the tier: so that chain is entered by `goto`, and what it leaves out goes on with the rest of the tier.
 */
function tierLines(chains: Chains, where: Where, rules: readonly RuleNode[]): string[] {
  let blocks: string[][] = []
  for (const rule of rules.toReversed()) {
    const { inside, except } = peerText(rule.peer, where.direction === 'egress' ? 'daddr' : 'saddr')
    const matches = serviceText(rule.service).flatMap((service) =>
      inside
        .filter(({ family }) => service.family === null || family === null || service.family === family)
        .map(({ family, text }) => {
          // A protocol of one family has its number in packets of the other, too; an address of the peer says which.
          const apart = service.family !== null && family === null ? `meta nfproto ipv${service.family}` : ''
          return [apart, service.text, text].filter((part) => part !== '').join(' ')
        }),
    )
    const lines = (target: string) => matches.map((text) => (text === '' ? target : `${text} ${target}`))
    const verdict = verdictText(chains, rule, where, [...matches, ...except].join('\n'))
    if (except.length === 0) blocks.push(lines(verdict))
    else if (rule.verdict !== 'pass') {
      const returns = except.map((text) => `${text} return`)
      blocks.push(lines(`jump ${addChain(chains, 'n', [...returns, verdict])}`))
    } else {
      const rest = blocks.length === 0 ? 'return' : `goto ${addChain(chains, 't', blocks.reverse().flat())}`
      const goes = except.map((text) => `${text} ${rest}`)
      blocks = [rest === 'return' ? [] : [rest], lines(`goto ${addChain(chains, 'n', [...goes, verdict])}`)]
    }
  }
  return blocks.reverse().flat()
}

function verdictText(chains: Chains, rule: RuleNode, where: Where, matches: string): string {
  switch (rule.verdict) {
    case 'allow':
      return allowText(chains, rule, where, matches)
    case 'pass':
      return `counter return ${comment(chains, rule.id)}`
    case 'deny':
    case 'reject':
      return rule.beyond === null
        ? denyText(chains, rule.verdict, rule.id)
        : `jump ${addChain(chains, 'l', beyondLines(chains, rule.id, rule.beyond, where))}`
  }
}
