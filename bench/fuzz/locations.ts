/** Files of locations under fuzz: an operator fetches them, a stranger writes them. */
import { mmdbOf, wideMmdb, writeMmdb } from '../../src/observe/feeds/mmdb.fixture.ts'
import { openLocationFile } from '../../src/observe/feeds/mmdb.ts'
import type { FuzzTarget } from './target.ts'

const MOST_PREFIXES = 100_000
const PLACES = [{ country: { iso_code: 'DE' } }, { country_code: 'fr' }, { autonomous_system_number: 64_500 }] as const

/** Networks of 256 addresses, each in another place than its neighbours. */
function networks(count: number): Uint8Array {
  const entries = Array.from(
    { length: Math.max(1, count) },
    (_, i) => [`10.${(i >> 8) & 255}.${i & 255}.0/24`, PLACES[i % PLACES.length]!] as const,
  )
  return writeMmdb(entries, 24)
}

/** A tree that leads back to its root from everywhere. */
function circles(bytes: number): Uint8Array {
  const nodes = Math.max(1, Math.floor(bytes / 6))
  return mmdbOf(Buffer.alloc(nodes * 6), Buffer.alloc(16), { node_count: nodes, record_size: 24 })
}

export const locations: FuzzTarget = {
  name: 'mmdb',
  samples: () => [networks(1), networks(20), wideMmdb(3, 3), circles(60)],
  open: () => (input) => {
    const file = openLocationFile(Buffer.from(input.buffer, input.byteOffset, input.length))
    file.prefixes(({ country }) => country !== null, MOST_PREFIXES)
  },
  growing: { networks: (bytes) => networks(Math.floor(bytes / 16)), circles },
}
