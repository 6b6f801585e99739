/**
 * The host's last word on what a server asks for. In: a state that matched its schema, the host's floor, and what this host
 * is. Out: null, or the first thing in it that the floor does not allow, with its place. Pure, and asked before anything is
 * looked up, compiled or written; a server that was taken over can change what the floor leaves open, and nothing else.
 */
import {
  type Cidr,
  canonicalText,
  cidrContains,
  formatAddress,
  isV4,
  parseAddress,
  parseCidr,
  type Words,
} from '../model/address.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import { isListed, packageOf } from '../model/facets/packages.ts'
import { isGroupAddress } from '../model/networks.ts'
import { MODES } from '../model/policy.ts'
import type { Floor, ProtectedPath } from './floor.ts'
import { createReach } from './floor-reach.ts'
import { translationFault } from './floor-translation.ts'
import { type Fault, first, shown, wordFault } from './floor-words.ts'

/** What the host knows of itself at this moment. */
export type Held = {
  readonly inForce: AgentState | null
  /** epoch ms, by the clock that containments end by. */
  readonly now: number
  /** Workloads changed within the last minute. */
  readonly changed: number
  /** Key → driver: what the inventory names. */
  readonly drivers: ReadonlyMap<string, string>
  /** Where the server is reached, once it is known. */
  readonly server: readonly { readonly address: string; readonly port: number }[]
  /** Default gateways of the namespace we work in. */
  readonly gateways: readonly string[]
}

/** Nothing known, no change so far: for tests and for judging a file. */
export const UNKNOWN_HOST: Held = {
  inForce: null,
  now: 0,
  changed: 0,
  drivers: new Map(),
  server: [],
  gateways: [],
}

export function judgeState(state: AgentState, floor: Floor, held: Held): Fault | null {
  return (
    boundsFault(state, floor, held) ??
    wordFault(state, new Set(held.drivers.keys())) ??
    addressFault(state) ??
    facetFault(state, floor) ??
    packageFault(state, floor) ??
    claimFault(state, floor, held) ??
    translationFault(state, floor, held) ??
    pathFault(state, floor, held)
  )
}

/** Workloads that `after` changes, leaves out, or has anew; from nothing nothing is changed. */
export function changedWorkloads(before: AgentState | null, after: AgentState): number {
  if (before === null) return 0
  const old = new Map(before.workloads.map((workload) => [workload.key, JSON.stringify(workload)]))
  let changed = 0
  for (const workload of after.workloads) {
    if (old.get(workload.key) !== JSON.stringify(workload)) changed++
    old.delete(workload.key)
  }
  return changed + old.size
}

function boundsFault(state: AgentState, { limits, leastMode }: Floor, held: Held): Fault | null {
  const over = (pointer: string, what: string, n: number, most: number): Fault | null =>
    n <= most ? null : { pointer, reason: `${n} ${what}; this host takes at most ${most}` }
  const rules = state.workloads.reduce((sum, one) => sum + one.egress.rules.length + one.ingress.rules.length, 0)
  const elements = state.sets.reduce((sum, set) => sum + set.members.length, 0)
  const changes = held.changed + changedWorkloads(held.inForce, state)
  return (
    over('/workloads', 'workloads', state.workloads.length, limits.workloads) ??
    over('/workloads', 'rules', rules, limits.rules) ??
    over('/sets', 'sets', state.sets.length, limits.sets) ??
    over('/sets', 'addresses in sets', elements, limits.elements) ??
    over('/workloads', 'workloads changed within a minute', changes, limits.changesPerMinute) ??
    over('/confirmWithinMs', 'ms to wait for a confirmation', state.confirmWithinMs, limits.confirmWithinMs) ??
    (MODES.indexOf(state.mode) < MODES.indexOf(leastMode)
      ? { pointer: '/mode', reason: `mode ${state.mode} is less than ${leastMode}, which this host asks for` }
      : null) ??
    twice('/workloads', state.workloads, ({ key }) => key) ??
    twice('/workloads', state.workloads, ({ workload }) => workload) ??
    twice('/sets', state.sets, ({ name }) => name) ??
    first(state.workloads, ({ containment }, i) => {
      if (containment === null || containment.until <= held.now + limits.containedForMs) return null
      const days = Math.round(limits.containedForMs / 86_400_000)
      const most = days > 0 ? `${days} d` : `${limits.containedForMs / 1_000} s`
      return { pointer: `/workloads/${i}/containment/until`, reason: `a containment lasts at most ${most} here` }
    })
  )
}

