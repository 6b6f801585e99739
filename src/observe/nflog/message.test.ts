import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress } from '../../model/address.ts'
import { encodeAttribute, encodeMessage, type Message, messages } from '../../netlink/message.ts'
import { bindRequests, readLogged } from './message.ts'

const PACKET = 4 << 8
const prefix = Buffer.from('persona:database/otherwise\0')

function logged(payload: Uint8Array, cut = Number.POSITIVE_INFINITY): Message {
  const time = Buffer.alloc(16)
  time.writeBigUInt64BE(1_700_000_000n, 0)
  time.writeBigUInt64BE(250_000n, 8)
  const whole = encodeMessage(
    PACKET,
    0,
    1,
    Buffer.from([2, 0, 0, 7]),
    encodeAttribute(10, prefix),
    encodeAttribute(3, time),
    encodeAttribute(9, Buffer.from(payload)),
  )
  const [message] = messages(whole)
  return { ...message!, payload: message!.payload.subarray(0, cut) }
}

const v4 = (proto: number, rest: readonly number[], fragment = 0) =>
  Uint8Array.from([
    0x45,
    0,
    0,
    40,
    0,
    1,
    fragment >> 8,
    fragment & 255,
    64,
    proto,
    0,
    0,
    10,
    0,
    0,
    5,
    10,
    0,
    0,
    9,
    ...rest,
  ])

test('a refused SYN tells rule, time and tuple', () => {
  const found = readLogged(logged(v4(6, [0xc3, 0x50, 0x15, 0x38])))
  assert.ok(found)
  assert.deepEqual(
    [
      found.prefix,
      found.at,
      formatAddress(found.source),
      formatAddress(found.target),
      found.proto,
      found.sourcePort,
      found.targetPort,
    ],
    ['persona:database/otherwise', 1_700_000_000_250, '10.0.0.5', '10.0.0.9', 6, 50_000, 5_432],
  )
})

test('IPv6 behind extension headers; a later fragment has no ports', () => {
  const addresses = [...Array(15).fill(0), 1, ...Array(15).fill(0), 2]
  const hop = [17, 0, 1, 4, 0, 0, 0, 0]
  const six = Uint8Array.from([0x60, 0, 0, 0, 0, 16, 0, 64, ...addresses, ...hop, 0, 53, 0, 80])
  const found = readLogged(logged(six))
  assert.deepEqual(
    [found?.proto, found?.sourcePort, found?.targetPort, found && formatAddress(found.target)],
    [17, 53, 80, '::2'],
  )
  const later = readLogged(logged(v4(6, [1, 2, 3, 4], 100)))
  assert.deepEqual([later?.sourcePort, later?.targetPort], [0, 0])
})

test('no bytes stop it: cut anywhere, or garbage', () => {
  for (let cut = 0; cut < 120; cut++) readLogged(logged(v4(6, [0, 80, 0, 80]), cut))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readLogged(logged(bytes))))
})

test('the group stands in each request, in network order', () => {
  let n = 0
  for (const request of bindRequests(7, 128, () => ++n)) assert.equal(request.readUInt16BE(18), 7)
  assert.equal(n, 4)
})
