import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flowRows } from '../../test/flow-rows.ts'
import { cidrContains, formatCidr, parseAddress, parseCidr, type Words } from '../model/address.ts'
import { blocklistHits, createIndicatorIndex, createNeverBlock } from './indicators.ts'

const entry = (cidr: string, score = 0, confidence = 0.8) => ({ cidr, score, feed: 'f', confidence })
const at = (text: string) => parseAddress(text)!

test('the most specific prefix wins; of equals the worse score, then the more trusted', () => {
  const index = createIndicatorIndex([
    entry('203.0.113.0/24', 0.2),
    entry('203.0.113.7', 0.9),
    entry('2001:db8::/32', 0.1),
    entry('198.51.100.1', 0.5),
    entry('198.51.100.1', 0.4, 0.3),
    entry('198.51.100.1', 0.4, 0.9),
    entry('no address'),
  ])
  assert.equal(index.lookup(at('203.0.113.7'))?.score, 0.9)
  assert.equal(index.lookup(at('203.0.113.8'))?.score, 0.2)
  assert.equal(index.lookup(at('2001:db8:1::1'))?.score, 0.1)
  assert.equal(index.lookup(at('198.51.100.1'))?.confidence, 0.9)
  assert.equal(index.lookup(at('198.51.100.2')), null)
  assert.deepEqual([index.size, index.refused], [4, 1])
})

test('agrees with looking at every entry', () => {
  const v4 = fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 32 })).map(([n, bits]) => {
    const value = ((n * 0x40000000 + n * 0x1010101) & (bits === 0 ? 0 : 0xffffffff << (32 - bits))) >>> 0
    return formatCidr({ base: [0, 0, 0xffff, value], length: 96 + bits })
  })
  const address = fc.integer({ min: 0, max: 0xffffffff }).map((v): Words => [0, 0, 0xffff, v & 0xc3030303])
  fc.assert(
    fc.property(fc.uniqueArray(v4, { maxLength: 30 }), fc.array(address, { maxLength: 30 }), (cidrs, addresses) => {
      const index = createIndicatorIndex(cidrs.map((cidr, i) => entry(cidr, i / 100)))
      for (const words of addresses) {
        const covering = cidrs
          .map((text, i) => ({ cidr: parseCidr(text)!, i }))
          .filter(({ cidr }) => cidrContains(cidr, words))
          .sort((a, b) => b.cidr.length - a.cidr.length)
        assert.equal(index.lookup(words)?.score ?? null, covering.length === 0 ? null : covering[0]!.i / 100)
      }
    }),
  )
})

test('reflex: rows with a low-rated end, never one with a never-block end, and the same empty list when there are none', () => {
  const index = createIndicatorIndex([entry('203.0.113.7'), entry('198.51.100.0/24', 0.9)])
  const batch = flowRows([
    { at: 1, from: '10.0.0.1', to: '203.0.113.7' },
    { at: 1, from: '10.0.0.1', to: '198.51.100.1' },
    { at: 1, from: '203.0.113.7', to: '10.0.0.1' },
  ])
  assert.deepEqual(blocklistHits(batch, index, createNeverBlock([])), [0, 2])
  const none = blocklistHits(batch, index, createNeverBlock(['203.0.113.0/24']))
  assert.deepEqual(none, [])
  assert.equal(
    none,
    blocklistHits(flowRows([{ at: 1, from: '10.0.0.1', to: '10.0.0.2' }]), index, createNeverBlock([])),
  )
})
