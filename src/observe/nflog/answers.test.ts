import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress } from '../../model/address.ts'
import { encodeAttribute, type Message } from '../../netlink/message.ts'
import { readDnsAnswer } from '../pcap/dissect/dns-addresses.ts'
import { DecodeError, Reader } from '../reader.ts'
import { readLoggedAnswer } from './answers.ts'

const name = (text: string) => [...text.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]), 0]
const record = (owner: readonly number[], type: number, ttl: number, data: readonly number[]) => [
  ...owner,
  ...[0, type, 0, 1, ttl >>> 24, (ttl >>> 16) & 255, (ttl >>> 8) & 255, ttl & 255, 0, data.length],
  ...data,
]
const answer = (records: readonly (readonly number[])[], flags = 0x8180, questions = 1) => [
  ...[0x12, 0x34, flags >> 8, flags & 255, 0, questions, 0, records.length, 0, 0, 0, 0],
  ...name('Www.Example.com'),
  ...[0, 1, 0, 1],
  ...records.flat(),
]
const read = (bytes: readonly number[]) => readDnsAnswer(new Reader().reset(Uint8Array.from([7, ...bytes]), 1))
const said = (bytes: readonly number[]) =>
  read(bytes)?.addresses.map(({ address, ttl }) => `${formatAddress(address)} ${ttl}`)
const QUERY = [0xc0, 12]

test('addresses of the name that was asked, by its chain of other names, for the least time of the chain', () => {
  const found = read(
    answer([
      record(QUERY, 5, 30, name('edge.example.net')),
      record(name('edge.example.net'), 1, 300, [192, 0, 2, 7]),
      record(name('edge.example.net'), 28, 20, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
    ]),
  )
  assert.equal(found?.query, 'www.example.com')
  assert.deepEqual(
    found?.addresses.map(({ address, ttl }) => [formatAddress(address), ttl]),
    [
      ['192.0.2.7', 30],
      ['2001:db8::9', 20],
    ],
  )
})

test('a record about another name, of another class, or in an answer that was cut says nothing', () => {
  assert.deepEqual(said(answer([record(name('other.example.com'), 1, 60, [192, 0, 2, 7])])), [])
  assert.deepEqual(said(answer([[...QUERY, 0, 1, 0, 3, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]])), [])
  assert.deepEqual(said(answer([record(QUERY, 1, 60, [192, 0, 2, 7])], 0x8380)), [])
  assert.deepEqual(said(answer([record(QUERY, 1, 60, [192, 0, 2])])), [])
  assert.equal(read(answer([], 0x0100)), null, 'a question')
  assert.equal(read(answer([], 0x8180, 0)), null, 'an answer to nothing')
})

/** IPv4 and UDP around it, as the kernel logs it. */
function logged(dns: readonly number[], from = 53): Message {
  const ip = [0x45, 0, 0, 28 + dns.length, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 53, 10, 0, 0, 5]
  const udp = [from >> 8, from & 255, 0x80, 1, 0, 8 + dns.length, 0, 0]
  const payload = Buffer.concat([Buffer.from([2, 0, 0, 9]), encodeAttribute(9, Buffer.from([...ip, ...udp, ...dns]))])
  return { type: 0x400, flags: 0, sequence: 0, pid: 0, payload } as unknown as Message
}

test('a logged packet tells who asked whom; what is no answer of a resolver is nothing', () => {
  const dns = answer([record(QUERY, 1, 60, [192, 0, 2, 7])])
  const found = readLoggedAnswer(logged(dns))
  assert.equal(formatAddress(found!.asker), '10.0.0.5')
  assert.equal(formatAddress(found!.resolver), '10.0.0.53')
  assert.equal(found!.addresses.length, 1)
  assert.equal(readLoggedAnswer(logged(dns, 5353)), null)
  for (let length = 0; length < dns.length; length++)
    assert.ok((readLoggedAnswer(logged(dns.slice(0, length)))?.addresses.length ?? 0) === 0)
})

test('any bytes are an answer, none, or a decode error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      try {
        assert.ok((read([...bytes])?.addresses.length ?? 0) <= 64)
      } catch (error) {
        assert.ok(error instanceof DecodeError)
      }
      readLoggedAnswer(logged([...bytes]))
    }),
  )
})
