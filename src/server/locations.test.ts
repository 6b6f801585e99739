import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPeerSets } from '../decide/peer-sets.ts'
import type { FeedManifest } from '../model/manifest.ts'
import { writeMmdb } from '../observe/feeds/mmdb.fixture.ts'
import { createIntel } from './intel.ts'

const feed = (path: string): FeedManifest => ({
  apiVersion: 'guise/v1',
  kind: 'Feed',
  metadata: { name: 'Where' },
  spec: { path, use: 'location' },
})

test('a feed of locations: rules by country resolve to its prefixes; a file that broke leaves the last one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-locations-'))
  try {
    const path = join(folder, 'country.mmdb')
    const warned: string[] = []
    const intel = createIntel(folder, (text) => warned.push(text))
    const write = (cidr: string) => writeFileSync(path, writeMmdb([[cidr, { country: { iso_code: 'DE' } }]], 24))
    const germans = () =>
      createPeerSets({
        workloads: [],
        entries: [],
        homeNetworks: [],
        names: new Map([['geo:DE', { kind: 'place', place: { country: 'DE' } }]]),
        ...(intel.current().places === undefined ? {} : { places: intel.current().places! }),
      }).members('geo:DE')

    await intel.refresh([feed(path)])
    assert.match(warned[0]!, /^feed Where: read the location file .*: ENOENT/)
    assert.deepEqual(germans(), [])
    write('192.0.2.0/24')
    assert.equal((await intel.refresh([feed(path)])).changed, true)
    assert.deepEqual(germans(), ['192.0.2.0/24'])
    assert.equal((await intel.refresh([feed(path)])).changed, false)
    writeFileSync(path, 'not a database')
    assert.equal((await intel.refresh([feed(path)])).changed, false)
    assert.match(warned.at(-1)!, /understand the location file .* \(a MaxMind DB is expected\): no MaxMind DB/)
    assert.deepEqual(germans(), ['192.0.2.0/24'])
    write('198.51.100.0/24')
    assert.equal((await intel.refresh([feed(path)])).changed, true)
    assert.deepEqual(germans(), ['198.51.100.0/24'])
    assert.equal(intel.current().places!.members({ asn: 64_500 }), 'no-data')
    assert.equal((await intel.refresh([])).changed, true)
    assert.deepEqual(germans(), [])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
