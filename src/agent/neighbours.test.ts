import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeAttribute, type Message } from '../netlink/message.ts'
import { RouteMessage, readLink, readNeighbour } from './neighbours.ts'

const [REACHABLE, STALE, FAILED, NOARP] = [2, 4, 0x20, 0x40]

function neighbour(state: number, target: number[], mac: number[], flags = 0, ages = [500, 100, 300]): Message {
  const head = Buffer.alloc(12)
  head[0] = target.length === 4 ? 2 : 10
  head.writeInt32LE(7, 4)
  head.writeUInt16LE(state, 8)
  head[10] = flags
  const cache = Buffer.alloc(16)
  for (const [i, age] of ages.entries()) cache.writeUInt32LE(age, i * 4)
  const parts = [
    encodeAttribute(1, Buffer.from(target)),
    encodeAttribute(2, Buffer.from(mac)),
    encodeAttribute(3, cache),
  ]
  return { type: RouteMessage.newNeighbour, flags: 0, sequence: 0, payload: Buffer.concat([head, ...parts]) }
}
const MAC = [2, 0, 0, 0xab, 0xcd, 1]
const V6 = [0xfd, ...Array.from({ length: 14 }, () => 0), 9]

test('reads who is where, and how long ago that was known', () => {
  const rest = { link: 7, mac: '02:00:00:ab:cd:01', agoMs: 3_000 }
  assert.deepEqual(readNeighbour(neighbour(REACHABLE, [10, 0, 0, 9], MAC)), { ...rest, address: '10.0.0.9' })
  assert.deepEqual(readNeighbour(neighbour(STALE, V6, MAC)), { ...rest, address: 'fd00::9' })
})

test('leaves out who does not answer, who is many, and who answers for others', () => {
  const mapped = [...Array.from({ length: 10 }, () => 0), 255, 255, 10, 0, 0, 1]
  for (const one of [
    neighbour(FAILED, [10, 0, 0, 9], MAC),
    neighbour(NOARP, [10, 0, 0, 9], MAC),
    neighbour(0, [10, 0, 0, 9], MAC),
    neighbour(REACHABLE, [10, 0, 0, 9], MAC, 8),
    neighbour(REACHABLE, [10, 0, 0, 9], [1, 0, 0x5e, 0, 0, 1]),
    neighbour(REACHABLE, [10, 0, 0, 9], [0, 0, 0, 0, 0, 0]),
    neighbour(REACHABLE, [10, 0, 0, 9], []),
    neighbour(REACHABLE, mapped, MAC),
    { ...neighbour(REACHABLE, [10, 0, 0, 9], MAC), type: RouteMessage.deleteNeighbour },
  ])
    assert.equal(readNeighbour(one), null)
})

test('bytes cut short or of anything are no neighbour, and break nothing', () => {
  const whole = neighbour(REACHABLE, V6, MAC)
  for (let length = 0; length < whole.payload.length; length++)
    readNeighbour({ ...whole, payload: whole.payload.subarray(0, length) })
  fc.assert(
    fc.property(fc.constantFrom(16, 28), fc.uint8Array({ maxLength: 200 }), (type, bytes) => {
      const message = { type, flags: 0, sequence: 0, payload: Buffer.from(bytes) }
      const found = readNeighbour(message)
      if (found !== null) assert.match(found.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
      readLink(message)
    }),
  )
})
