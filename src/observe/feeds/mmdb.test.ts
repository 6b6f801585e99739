import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError } from '../reader.ts'
import { mmdbOf, wideMmdb, writeMmdb } from './mmdb.fixture.ts'
import { openLocationFile } from './mmdb.ts'

const DE = { country: { iso_code: 'DE' } }
const FR = { country_code: 'fr' }
const ENTRIES = [
  ['192.0.2.0/25', DE],
  ['192.0.2.128/25', DE],
  ['198.51.100.0/24', FR],
  ['203.0.113.0/26', DE],
  ['203.0.113.64/26', { autonomous_system_number: 64_500 }],
  ['2001:db8::/33', DE],
  ['2001:db8:8000::/33', DE],
  ['2001:db9::/32', FR],
] as const

test('every prefix of a place, neighbours joined, for each width of records', () => {
  for (const bits of [24, 28, 32]) {
    const file = openLocationFile(writeMmdb(ENTRIES, bits))
    assert.deepEqual([file.type, file.builtAt, file.tells], ['test', 1.7e12, { country: true, asn: true }])
    assert.deepEqual(
      file.prefixes(({ country }) => country === 'DE', 10),
      ['192.0.2.0/24', '203.0.113.0/26', '2001:db8::/32'],
    )
    assert.deepEqual(
      file.prefixes(({ country }) => country === 'FR', 10),
      ['198.51.100.0/24', '2001:db9::/32'],
    )
    assert.deepEqual(
      file.prefixes(({ asn }) => asn === 64_500, 10),
      ['203.0.113.64/26'],
    )
    assert.deepEqual(
      file.prefixes(({ country }) => country === 'IT', 10),
      [],
    )
    assert.equal(
      file.prefixes(({ country }) => country === 'DE', 1),
      null,
      'more than a set may hold',
    )
  }
})

test('a file that was cut or changed is refused or read, never more', () => {
  const good = writeMmdb(ENTRIES, 28)
  const read = (bytes: Buffer) => {
    try {
      openLocationFile(bytes).prefixes(() => true, 1_000)
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error))
    }
  }
  assert.throws(() => openLocationFile(Buffer.from('no database')), DecodeError)
  fc.assert(fc.property(fc.nat(good.length), (length) => read(good.subarray(good.length - length))))
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
      const bytes = Buffer.from(good)
      bytes[at] = byte
      read(bytes)
    }),
    { numRuns: 2_000 },
  )
})

test('a record that leads through itself ends soon, and one that is as wide as real ones is read', () => {
  assert.throws(() => openLocationFile(wideMmdb(28, 6)), /a record is too large/)
  assert.throws(() => openLocationFile(wideMmdb(28, 12)), /a record (is too large|nests too deep)/)
  assert.deepEqual(openLocationFile(wideMmdb(28, 2)).tells, { country: false, asn: false })
})

test('a system that is no number is none, whatever else it is', () => {
  for (const asn of [{}, { asn: 1 }, 'AS1']) {
    const file = openLocationFile(writeMmdb([['192.0.2.0/24', { asn }]], 24))
    assert.deepEqual(file.tells, { country: false, asn: false })
  }
})

test('a tree of no nodes, or of half a one, is none', () => {
  for (const node_count of [0, 0.5, Number.NaN, 2 ** 31 + 0.5])
    assert.throws(
      () => openLocationFile(mmdbOf(Buffer.alloc(6), Buffer.alloc(0), { node_count, record_size: 24 })),
      (error) => error instanceof DecodeError && /nodes is/.test(error.message),
    )
})
