import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bitsPerSecond } from '../model/facets/bandwidth.ts'
import { bytesOf } from '../model/facets/limits.ts'
import type { Profile } from '../model/persona.ts'
import { checkFacets } from './facet-checks.ts'
import { facetWishes } from './facet-wishes.ts'

const found = (profile: Profile): string[] => {
  const out: string[] = []
  checkFacets(profile, (path, why, cure) => void out.push(`${path.slice(2).join('.')}: ${why}; ${cure}`))
  return out
}

test('units become numbers that hosts work with', () => {
  assert.deepEqual(
    facetWishes({
      bandwidth: { down: { rate: '10mbit' }, up: { rate: '1.5mbit', ceiling: '2gbit' }, priority: 'low' },
      cpu: { cores: 0.5 },
      memory: { max: '1.5GiB' },
      egressAddress: { addresses: ['203.0.113.7'] },
      publishedPorts: [
        { protocol: 'tcp', port: 8080, to: 80 },
        { protocol: 'udp', port: 53 },
      ],
    }),
    {
      bandwidth: {
        down: { rate: 10_000_000, ceiling: 10_000_000 },
        up: { rate: 1_500_000, ceiling: 2_000_000_000 },
        priority: 'low',
      },
      cpu: { cores: 0.5 },
      memory: { maxBytes: 1_610_612_736 },
      egressAddress: { addresses: ['203.0.113.7'], except: [] },
      publishedPorts: [
        { protocol: 'tcp', port: 8080, to: 80 },
        { protocol: 'udp', port: 53, to: 53 },
      ],
    },
  )
  assert.deepEqual(facetWishes({}), {})
})

test('what cannot be meant is refused with its cure', () => {
  assert.deepEqual(found({ bandwidth: { down: { rate: '0mbit' }, up: { rate: '10mbit', ceiling: '9.9mbit' } } }), [
    'bandwidth.down.rate: a rate of 0mbit lets nothing through; give at least 8kbit, or deny by a rule',
    'bandwidth.up.ceiling: the ceiling 9.9mbit is below the rate 10mbit; raise it, or leave it out',
  ])
  assert.deepEqual(found({ memory: { max: '1MiB' } }), ['memory.max: no program starts in 1MiB; give at least 4MiB'])
  assert.deepEqual(found({ memory: { max: '65537GiB' } }), [
    'memory.max: 65537GiB is more than any host has; give at most 65536GiB',
  ])
  assert.deepEqual(found({ memory: { max: '65536GiB' } }), [])
  assert.deepEqual(
    found({ egressAddress: { addresses: ['127.0.0.1', '203.0.113.300'], except: ['10.0.0.0/33'] } }).length,
    3,
  )
  assert.deepEqual(
    found({
      publishedPorts: [
        { protocol: 'tcp', port: 80 },
        { protocol: 'udp', port: 80 },
        { protocol: 'tcp', port: 80, to: 81 },
      ],
    }),
    ['publishedPorts.2: port tcp 80 is here twice; leave one out'],
  )
  assert.deepEqual(found({ bandwidth: { down: { rate: '10mbit' } }, cpu: { cores: 2 } }), [])
})

test('any text is a rate and a size, or none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const read of [bitsPerSecond, bytesOf]) {
        const value = read(text)
        assert.ok(value === null || (Number.isSafeInteger(value) && value >= 0))
      }
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), fc.constantFrom('kbit', 'mbit', 'gbit'), (n, unit) => {
      assert.equal(bitsPerSecond(`${n}${unit}`), n * { kbit: 1e3, mbit: 1e6, gbit: 1e9 }[unit])
    }),
  )
})
