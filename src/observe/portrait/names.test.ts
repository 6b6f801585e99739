import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader } from '../reader.ts'
import { readDhcp } from './dhcp.ts'
import { namesIn, withoutNumbers } from './names.ts'

/** A message of a client (RFC 2131 §2) with these options. */
export function dhcpMessage(
  options: readonly (readonly [code: number, data: string | readonly number[]])[],
): Uint8Array {
  const bytes = [1, 1, 6, 0, ...new Array<number>(232).fill(0), 0x63, 0x82, 0x53, 0x63]
  for (const [code, data] of options) {
    const value = typeof data === 'string' ? [...Buffer.from(data)] : data
    bytes.push(code, value.length, ...value)
  }
  return Uint8Array.from([...bytes, 255])
}

test('what is numbered per device is made equal, what names a kind is kept', () => {
  assert.equal(withoutNumbers('DCH-S150'), 'dch-s150')
  assert.equal(withoutNumbers('uuid:Socket-1_0-221517K0101769'), 'uuid:socket-1_0-*k*')
  assert.equal(withoutNumbers('lightify-84182612'), 'lightify-*')
  assert.equal(withoutNumbers('cam 00:11:22:aa:bb:cc'), 'cam *')
  assert.equal(withoutNumbers('facade'), 'facade')
})

test('a DHCP client says its name, its class and what it asks for', () => {
  const message = dhcpMessage([
    [53, [1]],
    [12, 'HueBridge'],
    [60, 'udhcp 1.19.4'],
    [55, [1, 3, 6]],
  ])
  assert.deepEqual(readDhcp(new Reader().reset(message)), {
    hostName: 'HueBridge',
    vendorClass: 'udhcp 1.19.4',
    wanted: '1,3,6',
  })
  assert.deepEqual(namesIn('dhcp', message, 0, message.length), [
    'host name huebridge',
    'vendor class udhcp 1.19.4',
    'dhcp options 1,3,6',
  ])
  // A server's answer, and a message that was cut.
  assert.deepEqual(namesIn('dhcp', Uint8Array.from([2, ...message.subarray(1)]), 0, message.length), [])
  assert.deepEqual(namesIn('dhcp', message, 0, 250), [])
})

test('SSDP and HTTP say who speaks', () => {
  const ssdp = Buffer.from(
    'NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nSERVER: Linux/3.14.0 UPnP/1.0\r\nNT: upnp:rootdevice\r\n\r\n',
  )
  assert.deepEqual(namesIn('ssdp', ssdp, 0, ssdp.length), [
    'ssdp notify',
    'ssdp server linux/3.14.0 upnp/1.0',
    'ssdp nt upnp:rootdevice',
  ])
  const http = Buffer.from('POST /cgi-bin/once?id=1 HTTP/1.1\r\nHost: scale.example.net\r\nUser-Agent: Scale\r\n\r\n')
  assert.deepEqual(namesIn('tcp 80', http, 0, http.length), [
    'http post /cgi-bin/once',
    'http host scale.example.net',
    'http agent scale',
  ])
})

test('whatever a device sends, words come out of it, or none', () => {
  const kinds = fc.constantFrom('dhcp', 'dns', 'mdns', 'llmnr', 'ssdp', 'tcp 443', 'udp 5000', 'arp request')
  fc.assert(
    fc.property(kinds, fc.uint8Array({ maxLength: 400 }), (kind, bytes) => {
      for (const word of namesIn(kind, bytes, 0, bytes.length)) assert.equal(typeof word, 'string')
    }),
  )
  const message = dhcpMessage([
    [12, 'a'.repeat(60)],
    [55, [1, 3, 6]],
  ])
  for (let cut = 0; cut < message.length; cut++) namesIn('dhcp', message, 0, cut)
})
