import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLinkStats, readQueueStats } from './link-stats.ts'
import { encodeAttribute, encodeNested, type Message } from './message.ts'

const message = (type: number, payload: Buffer): Message => ({ type, flags: 0, sequence: 1, payload })
const named = (name: string) => encodeAttribute(3, Buffer.from(`${name}\0`))

function link(): Buffer {
  const head = Buffer.alloc(16)
  head.writeInt32LE(7, 4)
  const stats = Buffer.alloc(25 * 8)
  for (let word = 0; word < 25; word++) stats.writeBigUInt64LE(BigInt(100 + word), 8 * word)
  return Buffer.concat([
    head,
    named('w1'),
    encodeNested(18, encodeAttribute(1, Buffer.from('veth\0'))),
    encodeAttribute(23, stats),
  ])
}

function queue(parent: number): Buffer {
  const head = Buffer.alloc(20)
  head.writeInt32LE(7, 4)
  head.writeUInt32LE(parent, 12)
  const counts = Buffer.alloc(20)
  for (const [i, n] of [3, 4_500, 12, 0, 9].entries()) counts.writeUInt32LE(n, 4 * i)
  return Buffer.concat([head, encodeNested(7, encodeAttribute(1, Buffer.alloc(16)), encodeAttribute(3, counts))])
}

test('the counters of a link and of its root queue, each where the kernel writes it', () => {
  assert.deepEqual(readLinkStats(message(16, link())), {
    index: 7,
    name: 'w1',
    kind: 'veth',
    isLoopback: false,
    isEnslaved: false,
    receivedBytes: 102,
    sentBytes: 103,
    errors: 104 + 105,
    receivedDrops: 106,
    sentDrops: 107,
  })
  assert.deepEqual(readQueueStats(message(36, queue(0xffffffff))), { link: 7, backlogBytes: 4_500, drops: 12 })
  assert.equal(readQueueStats(message(36, queue(0xfffffff1))), null, 'clsact is no queue')
  assert.equal(readLinkStats(message(17, link())), null)
})

test('no bytes, cut short or changed, stop the readers', () => {
  const whole = fc.constantFrom(link(), queue(0xffffffff))
  fc.assert(
    fc.property(whole, fc.nat(), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), (bytes, cut, changes) => {
      const payload = Buffer.from(bytes.subarray(0, cut % (bytes.length + 1)))
      for (const [at, value] of changes) if (payload.length > 0) payload[at % payload.length] = value
      readLinkStats(message(16, payload))
      readQueueStats(message(36, payload))
    }),
  )
})
