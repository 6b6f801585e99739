/**
 * `onDeny: reset`. In: a snapshot whose rules are in force. Out: the sockets of its workloads that these rules deny are ended,
 * in the namespace that they are in, and who they were. A flow is judged by the values of its first packet, as conntrack of
 * the enforcing namespace has them, and by the evaluator: so a socket is ended only where no packet of it passes any more.
 */
import { networkInterfaces } from 'node:os'
import { evaluate, type Live, type Packet } from '../compile/evaluate.ts'
import type { Binding } from '../compile/tree.ts'
import { formatAddress, parseAddress } from '../model/address.ts'
import type { AgentState } from '../model/desired.ts'
import { createNetworks } from '../model/networks.ts'
import { originalTuple, type Tuple } from '../netlink/conntrack-lookup.ts'
import { Family, NetlinkSocket } from '../netlink/socket.ts'
import { type Carried, isCarried } from './carry.ts'
import { effect } from './fault.ts'
import { withOldAddresses, withOldMembers } from './old-addresses.ts'
import { type Open, type OpenEnd, openConnections, readOpen } from './open-connections.ts'
import type { Snapshot } from './snapshot.ts'
import { inside } from './step.ts'

const CHILD = new URL('./reset-child.ts', import.meta.url).pathname
/** In one look at one workload. */
const MOST_SOCKETS = 10_000
/** Another end that is no workload of this agent, and not this host either. */
const ELSEWHERE = 'elsewhere'
const PROTO = { tcp: 6, udp: 17 } as const

export type Reset = { readonly key: string; readonly sockets: number; readonly rules: readonly string[] }
export type ResetWorld = {
  /** Key → path under /run/netns. */
  readonly namespaces: ReadonlyMap<string, string>
  readonly carried: readonly Carried[]
  readonly learned: Live['learned']
  readonly now: number
  /** A workload that could not be looked into; the others go on. */
  readonly missed: (key: string, why: string) => void
}

/** Looks only where `after` is other than `before`: what was denied already has nothing open. */
export async function resetDenied(before: Snapshot, after: Snapshot, world: ResetWorld): Promise<Reset[]> {
  const state = after.state
  if (state === null || state.mode !== 'enforce') return []
  const asking = changed(before.state, state).filter(({ onDeny }) => onDeny === 'reset')
  const done: Reset[] = []
  for (const { key } of asking) {
    const binding = after.bindings.find((one) => one.key === key)
    const namespace = binding?.driver === 'host' ? null : world.namespaces.get(key)
    if (binding === undefined || namespace === undefined) continue
    try {
      const one = await resetOf(after, binding, namespace, world)
      if (one !== null) done.push(one)
    } catch (error) {
      world.missed(key, (error as Error).message)
    }
  }
  return done
}

function changed(before: AgentState | null, after: AgentState): AgentState['workloads'] {
  const common = ({ sets, neverBlock, failSafe }: AgentState) => JSON.stringify([sets, neverBlock, failSafe])
  if (before === null || common(before) !== common(after)) return after.workloads
  const old = new Map(before.workloads.map((one) => [one.key, JSON.stringify(one)]))
  return after.workloads.filter((one) => old.get(one.key) !== JSON.stringify(one))
}

async function resetOf(
  after: Snapshot,
  binding: Binding,
  namespace: string | null,
  { carried, learned = [], now }: ResetWorld,
): Promise<Reset | null> {
  const lines = (await openConnections(namespace)).split('\n').slice(0, MOST_SOCKETS)
  const open = lines.flatMap((line) => readOpen(line) ?? [])
  if (open.length === 0) return null
  const flows = firstPackets(open, binding)
  const denies = judgeOf(after, binding, flows, { now, reflexes: [], learned })
  const contained = after.state!.workloads.find(({ key }) => key === binding.key)?.containment?.why.rule
  const denied = flows.flatMap((flow) => {
    const rule = denies(flow)
    return rule === null || (rule !== contained && isCarried(flow.open, carried, now)) ? [] : [{ ...flow, rule }]
  })
  if (denied.length === 0) return null
  const names = denied.map(({ open: { protocol, local, peer } }) => `${protocol} ${endText(local)} ${endText(peer)}`)
  const said = await effect('sockets', () => inside(namespace, process.execPath, [CHILD], JSON.stringify(names)))
  const sockets = Number(said)
  return sockets > 0 ? { key: binding.key, sockets, rules: [...new Set(denied.map(({ rule }) => rule))] } : null
}

