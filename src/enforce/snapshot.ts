/**
 * One host, whole, as one generation wants it: what the journal keeps as `before` and `after`. Compiled on demand, so a journal
 * written by an older release still means the same. No part is loaded here: a boot wants the rules before anything else.
 */
import { type Compiled, compileAgent } from '../compile/nft.ts'
import type { Binding } from '../compile/tree.ts'
import { leavesMore } from '../model/containment.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import type { Facet } from '../model/persona.ts'
import type { WorkloadReport } from '../model/wire.ts'
import type { Place } from './facet.ts'
import { type Draining, withOldAddresses, withOldMembers } from './old-addresses.ts'

export type Inventory = {
  readonly workloads: readonly WorkloadReport[]
  /** Key → path under /run/netns: the namespaces we may enter. */
  readonly namespaces: ReadonlyMap<string, string>
  /** Key → what else of it is on this host. */
  readonly places?: ReadonlyMap<string, Partial<Pick<Place, 'cgroup' | 'root' | 'monitor'>>>
}

export type Placed<State = unknown> = {
  readonly place: Place
  readonly state: State
  readonly original: State
  /** What it will be once nobody uses what lingers in `state`. */
  readonly afterwards?: State
}

export type Snapshot = {
  readonly state: AgentState | null
  readonly bindings: readonly Binding[]
  /** By facet, by key. Kept once touched, so that what was there before us can come back. */
  readonly facets: Readonly<Partial<Record<Facet, Readonly<Record<string, Placed>>>>>
  readonly draining?: readonly Draining[]
}

export const NOTHING: Snapshot = { state: null, bindings: [], facets: {} }

const compiled = new WeakMap<Snapshot, Compiled | null>()
/** Each once: snapshots never change, and one change asks for the same two a dozen times. */
export function compileSnapshot(snapshot: Snapshot): Compiled | null {
  let found = compiled.get(snapshot)
  if (found === undefined) {
    found = compileAnew(snapshot)
    compiled.set(snapshot, found)
  }
  return found
}

function compileAnew({ state, bindings, draining = [] }: Snapshot): Compiled | null {
  if (state === null) return null
  return draining.length === 0
    ? compileAgent(state, bindings)
    : compileAgent(withOldMembers(state, draining), withOldAddresses(bindings, draining))
}

/** What a workload asks of a facet; undefined = nothing, so that it keeps what was there before us. */
export function wishOf(desired: DesiredState | undefined, facet: Facet): unknown {
  return (desired as Partial<Record<Facet, unknown>> | undefined)?.[facet]
}

/** Written to files of the host or of a workload: a boot ends what is in the kernel, and these it does not. */
const ON_DISK: readonly Facet[] = ['dns', 'tls', 'packages']

/** What a change that a boot ended may have left behind. */
export function leftOnDisk(snapshot: Snapshot): Snapshot {
  const left = Object.entries(snapshot.facets).filter(([facet]) => ON_DISK.includes(facet as Facet))
  return { ...NOTHING, facets: Object.fromEntries(left) }
}

/** The same host with everything of ours taken off: panic, and an agent told to stop enforcing. */
export function bare(snapshot: Snapshot): Snapshot {
  const facets: Partial<Record<Facet, Record<string, Placed>>> = {}
  for (const [facet, worn] of Object.entries(snapshot.facets))
    facets[facet as Facet] = Object.fromEntries(
      Object.entries(worn).map(([key, { place, original }]) => [key, { place, original, state: original }]),
    )
  return { state: null, bindings: [], facets }
}

type Placed1 = {
  readonly namespace: string
  readonly face: string
  readonly state: unknown
  readonly original: unknown
}

/**
 * A snapshot as a journal holds it. Release 3 and older named two facets beside each other and the place within each;
 * what they had worn must still come off.
 */
export function snapshotFrom(journalled: unknown): Snapshot {
  const snapshot = journalled as Snapshot & Partial<Record<'network' | 'dns', Record<string, Placed1>>>
  if (snapshot.facets !== undefined) return snapshot
  const convert = (worn: Record<string, Placed1> = {}) =>
    Object.fromEntries(
      Object.entries(worn).map(([key, { namespace, face, state, original }]): [string, Placed] => {
        const place = { key, namespace, face: face === '' ? null : face, addresses: [] }
        return [key, { place: { ...place, cgroup: null, root: null, monitor: null }, state, original }]
      }),
    )
  const { state, bindings, network, dns } = snapshot
  return { state, bindings, facets: { network: convert(network), dns: convert(dns) } }
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
    if (old !== null && (containment.until < old.until || leavesMore(containment, old))) return false
    contains = true
  }
  return contains
}
