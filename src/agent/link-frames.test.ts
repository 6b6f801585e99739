import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFrameReader, encodeFrame, FRAME_KINDS, type Frame, joinAsk, splitAsk } from './link-frames.ts'

const frames = fc.array(
  fc.record(
    {
      kind: fc.constantFrom(...FRAME_KINDS),
      id: fc.nat(),
      body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  ),
)

test('frames come out whole and in order, however they were cut', () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 11 }), (list, size) => {
      const bytes = Buffer.concat(list.map(encodeFrame))
      const got: Frame[] = []
      const take = createFrameReader((frame) => got.push(frame))
      for (let at = 0; at < bytes.length; at += size) assert.ok(take(bytes.subarray(at, at + size)))
      assert.deepEqual(got, list)
    }),
  )
})

test('what is no frame is told, and a frame that is too long is never waited for', () => {
  const kind = Buffer.from([99, 0, 0, 0, 1, 0, 0, 0, 0])
  assert.equal(createFrameReader(() => {})(kind), false)
  const long = Buffer.from([0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])
  assert.equal(createFrameReader(() => {})(long), false)
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void createFrameReader(() => {})(Buffer.from(bytes))))
})

test('a question keeps its bytes', () => {
  fc.assert(
    fc.property(fc.string(), (rest) => {
      const wellFormed = Buffer.from(rest).toString()
      assert.deepEqual(splitAsk(joinAsk({ op: 'post', path: '/a\nb' }, wellFormed)), {
        head: { op: 'post', path: '/a\nb' },
        rest: wellFormed,
      })
    }),
  )
})