const endText = ({ address, port }: OpenEnd) => `${address} ${port}`

/** A socket, and the values of the first packet of its flow. */
type OpenFlow = { readonly open: Open; readonly from: string; readonly to: string; readonly port: number }

/** Of what conntrack does not know, only a UDP socket can be told: with the next that it sends, it is the one that asks. */
function firstPackets(all: readonly Open[], { driver }: Binding): OpenFlow[] {
  using conntrack = new NetlinkSocket(Family.netfilter)
  const home = new Set(Object.values(networkInterfaces()).flatMap((own) => (own ?? []).map(({ address }) => address)))
  return all.flatMap((open): OpenFlow[] => {
    const { protocol, local, peer } = open
    // What is said to this host itself is not forwarded, so no rule of a workload behind it judges it.
    if (driver === 'netns' && home.has(peer.address)) return []
    const [source, target] = [parseAddress(local.address), parseAddress(peer.address)].map((words) =>
      Uint32Array.from(words ?? []),
    ) as [Uint32Array, Uint32Array]
    const sent = { source, target, proto: PROTO[protocol], sourcePort: local.port, targetPort: peer.port }
    const first: Tuple | null = originalTuple(conntrack, sent) ?? (protocol === 'udp' ? sent : null)
    if (first === null) return []
    return [{ open, from: formatAddress(first.source), to: formatAddress(first.target), port: first.targetPort }]
  })
}

/** The rule that denies it; null when it is allowed, or when an end of it is never to be blocked. */
function judgeOf(
  after: Snapshot,
  { key, driver }: Binding,
  flows: readonly OpenFlow[],
  live: Live,
): (flow: OpenFlow) => string | null {
  const { draining = [] } = after
  const bindings = withOldAddresses(after.bindings, draining)
  const own = bindings.find((one) => one.key === key)!
  const whole = withOldMembers(after.state!, draining)
  const spared = covering(whole.neverBlock)
  const state = about(whole, new Set(flows.flatMap(({ from, to }) => [from, to])))
  return ({ open: { protocol }, from, to, port }) => {
    if (spared(from) || spared(to)) return null
    const face = (address: string): string | null => {
      const other = bindings.find(({ addresses }) => addresses.includes(address))
      return driver === 'host' || other?.driver === 'host' ? ELSEWHERE : (other?.interface ?? ELSEWHERE)
    }
    const asks = own.addresses.includes(from)
    const packet: Packet = {
      enters: asks ? own.interface : face(from),
      leaves: asks ? face(to) : own.interface,
      source: from,
      tracking: 'original',
      flow: { from, to, protocol, port },
    }
    const { verdict, why } = evaluate(state, bindings, packet, live)
    return verdict === 'deny' ? why.rule : null
  }
}

/** The same state, as far as it is about these addresses: the evaluator walks every set anew, and some are long. */
function about(state: AgentState, addresses: ReadonlySet<string>): AgentState {
  const named = new Set(
    state.workloads.flatMap(({ egress, ingress }) =>
      [...egress.rules, ...ingress.rules, ...state.failSafe].flatMap(({ match: { peer } }) =>
        peer.kind === 'set' ? [peer.set] : [],
      ),
    ),
  )
  const sets = state.sets.flatMap((set) => {
    if (!named.has(set.name)) return []
    const covers = covering(set.members)
    const members = [...addresses].filter(covers)
    // Empty would mean nothing: one that is not about them keeps a member that is about somebody else.
    return [{ ...set, members: members.length === 0 ? set.members.slice(0, 1) : members }]
  })
  return { ...state, sets, neverBlock: [] }
}

/** Families are apart: `::/0` holds no IPv4 address. */
function covering(cidrs: readonly string[]): (address: string) => boolean {
  const of = Map.groupBy(cidrs, (text) => text.includes(':'))
  const networks = [false, true].map((isV6) => createNetworks(of.get(isV6) ?? []))
  return (address) => {
    const words = parseAddress(address)
    return words !== null && networks[address.includes(':') ? 1 : 0]!.covers(words)
  }
}
