import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPeerSets } from '../decide/peer-sets.ts'
import type { FeedManifest } from '../model/manifest.ts'
import { writeMmdb } from '../observe/feeds/mmdb.fixture.ts'
import { createIntel } from './intel.ts'
import { type LocationReading, readLocations } from './locations.ts'

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
    const intel = createIntel(folder, (text) => warned.push(text), Date.now)
    let at = 0
    const write = (cidr: string) => {
      writeFileSync(path, writeMmdb([[cidr, { country: { iso_code: 'DE' } }]], 24))
      utimesSync(path, ++at, at)
    }
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

test('a file is read when it was written, and not for as long as it stands; one that is too large is never read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-locations-'))
  const path = join(folder, 'country.mmdb')
  const write = (code: string) =>
    writeFileSync(path, writeMmdb([['192.0.2.0/24', { country: { iso_code: code } }]], 24))
  const codes = ({ file }: LocationReading) => [...'AB'].filter((code) => tells(file, `${code}${code}`))
  const tells = (file: LocationReading['file'], code: string) => file.prefixes((one) => one.country === code, 9)?.length
  try {
    write('AA')
    utimesSync(path, 1, 1)
    const first = await readLocations(path, undefined)
    assert.deepEqual(codes(first), ['A'])
    // As long, of the same time, in the same place: whoever looks inside sees another.
    write('BB')
    utimesSync(path, 1, 1)
    assert.equal(await readLocations(path, first), first)
    utimesSync(path, 2, 2)
    const second = await readLocations(path, first)
    assert.deepEqual(codes(second), ['B'])
    // Touched, and the same: what was made of it goes on.
    utimesSync(path, 3, 3)
    const third = await readLocations(path, second)
    assert.equal(third.file, second.file)
    assert.equal(await readLocations(path, third), third)
    // Full of holes: it takes no room on a disk, and would take 3 GB of memory.
    truncateSync(path, 3 * 1_024 ** 3)
    await assert.rejects(readLocations(path, third), /is over 512 MB/)
    await assert.rejects(readLocations(folder, third), /is no file/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
