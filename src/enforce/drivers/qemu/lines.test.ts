/** Whatever the other end sends, however it is cut: whole objects, or a BadLine, and nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BadLine, createLineReader } from './lines.ts'

const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 8 })

test('objects come out as they went in, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(objects, fc.array(fc.nat(200), { maxLength: 20 }), (sent, cuts) => {
      const bytes = Buffer.from(sent.map((one) => `${JSON.stringify(one)}\r\n`).join(''))
      const reader = createLineReader()
      const got: unknown[] = []
      let from = 0
      for (const cut of [...cuts, bytes.length]) {
        const to = Math.min(bytes.length, from + cut)
        got.push(...reader.push(bytes.subarray(from, to)))
        from = to
      }
      assert.deepEqual(got, JSON.parse(JSON.stringify(sent)))
    }),
  )
})

test('a stream that ends early gives the whole objects before its end', () => {
  fc.assert(
    fc.property(objects, fc.nat(), (sent, at) => {
      const lines = sent.map((one) => `${JSON.stringify(one)}\n`)
      const bytes = Buffer.from(lines.join(''))
      const end = bytes.length === 0 ? 0 : at % bytes.length
      const whole = bytes.subarray(0, end).filter((byte) => byte === 10).length
      assert.equal(createLineReader().push(bytes.subarray(0, end)).length, whole)
    }),
  )
})

test('garbage is a BadLine or nothing, and never more than the bound is kept', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 20 }), (chunks) => {
      const reader = createLineReader(200)
      try {
        for (const chunk of chunks) for (const one of reader.push(chunk)) assert.equal(typeof one, 'object')
      } catch (error) {
        assert.ok(error instanceof BadLine)
      }
    }),
  )
  assert.throws(() => createLineReader(100).push(Buffer.alloc(101, 0x20)), BadLine)
  const slowly = createLineReader(100)
  assert.throws(() => {
    for (let i = 0; i < 101; i++) slowly.push(Buffer.from('x'))
  }, BadLine)
})

test('what stood in the channel before the sync answer is dropped', () => {
  const bytes = Buffer.concat([Buffer.from('{"half of an old ans'), Buffer.from([0xff]), Buffer.from('{"return":7}\n')])
  assert.deepEqual(createLineReader().push(bytes), [{ return: 7 }])
})
