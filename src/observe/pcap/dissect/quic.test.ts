import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError, Reader } from '../../reader.ts'
import { clientKeys, openInitial, readCrypto, readInitial } from './quic.ts'

// RFC 9001 Appendix A.1: the keys that follow from the connection id 8394c8f03e515708.
const CONNECTION = '8394c8f03e515708'
const PACKET = Buffer.from(`c300000001088394c8f03e5157080000449e7b9aec34${'00'.repeat(1_178)}`, 'hex')

test('the keys of RFC 9001 Appendix A.1', () => {
  const initial = readInitial(new Reader().reset(PACKET))!
  assert.equal(Buffer.from(initial.connection).toString('hex'), CONNECTION)
  assert.equal(initial.next, PACKET.length)
  const keys = clientKeys(initial)
  assert.equal(keys.key.toString('hex'), '1f369613dd76d5467730efcbe3b1a22d')
  assert.equal(keys.iv.toString('hex'), 'fa044b2f42a3fd3b46fb255c')
  assert.equal(keys.mask.toString('hex'), '9f50449e04a0e810283a1e9933adedd2')
  assert.equal(openInitial(PACKET, initial, keys), null)
})

test('the keys of version 2, RFC 9369 Appendix A.1', () => {
  const packet = Buffer.from(PACKET)
  packet.writeUInt32BE(0x6b3343cf, 1)
  packet[0] = 0xd3
  const keys = clientKeys(readInitial(new Reader().reset(packet))!)
  assert.equal(keys.key.toString('hex'), '8b1a0bc121284290a29e0971b5cd045d')
  assert.equal(keys.iv.toString('hex'), '91f73e2351d8fa91660e909f')
  assert.equal(keys.mask.toString('hex'), '45b95e15235d6f45a6b19cbcb0294ba9')
})

test('what is no Initial packet is none', () => {
  for (const first of [0x40, 0x80, 0xd3, 0xf3]) {
    const packet = Buffer.from(PACKET)
    packet[0] = first
    assert.equal(readInitial(new Reader().reset(packet)), null)
  }
  for (let length = 0; length < 200; length++) {
    const read = () => readInitial(new Reader().reset(PACKET.subarray(0, length)))
    if (length < 48) assert.equal(read(), null)
    else assert.throws(read, DecodeError)
  }
})

test('CRYPTO frames between padding, pings and acknowledgements', () => {
  const frames = Uint8Array.from([0, 0, 1, 2, 5, 0, 1, 0, 3, 4, 6, 0x40, 3, 2, 7, 8, 0, 6, 0, 1, 9])
  const parts = readCrypto(new Reader().reset(frames))
  assert.deepEqual(
    parts.map(({ offset, bytes }) => [offset, ...bytes]),
    [
      [3, 7, 8],
      [0, 9],
    ],
  )
})

test('any bytes are frames or a decode error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        readCrypto(new Reader().reset(bytes))
        readInitial(new Reader().reset(bytes))
      } catch (error) {
        assert.ok(error instanceof DecodeError)
      }
    }),
  )
})
