/** The parts, in the order in which a change walks them: what carries others first. `policies` is no part; `nft.ts` is. */
import type { Facet } from '../model/persona.ts'
import type { FacetPart } from './facet.ts'
import { dns } from './facets/dns.ts'
import { network } from './facets/network.ts'

export const PARTS: readonly FacetPart[] = [network, dns]

export function partOf(facet: Facet): FacetPart | null {
  return PARTS.find((part) => part.facet === facet) ?? null
}
