import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readOriginal } from './conntrack-lookup.ts'
import { readEnds } from './inet-diag.ts'
import { encodeAttribute, encodeNested } from './message.ts'

test('a socket of either family is read with both its ends', () => {
  const message = Buffer.alloc(72)
  message.set([10, 1], 0)
  message.writeUInt16BE(4_100, 4)
  message.writeUInt16BE(50_000, 6)
  message.set([0xfd, 0x77], 8)
  message[39] = 9
  const v6 = readEnds(message, 'tcp')
  assert.deepEqual([v6?.localPort, v6?.peerPort, v6?.local[0], v6?.peer[3]], [4_100, 50_000, 0xfd770000, 9])
  message[0] = 2
  message.set([10, 0, 0, 1], 8)
  assert.deepEqual([...readEnds(message, 'udp')!.local], [0, 0, 0xffff, 0x0a000001])
})

test('no bytes stop the readers; what is short is none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const ends = readEnds(Buffer.from(bytes), 'tcp')
      assert.equal(ends === null, bytes.length < 52 || (bytes[0] !== 2 && bytes[0] !== 10))
      readOriginal(Buffer.from(bytes))
    }),
  )
})

test('an original tuple is read whole or not at all', () => {
  const address = (which: number, last: number) => encodeAttribute(which, Buffer.from([10, 0, 0, last]))
  const ports = encodeNested(
    2,
    encodeAttribute(1, Buffer.from([6])),
    encodeAttribute(2, Buffer.from([4, 0])),
    encodeAttribute(3, Buffer.from([0, 80])),
  )
  const whole = Buffer.concat([Buffer.alloc(4), encodeNested(1, encodeNested(1, address(1, 1), address(2, 2)), ports)])
  const read = readOriginal(whole)
  assert.deepEqual(
    [read?.proto, read?.sourcePort, read?.targetPort, read?.source[3], read?.target[3]],
    [6, 1_024, 80, 0x0a000001, 0x0a000002],
  )
  const half = Buffer.concat([Buffer.alloc(4), encodeNested(1, encodeNested(1, address(1, 1)), ports)])
  assert.equal(readOriginal(half), null)
})
