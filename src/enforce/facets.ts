/** The parts, in the order in which a change walks them: what carries others first. `policies` is no part; `nft.ts` is. */
import type { Facet } from '../model/persona.ts'
import { isLeasedDns, isLeasedNetwork, leasedDns, leasedNetwork, leasedToo } from './drivers/leased-parts.ts'
import { guestTls, guestVpn, inGuestsToo, whilePlugged, whileRunning } from './drivers/qemu/guest-parts.ts'
import type { FacetPart } from './facet.ts'
import { bandwidth } from './facets/bandwidth.ts'
import { cpu, memory } from './facets/cgroup.ts'
import { dns } from './facets/dns.ts'
import { egressAddress } from './facets/egress-address.ts'
import { inspection } from './facets/inspection.ts'
import { machine } from './facets/machine.ts'
import { network } from './facets/network.ts'
import { packages } from './facets/packages.ts'
import { publishedPorts } from './facets/published-ports.ts'
import { redirects } from './facets/redirects.ts'
import { tls } from './facets/tls.ts'
import { vpn } from './facets/vpn.ts'

export const PARTS: readonly FacetPart[] = [
  whileRunning(leasedToo(network, leasedNetwork, isLeasedNetwork)),
  whileRunning(inGuestsToo(vpn, guestVpn)),
  whileRunning(leasedToo(dns, leasedDns, isLeasedDns)),
  whileRunning(inGuestsToo(tls, guestTls)),
  egressAddress,
  publishedPorts,
  redirects,
  whilePlugged(bandwidth),
  cpu,
  memory,
  packages,
  whilePlugged(inspection),
  machine,
]

export function partOf(facet: Facet): FacetPart | null {
  return PARTS.find((part) => part.facet === facet) ?? null
}
