/** Which driver carries which facet. One table: the API, the planner and the agent refuse from it with the same words. */
import { FACETS, type Facet, type MITIGATIONS, type PersonaSpec } from './persona.ts'

export const DRIVERS = ['netns', 'host', 'container', 'qemu', 'libvirt', 'gateway', 'recording'] as const
export type DriverName = (typeof DRIVERS)[number]

/** What stands on our end of a link, or goes through a door into the workload. */
const BEHIND_A_LINK = [
  'policies',
  'network',
  'dns',
  'vpn',
  'tls',
  'egressAddress',
  'publishedPorts',
  'redirects',
  'bandwidth',
  'cpu',
  'dlp',
  'inspection',
] as const satisfies readonly Facet[]
/** A machine's memory is its own (facet `machine`), and so is its package manager. */
const IN_OUR_KERNEL = [...BEHIND_A_LINK, 'memory', 'packages', 'onDeny'] as const satisfies readonly Facet[]
const IN_A_MACHINE = [...BEHIND_A_LINK, 'machine'] as const satisfies readonly Facet[]

export const CARRIES: Readonly<Record<DriverName, readonly Facet[]>> = {
  netns: IN_OUR_KERNEL,
  container: IN_OUR_KERNEL,
  qemu: IN_A_MACHINE,
  libvirt: IN_A_MACHINE,
  host: ['policies', 'onDeny'],
  /** A device behind an interface that many share: nothing in it, and no link of its own, is ours. */
  gateway: ['policies', 'dlp'],
  /** A replayed recording has no kernel behind it: everything is observed, nothing is worn. */
  recording: [],
}

/** Where rules find its packets: on our end of its link, at the host's own hooks, by its addresses on a link that others share, or nowhere. */
export const PACKETS = {
  netns: 'netns',
  container: 'netns',
  qemu: 'netns',
  libvirt: 'netns',
  host: 'host',
  gateway: 'gateway',
  recording: null,
} as const satisfies Record<DriverName, 'netns' | 'host' | 'gateway' | null>

export const SUPPORTED_MITIGATIONS = [
  'deny',
  'limit',
  'isolate',
  'shift',
] as const satisfies readonly (typeof MITIGATIONS)[number][]

export type Carriers = {
  readonly facet: Facet
  readonly drivers: readonly DriverName[]
  /** Those that enforce something, but not this. */
  readonly others: readonly DriverName[]
}
export function facetCarriers(): Carriers[] {
  const enforcing = DRIVERS.filter((driver) => CARRIES[driver].length > 0)
  return FACETS.map((facet) => {
    const drivers = enforcing.filter((driver) => CARRIES[driver].includes(facet))
    return { facet, drivers, others: enforcing.filter((driver) => !drivers.includes(driver)) }
  })
}

/** Facets a persona asks for. */
export function facetsOf(spec: PersonaSpec): Facet[] {
  const profile = spec.profile ?? {}
  return FACETS.filter((facet) => {
    if (facet === 'policies') return profile.rules !== undefined || profile.default !== undefined
    if (facet === 'redirects') return profile.rules?.some(({ action }) => action === 'redirect') === true
    return profile[facet] !== undefined
  })
}

/** Which facets of a persona a driver lacks, with the reason where it is not plain. */
export function lackText(driver: DriverName, lacking: readonly Facet[], workload: string | null = null): string {
  const why = lacking.includes('onDeny') ? ' (its sockets are in no kernel of ours)' : ''
  return `driver ${driver}${workload === null ? '' : ` of ${workload}`} does not carry ${lacking.join(', ')}${why}`
}

/** Facets and mitigations in `spec` that no driver of this release carries, as JSON pointers. */
export function unsupported(spec: PersonaSpec): string[] {
  const carried = new Set<Facet>(Object.values(CARRIES).flat())
  const facets = facetsOf(spec).filter((facet) => !carried.has(facet))
  const mitigations = (spec.mitigationRules ?? []).flatMap((rule, i) =>
    (SUPPORTED_MITIGATIONS as readonly string[]).includes(rule.do)
      ? []
      : [`/spec/mitigationRules/${i}/do (${rule.do})`],
  )
  return [...facets.map((facet) => `/spec/profile/${facet}`), ...mitigations]
}
