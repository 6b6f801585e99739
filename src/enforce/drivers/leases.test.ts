import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { configText } from './leases.ts'

const LEASE = { address: '10.0.0.5/22', gateway: '10.0.0.1', mtu: 1_400 }

test('a lease in the words of dnsmasq: one address, no names served, what is not said not sent', () => {
  const text = configText('gv0', LEASE, { servers: ['10.0.0.53', '10.0.0.54'], search: ['a.internal', 'b.internal'] })
  for (const line of [
    ...['port=0', 'interface=gv0', 'dhcp-range=10.0.0.5,10.0.0.5,255.255.252.0,120s', 'dhcp-option=3,10.0.0.1'],
    ...['dhcp-option=6,10.0.0.53,10.0.0.54', 'dhcp-option=26,1400', 'dhcp-option=15,a.internal'],
    'dhcp-option=119,a.internal,b.internal',
  ])
    assert.ok(text.split('\n').includes(line), line)
  const least = configText('gv0', { address: '10.0.0.5/32', gateway: null, mtu: null }, null).split('\n')
  assert.ok(least.includes('dhcp-option=3') && least.includes('dhcp-option=6'))
  assert.ok(!least.some((line) => /^dhcp-option=(?:15|26|119)/.test(line)))
})

test('no text becomes a line of its own, whatever it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const make of [
        () => configText(text, LEASE, null),
        () => configText('gv0', { ...LEASE, address: text }, null),
        () => configText('gv0', { ...LEASE, gateway: text }, null),
        () => configText('gv0', LEASE, { servers: [text], search: [] }),
        () => configText('gv0', LEASE, { servers: [], search: [text] }),
      ]) {
        let made: string
        try {
          made = make()
        } catch {
          continue
        }
        assert.ok(
          made.split('\n').every((line) => /^[a-z-]+(?:=[A-Za-z0-9_.,/:-]*)?$|^$/.test(line)),
          made,
        )
      }
    }),
  )
  assert.throws(() => configText('gv0', LEASE, { servers: [], search: ['x\nenable-tftp'] }), /is no name/)
  assert.throws(() => configText('gv0', { ...LEASE, gateway: '::1' }, null), /is no IPv4 address/)
})
