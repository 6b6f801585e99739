/** What a profile says of each facet but its rules, in the units that hosts work with: one row per facet. */
import type { DesiredState } from '../model/desired.ts'
import { bandwidthWish } from '../model/facets/bandwidth.ts'
import { dlpWish } from '../model/facets/dlp.ts'
import { memoryWish } from '../model/facets/limits.ts'
import { machineWish } from '../model/facets/machine.ts'
import { packagesWish } from '../model/facets/packages.ts'
import { egressAddressWish, publishedPortsWish } from '../model/facets/translation.ts'
import type { Profile } from '../model/persona.ts'

type Wishes = Omit<DesiredState, 'workload' | 'key' | 'persona' | 'egress' | 'ingress' | 'containment'>
type Rows = { readonly [F in keyof Wishes & keyof Profile]?: (said: NonNullable<Profile[F]>) => NonNullable<Wishes[F]> }

const ROWS: Rows = {
  network: ({ addresses, gateways = [], routes, mtu }) => ({
    addresses: [...addresses],
    gateways: [...gateways],
    ...(routes === undefined ? {} : { routes: routes.map((route) => ({ ...route })) }),
    ...(mtu === undefined ? {} : { mtu }),
  }),
  dns: ({ servers, search = [] }) => ({ servers: [...servers], search: [...search] }),
  bandwidth: bandwidthWish,
  dlp: dlpWish,
  cpu: (cpu) => ({ ...cpu }),
  memory: memoryWish,
  egressAddress: egressAddressWish,
  publishedPorts: publishedPortsWish,
  packages: packagesWish,
  machine: machineWish,
  inspection: (level) => ({ level }),
  onDeny: (onDeny) => onDeny,
}

export function facetWishes(profile: Profile): Wishes {
  const rows = Object.entries(ROWS) as [keyof Rows, (said: unknown) => unknown][]
  return Object.fromEntries(
    rows.flatMap(([facet, wish]) => (profile[facet] === undefined ? [] : [[facet, wish(profile[facet])]])),
  )
}