function twice<T>(at: string, items: readonly T[], name: (item: T) => string): Fault | null {
  const seen = new Set<string>()
  return first(items, (item, i) => {
    const text = name(item)
    if (seen.has(text)) return { pointer: `${at}/${i}`, reason: `${shown(text)} is named twice` }
    seen.add(text)
    return null
  })
}

/** The schema's patterns are rough; this is the parser that everything after goes by. */
function addressFault(state: AgentState): Fault | null {
  const looked = new Set<string>()
  const cidr = (pointer: string, text: string): Fault | null => {
    if (looked.has(text)) return null
    if (parseCidr(text) === null) return { pointer, reason: `${shown(text)} is no network, or has host bits set` }
    looked.add(text)
    return null
  }
  const peer = (pointer: string, { peer: of }: AgentState['failSafe'][number]['match']): Fault | null =>
    of.kind !== 'cidr'
      ? null
      : (cidr(`${pointer}/cidr`, of.cidr) ?? first(of.except ?? [], (text, i) => cidr(`${pointer}/except/${i}`, text)))
  const list = (pointer: string, { rules }: DesiredState['egress']): Fault | null =>
    first(rules, (rule, i) => peer(`${pointer}/rules/${i}/match/peer`, rule.match))
  return (
    first(state.neverBlock, (text, i) => cidr(`/neverBlock/${i}`, text)) ??
    first(state.failSafe, (path, i) => peer(`/failSafe/${i}/match/peer`, path.match)) ??
    first(state.sets, (set, i) => first(set.members, (text, j) => cidr(`/sets/${i}/members/${j}`, text))) ??
    first(
      state.workloads,
      (one, i) =>
        list(`/workloads/${i}/egress`, one.egress) ??
        list(`/workloads/${i}/ingress`, one.ingress) ??
        first(one.dns?.servers ?? [], (text, j) =>
          parseAddress(text) === null
            ? { pointer: `/workloads/${i}/dns/servers/${j}`, reason: `${shown(text)} is no address` }
            : null,
        ) ??
        portsFault(`/workloads/${i}`, one),
    )
  )
}

function portsFault(at: string, workload: DesiredState): Fault | null {
  for (const way of ['egress', 'ingress'] as const) {
    const fault = first(workload[way].rules, ({ match: { service } }, i) =>
      service !== null && 'from' in service && service.from > service.to
        ? {
            pointer: `${at}/${way}/rules/${i}/match/service`,
            reason: `ports ${service.from} to ${service.to} are none`,
          }
        : null,
    )
    if (fault !== null) return fault
  }
  return null
}

/** `merged` and `ladder` tell where the rules came from, and set nothing. */
const BASE = new Set(['workload', 'key', 'persona', 'egress', 'ingress', 'containment', 'merged', 'ladder'])

/** Whatever a workload is to wear beyond its rules is a facet by its own name. */
function facetFault(state: AgentState, floor: Floor): Fault | null {
  const allowed = new Set(floor.facets)
  return first(state.workloads, (workload, i) => {
    const hasRules =
      workload.egress.rules.length + workload.ingress.rules.length > 0 ||
      workload.egress.otherwise === 'deny' ||
      workload.ingress.otherwise === 'deny' ||
      workload.containment !== null
    const asked = [...(hasRules ? ['policies'] : []), ...Object.keys(workload).filter((name) => !BASE.has(name))]
    const lacking = asked.find((facet) => !allowed.has(facet))
    return lacking === undefined
      ? null
      : { pointer: `/workloads/${i}`, reason: `this host does not let a server set facet ${lacking}` }
  })
}

/** What a plan names; what that needs is held to the same list once it is known (facets/packages/make-ready.ts). */
function packageFault(state: AgentState, floor: Floor): Fault | null {
  return first(state.workloads, ({ packages = [] }, i) =>
    first(packages, (text, j) => {
      const { name, version } = packageOf(text)
      if (isListed(floor.packages, name, version)) return null
      const reason = `package ${text} is not among those that this host lists in floor.yaml`
      return { pointer: `/workloads/${i}/packages/${j}`, reason }
    }),
  )
}

