/** The `egressAddress` facet: source translation of what leaves through this host, by the link that it came in on. */
import { type Cidr, cidrContains, formatAddress, isV4, parseAddress, parseCidr } from '../../model/address.ts'
import type { EgressAddressWish } from '../../model/facets/translation.ts'
import { type FacetPart, faceOf } from '../facet.ts'
import { type Entry, entriesHold, entriesOf, type SideMap, undoEntries, writeEntries } from '../side-table.ts'

export type EgressState = { readonly entries: readonly Entry[] }

const MAPS: readonly SideMap[] = ['egress4', 'egress6', 'except4', 'except6']

export const egressAddress: FacetPart<EgressAddressWish, EgressState> = {
  facet: 'egressAddress',
  noticed: 'look',
  refusal: ({ face }, wish) => (face === null ? 'it has no link of its own on this host' : badWish(wish)),
  onLink: () => true,
  capture: async (place) => ({ entries: await entriesOf(MAPS, faceOf(place)) }),
  wanted: (place, _, { addresses, except }) => {
    const face = faceOf(place)
    return {
      entries: [
        ...addresses.map((text) => entry('egress', face, text, canonical(text))),
        ...widest(except).map((text) => entry('except', face, text, null)),
      ],
    }
  },
  async converge(place, { entries }) {
    if (!(await entriesHold(MAPS, faceOf(place), entries))) await writeEntries(MAPS, faceOf(place), entries)
  },
  normalise: ({ entries }) => JSON.stringify(entries.map(({ map, key, value }) => `${map} ${key} ${value}`).sort()),
  undo: (_, from, to) => undoEntries(from.entries, to.entries),
}

function badWish({ addresses, except }: EgressAddressWish): string | null {
  const wrong = addresses.find((text) => parseAddress(text) === null) ?? except.find((text) => parseCidr(text) === null)
  if (wrong !== undefined) return `${wrong} is no address`
  const families = new Set(addresses.map((text) => text.includes(':')))
  return families.size === addresses.length ? null : 'there are two egress addresses of one family'
}

function entry(kind: 'egress' | 'except', face: string, text: string, value: string | null): Entry {
  const map = `${kind}${text.includes(':') ? 6 : 4}` as const
  return { map, key: value === null ? `${face} . ${canonical(text)}` : face, value, owner: face }
}

function canonical(text: string): string {
  const [address, length] = text.split('/')
  const words = parseAddress(address!)
  if (words === null) throw new Error(`not an address: ${JSON.stringify(text)}`)
  const isWhole = length === undefined || Number(length) === (isV4(words) ? 32 : 128)
  return isWhole ? formatAddress(words) : `${formatAddress(words)}/${length}`
}

/** The kernel refuses overlapping ranges in one set. */
function widest(cidrs: readonly string[]): string[] {
  const parsed = [...new Set(cidrs.map(canonical))].map((text) => ({ text, cidr: parseCidr(text)! }))
  const covers = (a: Cidr, b: Cidr) => a.length < b.length && cidrContains(a, b.base)
  return parsed.filter(({ cidr }) => !parsed.some((other) => covers(other.cidr, cidr))).map(({ text }) => text)
}
