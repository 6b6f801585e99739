/**
 * The first rules of a workload that is at work already: the connections that it has come in, each is allowed by its five
 * values for a bounded time, whatever the new persona says of it, so that taking a live host under control cuts nobody
 * off in mid-sentence. A containment and a reflex still go before it. Lives in chain `live` and two sets of its own, which
 * no plan writes; their elements end by themselves.
 */
import { readFile } from 'node:fs/promises'
import { LIVE, TABLE } from '../compile/base.ts'
import { canonicalText, isV4, parseAddress } from '../model/address.ts'
import { type Open, type OpenEnd, openConnections, readOpen } from './open-connections.ts'
import type { Inventory, Snapshot } from './snapshot.ts'

/** Elements in nft's words, without their time. */
export type Carried = { readonly v4: readonly string[]; readonly v6: readonly string[]; readonly until: number }

/** Long enough for what is short, short enough that the persona is what holds. */
export const CARRY_MS = 300_000
const MOST_FLOWS = 10_000
const SET = 'type ADDRESS . ADDRESS . inet_proto . inet_service . inet_service; flags timeout;'

/** What is tracked where we are (nf_conntrack_standalone.c, ct_seq_show); some kernels are built without it. */
const TRACKED = '/proc/self/net/nf_conntrack'

/**
 * `namespaces`: null = our own. `routed`: addresses of devices, whose connections are seen only as they pass. What cannot be
 * looked into has its flows judged at once.
 */
export async function carriedFlows(
  namespaces: readonly (string | null)[],
  routed: ReadonlySet<string>,
  now: number,
): Promise<Carried | null> {
  const said = await Promise.all(namespaces.map((one) => openConnections(one).catch(() => '')))
  const through = routed.size === 0 ? '' : await readFile(TRACKED, 'latin1').catch(() => '')
  const flows = [
    ...said.flatMap((text) => text.split('\n').flatMap(readFlow)),
    ...through.split('\n').flatMap((line) => readTracked(line, routed)),
  ].slice(0, MOST_FLOWS)
  const of = (family: Flow['family']) => [
    ...new Set(flows.filter((flow) => flow.family === family).flatMap(({ both }) => both)),
  ]
  return flows.length === 0 ? null : { v4: of(4), v6: of(6), until: now + CARRY_MS }
}

type Flow = { readonly family: 4 | 6; readonly both: readonly [string, string] }

/** One line of `ss -Htun`, by either end as the asker: the kernel starts to track it with whoever speaks next. */
export function readFlow(line: string): Flow[] {
  const open = readOpen(line)
  return open === null ? [] : [{ family: open.local.family, both: bothWays(open) }]
}

/** A connection that was answered, with one of these at either end; as it was asked for, whatever is translated. */
export function readTracked(line: string, routed: ReadonlySet<string>): Flow[] {
  const [, protocol] = /^ipv[46]\s+\d+\s+(tcp|udp)\s/.exec(line) ?? []
  if (protocol === undefined || line.includes('[UNREPLIED]')) return []
  if (protocol === 'tcp' && !/ ESTABLISHED /.test(line)) return []
  const [asked, answered] = [...line.matchAll(/src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g)]
  if (asked === undefined || answered === undefined) return []
  const ends = [asked, answered].flatMap(([, source = '', target = '']) => [
    canonicalText(source),
    canonicalText(target),
  ])
  if (!ends.some((address) => routed.has(address))) return []
  const words = parseAddress(asked[1]!)
  if (words === null || parseAddress(asked[2]!) === null) return []
  const way = `${ends[0]} . ${ends[1]} . ${protocol} . ${asked[3]} . ${asked[4]}`
  return [{ family: isV4(words) ? 4 : 6, both: [way, way] }]
}

/** Has it come in with the first rules, and its time is not over? */
export function isCarried(open: Open, carried: readonly Carried[], now: number): boolean {
  const [out] = bothWays(open)
  return carried.some(({ v4, v6, until }) => until > now && (open.local.family === 4 ? v4 : v6).includes(out))
}

function bothWays({ protocol, local, peer }: Open): [string, string] {
  const way = (from: OpenEnd, to: OpenEnd) =>
    `${from.address} . ${to.address} . ${protocol} . ${from.port} . ${to.port}`
  return [way(local, peer), way(peer, local)]
}

/** To stand behind the text that makes the table, in one transaction with it. What is there already keeps its time. */
export function carryText(carried: readonly Carried[], now: number): string {
  const still = carried.filter(({ until }) => until > now)
  if (still.length === 0) return ''
  const family = (
    name: 'live4' | 'live6',
    type: string,
    ip: 'ip' | 'ip6',
    flows: (of: Carried) => readonly string[],
  ) => [
    `add set ${TABLE} ${name} { ${SET.replaceAll('ADDRESS', type)} }`,
    `add rule ${TABLE} ${LIVE} meta l4proto { tcp, udp } ct original ${ip} saddr . ct original ${ip} daddr . meta l4proto . ct original proto-src . ct original proto-dst @${name} accept`,
    ...still
      .filter((one) => flows(one).length > 0)
      .map((one) => {
        const timed = flows(one).map((flow) => `${flow} timeout ${one.until - now}ms`)
        return `add element ${TABLE} ${name} { ${timed.join(', ')} }`
      }),
  ]
  const lines = [
    `flush chain ${TABLE} ${LIVE}`,
    ...family('live4', 'ipv4_addr', 'ip', ({ v4 }) => v4),
    ...family('live6', 'ipv6_addr', 'ip6', ({ v6 }) => v6),
  ]
  return `${lines.join('\n')}\n`
}

export type Carrying = {
  /** Also those whose time is over. */
  readonly flows: readonly Carried[]
  /** What is open where the first rules are about to hold, as text for the same transaction. */
  begin(before: Snapshot, after: Snapshot): Promise<string>
  /** What is carried still, to stand behind whatever may have written the table anew. */
  text(): string
}

/** `now`: epoch ms. */
export function createCarrying(inventory: () => Inventory, now: () => number): Carrying {
  let carried: readonly Carried[] = []
  return {
    get flows() {
      return carried
    },
    async begin(before, after) {
      const known = new Set(dressedIn(before).map(({ key }) => key))
      const fresh = dressedIn(after).filter(({ key }) => !known.has(key))
      const { namespaces } = inventory()
      const spaces = fresh.flatMap(({ key, driver }) => (driver === 'host' ? [null] : (namespaces.get(key) ?? [])))
      const routed = fresh.filter(({ driver }) => driver === 'gateway').flatMap(({ addresses }) => addresses)
      const found = spaces.length + routed.length === 0 ? null : await carriedFlows(spaces, new Set(routed), now())
      if (found === null) return ''
      carried = [found, ...carried.filter((one) => one.until > now())]
      return carryText(carried, now())
    },
    text: () => carryText(carried, now()),
  }
}

/** Whom the rules hold: of those that are here, who is in the state. */
function dressedIn({ state, bindings }: Snapshot): Snapshot['bindings'] {
  const dressed = new Set(state?.workloads.map(({ key }) => key))
  return bindings.filter(({ key }) => dressed.has(key))
}
