import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cidrContains, formatCidr, parseAddress, parseCidr, type Words } from './address.ts'
import { createNetworks, DEFAULT_HOME_NETWORKS, isGroupAddress } from './networks.ts'

test('many networks are covered as each of them says', () => {
  const cidr = fc
    .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 4, max: 32 }))
    .map(([v, bits]) =>
      formatCidr({ base: [0, 0, 0xffff, (v & (0xffffffff << (32 - bits))) >>> 0], length: 96 + bits }),
    )
  const address = fc.integer({ min: 0, max: 0xffffffff }).map((v): Words => [0, 0, 0xffff, v])
  fc.assert(
    fc.property(
      fc.array(cidr, { minLength: 33, maxLength: 60 }),
      fc.array(address, { maxLength: 20 }),
      (cidrs, addresses) => {
        const networks = createNetworks(cidrs)
        for (const words of [...addresses, ...cidrs.map((text) => parseCidr(text)!.base)])
          assert.equal(
            networks.covers(words),
            cidrs.some((text) => cidrContains(parseCidr(text)!, words)),
          )
      },
    ),
  )
})

test('home and group addresses', () => {
  const home = createNetworks(DEFAULT_HOME_NETWORKS)
  const at = (text: string) => parseAddress(text)!
  for (const inside of ['10.1.2.3', '172.31.0.1', '192.168.1.1', 'fd00::1', 'fe80::1', '::1', '127.0.0.1'])
    assert.ok(home.covers(at(inside)), inside)
  for (const outside of ['11.0.0.1', '172.32.0.1', '2001:db8::1', '203.0.113.7'])
    assert.ok(!home.covers(at(outside)), outside)
  for (const group of ['224.0.0.251', '255.255.255.255', 'ff02::fb', '0.0.0.0', '::'])
    assert.ok(isGroupAddress(at(group)), group)
  assert.ok(!isGroupAddress(at('203.0.113.7')))
})

test('the whole of one family is nothing of the other, among few and among many', () => {
  const many = Array.from({ length: 40 }, (_, i) => `198.51.${i}.0/24`)
  for (const more of [[], many]) {
    const [six, four] = [createNetworks(['::/0', ...more]), createNetworks(['0.0.0.0/0', ...more])]
    const [v4, v6] = [parseAddress('203.0.113.7')!, parseAddress('2001:db8::1')!]
    assert.deepEqual([six.covers(v6), six.covers(v4)], [true, false])
    assert.deepEqual([four.covers(v4), four.covers(v6)], [true, false])
  }
})
