/** The `publishedPorts` facet: ports of this host that lead to the workload, on every address that is local here. */
import type { PublishedPortsWish } from '../../model/facets/translation.ts'
import { type FacetPart, faceOf } from '../facet.ts'
import { type Entry, entriesHold, entriesOf, type SideMap, undoEntries, writeEntries } from '../side-table.ts'

export type PublishedState = { readonly entries: readonly Entry[] }

const MAPS: readonly SideMap[] = ['publish4', 'publish6']

export const publishedPorts: FacetPart<PublishedPortsWish, PublishedState> = {
  facet: 'publishedPorts',
  noticed: 'look',
  refusal: ({ face, addresses }) =>
    face === null
      ? 'it has no link of its own on this host'
      : addresses.length === 0
        ? 'it has no address that a port could lead to'
        : null,
  clash(wishes) {
    const taken = new Map<string, string>()
    for (const [name, ports] of wishes)
      for (const { protocol, port } of ports) {
        const word = `${protocol} ${port}`
        if (taken.has(word))
          return `port ${word} is published by ${taken.get(word)} and by ${name}; choose another for one`
        taken.set(word, name)
      }
    return null
  },
  onLink: () => true,
  capture: async (place) => ({ entries: await entriesOf(MAPS, faceOf(place)) }),
  wanted: (place, _, ports) => ({
    entries: ([4, 6] as const).flatMap((family) => {
      const target = place.addresses.find((address) => address.includes(':') === (family === 6))
      return target === undefined ? [] : ports.map((port) => entry(faceOf(place), family, target, port))
    }),
  }),
  async converge(place, { entries }) {
    if (!(await entriesHold(MAPS, faceOf(place), entries))) await writeEntries(MAPS, faceOf(place), entries)
  },
  normalise: ({ entries }) => JSON.stringify(entries.map(({ map, key, value }) => `${map} ${key} ${value}`).sort()),
  undo: (_, from, to) => undoEntries(from.entries, to.entries),
}

function entry(face: string, family: 4 | 6, target: string, { protocol, port, to }: PublishedPortsWish[number]): Entry {
  return { map: `publish${family}`, key: `${protocol} . ${port}`, value: `${target} . ${to}`, owner: face }
}
