/**
 * One host, whole, as one generation wants it: what the journal keeps as `before` and `after`. Made from an `AgentState`
 * and what the drivers found; compiled on demand, so a journal written by an older release still means the same.
 */
import { type Compiled, compileAgent } from '../compile/nft.ts'
import type { Binding } from '../compile/tree.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import { CARRIES } from '../model/facets.ts'
import type { WorkloadReport } from '../model/wire.ts'
import { createDnsDriver, type DnsState, dnsText } from './dns.ts'
import { createNetworkDriver, type NetworkState, wantedNetwork } from './network.ts'

export type Inventory = {
  readonly workloads: readonly WorkloadReport[]
  /** Key → path under /run/netns: the namespaces we may enter. */
  readonly namespaces: ReadonlyMap<string, string>
}

type Placed<T> = { readonly namespace: string; readonly face: string; readonly state: T; readonly original: T }

export type Snapshot = {
  readonly state: AgentState | null
  readonly bindings: readonly Binding[]
  /** By key. Kept once touched, so that what was there before us can come back. */
  readonly network: Readonly<Record<string, Placed<NetworkState>>>
  readonly dns: Readonly<Record<string, Placed<DnsState>>>
}

export const NOTHING: Snapshot = { state: null, bindings: [], network: {}, dns: {} }

export function compileSnapshot(snapshot: Snapshot): Compiled | null {
  return snapshot.state === null ? null : compileAgent(snapshot.state, snapshot.bindings)
}

/** Why this state cannot be carried here, whole; null when it can. */
export function uncarried(state: AgentState, inventory: Inventory): string | null {
  const reports = new Map(inventory.workloads.map((report) => [report.key, report]))
  for (const desired of state.workloads) {
    const report = reports.get(desired.key)
    if (report === undefined) continue
    const carries: readonly string[] = CARRIES[report.driver]
    const asked = ['policies', ...(desired.network ? ['network'] : []), ...(desired.dns ? ['dns'] : [])]
    const lacking = asked.find((facet) => !carries.includes(facet))
    if (lacking !== undefined)
      return `driver ${report.driver} of ${report.name} does not carry facet ${lacking}; nothing was applied`
    if (asked.length > 1 && !inventory.namespaces.has(desired.key))
      return `${report.name} has no registered namespace, so facet ${asked[1]} cannot be carried; nothing was applied`
  }
  return null
}

export function bindingsOf(inventory: Inventory, state: AgentState | null): Binding[] {
  const desired = new Map(state?.workloads.map((workload) => [workload.key, workload]))
  return inventory.workloads.flatMap(({ key, interface: face, addresses, driver }) => {
    if (driver === 'recording' || (driver === 'netns') !== (face !== null)) return []
    const own = desired.get(key)?.network?.addresses ?? addresses
    return [{ key, interface: face, addresses: own.map((text) => text.split('/')[0]!), driver }]
  })
}

/** What `state` means on this host, coming from `before`. Looks at the namespaces that it touches for the first time. */
export async function snapshotOf(state: AgentState, inventory: Inventory, before: Snapshot): Promise<Snapshot> {
  const desired = new Map(state.workloads.map((workload) => [workload.key, workload]))
  const network: Record<string, Placed<NetworkState>> = {}
  const dns: Record<string, Placed<DnsState>> = {}
  for (const key of touched(before.network, desired, 'network')) {
    const placed = before.network[key] ?? (await firstNetwork(inventory, key))
    if (placed === null) continue
    const wish = desired.get(key)?.network
    network[key] = { ...placed, state: wish === undefined ? placed.original : wantedNetwork(placed.original, wish) }
  }
  for (const key of touched(before.dns, desired, 'dns')) {
    const placed = before.dns[key] ?? (await firstDns(inventory, key))
    if (placed === null) continue
    const wish = desired.get(key)?.dns
    dns[key] = { ...placed, state: wish === undefined ? placed.original : dnsText(wish) }
  }
  return { state, bindings: bindingsOf(inventory, state), network, dns }
}

function touched(known: object, desired: ReadonlyMap<string, DesiredState>, facet: 'network' | 'dns'): Set<string> {
  const asked = [...desired.values()].filter((workload) => workload[facet] !== undefined).map(({ key }) => key)
  return new Set([...Object.keys(known), ...asked])
}

async function firstNetwork(inventory: Inventory, key: string): Promise<Placed<NetworkState> | null> {
  const namespace = inventory.namespaces.get(key)
  const face = inventory.workloads.find((report) => report.key === key)?.interface
  if (namespace === undefined || face == null) return null
  const original = await createNetworkDriver(namespace, face).capture()
  return { namespace, face, state: original, original }
}

async function firstDns(inventory: Inventory, key: string): Promise<Placed<DnsState> | null> {
  const namespace = inventory.namespaces.get(key)
  if (namespace === undefined) return null
  const original = await createDnsDriver(namespace).capture()
  return { namespace, face: '', state: original, original }
}

/** The same host with everything of ours taken off: panic, and an agent told to stop enforcing. */
export function bare(snapshot: Snapshot): Snapshot {
  const undress = <T>(placed: Readonly<Record<string, Placed<T>>>) =>
    Object.fromEntries(Object.entries(placed).map(([key, one]) => [key, { ...one, state: one.original }]))
  return { state: null, bindings: [], network: undress(snapshot.network), dns: undress(snapshot.dns) }
}

/**
 * True when `after` does nothing but contain: same rules, sets and facets, and every containment that differs is new or
 * lasts longer. Such a plan is judged by host-side probes alone.
 */
export function onlyContains(before: AgentState | null, after: AgentState): boolean {
  if (before === null) return false
  const rest = (state: AgentState) =>
    JSON.stringify([
      state.mode,
      state.sets,
      state.neverBlock,
      state.failSafe,
      state.workloads.map(({ containment: _, ...other }) => other),
    ])
  if (rest(before) !== rest(after)) return false
  let contains = false
  for (const [i, { containment }] of after.workloads.entries()) {
    const old = before.workloads[i]!.containment
    if (JSON.stringify(old) === JSON.stringify(containment)) continue
    if (containment === null) return false
    if (
      old !== null &&
      (containment.until < old.until || (old.directions === 'both' && containment.directions !== 'both'))
    )
      return false
    contains = true
  }
  return contains
}
