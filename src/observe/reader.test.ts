import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError, Reader } from './reader.ts'

test('integers of every width, in network order', () => {
  const reader = new Reader().reset(Uint8Array.of(1, 0, 2, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 5, 9, 9))
  assert.deepEqual(
    [reader.u8(), reader.u16(), reader.u24(), reader.u32(), reader.u64(), reader.uint(2)],
    [1, 2, 3, 4, 4_294_967_301, 2313],
  )
  assert.equal(reader.left, 0)
})

test('whatever is asked of whatever bytes, nothing is read outside them and nothing but a DecodeError is thrown', () => {
  const step = fc.constantFrom('u8', 'u16', 'u24', 'u32', 'u64', 'uint', 'take', 'latin1', 'sub', 'skip')
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.nat(64),
      fc.array(fc.tuple(step, fc.nat(12))),
      (bytes, from, steps) => {
        const start = Math.min(from, bytes.length)
        const reader = new Reader().reset(bytes, start)
        for (const [name, n] of steps) {
          const before = reader.at
          try {
            reader[name](n)
          } catch (error) {
            assert.ok(error instanceof DecodeError)
            assert.equal(reader.at, before, 'a refused read moves nothing')
          }
          assert.ok(reader.at >= start && reader.at <= reader.end)
        }
      },
    ),
  )
})

test('a sub-reader ends where it was told, and its offsets are its own', () => {
  const reader = new Reader().reset(Uint8Array.of(1, 2, 3, 4))
  reader.u8()
  const inner = reader.sub(2)
  assert.equal(inner.u16(), 0x0203)
  assert.throws(
    () => inner.u8(),
    (error) => error instanceof DecodeError && error.offset === 2,
  )
  assert.equal(reader.u8(), 4)
})
