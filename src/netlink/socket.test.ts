import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attributes, encodeAttribute, encodeMessage, Flag, MessageType, messages } from './message.ts'
import { Family, NetlinkSocket } from './socket.ts'

test('dumps the links of this namespace, lo among them', {
  skip: process.platform !== 'linux' && 'needs Linux',
}, async () => {
  using socket = new NetlinkSocket(Family.route)
  socket.send(encodeMessage(18, Flag.request | Flag.dump, socket.nextSequence(), Buffer.alloc(16)))
  const names: string[] = []
  for (let done = false; !done; ) {
    const batch = await socket.receive()
    assert.ok(batch)
    for (const message of batch) {
      done ||= message.type === MessageType.done
      if (message.type === 16)
        attributes(
          message.payload,
          16,
          (type, value) => type === 3 && names.push(value.toString('latin1', 0, value.length - 1)),
        )
    }
  }
  assert.ok(names.includes('lo'), names.join())
})

test('framing survives truncation and garbage', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      for (const message of messages(Buffer.from(bytes))) attributes(message.payload, 0, () => {})
    }),
  )
  const whole = encodeMessage(7, 1, 3, encodeAttribute(5, Buffer.from('abc')))
  for (let cut = 0; cut < whole.length; cut++) assert.equal(messages(whole.subarray(0, cut)).length, 0)
  assert.equal(messages(whole)[0]!.payload.length, 8)
})