/** Addresses that a plan would give to a workload, or through it to this host's own end of its link. */
function claimFault(state: AgentState, floor: Floor, held: Held): Fault | null {
  const taken = new Map<string, string>([
    ...held.gateways.map((address) => [address, 'the default gateway of this host'] as const),
    ...held.server.map(({ address }) => [address, 'the control plane'] as const),
  ])
  const kept = [...taken].flatMap(([address, whose]) => {
    const words = parseAddress(address)
    return words === null ? [] : [{ words, whose }]
  })
  const fenced = floor.protected.flatMap((path) => {
    const cidr = parseCidr(path.cidr)
    return cidr === null ? [] : [{ cidr, name: path.name }]
  })
  const worn = new Map<string, number>()
  return first(state.workloads, ({ key, network }, i) => {
    if (network === undefined) return null
    const at = `/workloads/${i}/network`
    const claim = (pointer: string, text: string): Fault | null => {
      const [address = '', prefix] = text.split('/')
      const words = parseAddress(address)
      if (words === null) return { pointer, reason: `${shown(text)} is no address` }
      const length = lengthOf(words, prefix)
      if (length === null) return { pointer, reason: `${shown(text)} has no such prefix` }
      if (isGroupAddress(words) || isLoopback(words))
        return { pointer, reason: `${shown(text)} is no address that one workload could have` }
      const subnet = subnetOf(words, length)
      const routed = held.drivers.get(key) !== 'host'
      const own = kept.find(
        (one) => same(one.words, words) || (routed && length < 128 && cidrContains(subnet, one.words)),
      )
      if (own !== undefined) return { pointer, reason: `${shown(text)} would take the place of ${own.whose}` }
      const fence = fenced.find(
        ({ cidr }) => cidrContains(cidr, words) || (length < 128 && cidrContains(subnet, cidr.base)),
      )
      return fence === undefined
        ? null
        : { pointer, reason: `${shown(text)} reaches into ${fence.name}, which is protected` }
    }
    return (
      first(network.addresses, (text, j) => {
        const name = canonicalText(text.split('/')[0]!)
        const other = worn.get(name)
        worn.set(name, i)
        if (other !== undefined && other !== i)
          return { pointer: `${at}/addresses/${j}`, reason: `${shown(text)} is given to two workloads` }
        return claim(`${at}/addresses/${j}`, text)
      }) ??
      first(network.gateways, (text, j) => claim(`${at}/gateways/${j}`, text)) ??
      first(network.routes ?? [], ({ via }, j) => claim(`${at}/routes/${j}/via`, via))
    )
  })
}

function pathFault(state: AgentState, floor: Floor, held: Held): Fault | null {
  if (state.mode !== 'enforce') return null
  const paths: readonly ProtectedPath[] = [
    ...held.server.map(
      ({ address, port }): ProtectedPath => ({
        name: 'the control plane',
        cidr: address,
        reach: 'egress',
        of: 'host',
        service: { protocol: 'tcp', from: port, to: port },
      }),
    ),
    ...floor.protected,
  ]
  if (paths.length === 0) return null
  const reach = createReach(state)
  return first(state.workloads, (workload, i) => {
    const isHost = held.drivers.get(workload.key) === 'host'
    for (const path of paths) {
      if (path.of === 'host' && !isHost) continue
      const cut = reach.cutBy(workload, path)
      if (cut !== null)
        return { pointer: `/workloads/${i}`, reason: `it would cut ${workload.key} off from ${path.name}: by ${cut}` }
    }
    return null
  })
}

function lengthOf(words: Words, prefix: string | undefined): number | null {
  if (prefix === undefined) return 128
  const most = isV4(words) ? 32 : 128
  const given = Number(prefix)
  return /^\d{1,3}$/.test(prefix) && given >= 1 && given <= most ? given + (128 - most) : null
}

function subnetOf(words: Words, length: number): Cidr {
  const base = words.map((word, i) => {
    const bits = Math.min(32, Math.max(0, length - 32 * i))
    return bits === 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0
  })
  return { base: base as unknown as Words, length }
}

export function isLoopback(words: Words): boolean {
  return isV4(words) ? words[3] >>> 24 === 127 : formatAddress(words) === '::1'
}

const same = (a: Words, b: Words) => a.every((word, i) => word === b[i])
