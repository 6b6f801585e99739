import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError, Reader } from '../../reader.ts'
import { readDns } from './dns.ts'

const read = (bytes: readonly number[] | Uint8Array) => {
  const all = Uint8Array.from(bytes)
  // Something stands in front, so that pointers must count from the message and not from the memory.
  return readDns(new Reader().reset(Uint8Array.from([9, 9, 9, ...all]), 3))
}
const head = (flags: number, questions: number, answers: number) => [
  0x12,
  0x34,
  flags >> 8,
  flags & 255,
  0,
  questions,
  0,
  answers,
  0,
  0,
  0,
  0,
]
const name = (text: string) => [...text.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]), 0]
const QUESTION = [...name('Example.ORG'), 0, 1, 0, 1]

test('a question', () => {
  const message = read([...head(0x0100, 1, 0), ...QUESTION])!
  assert.equal(message.query, 'example.org')
  assert.equal(message.type, 1)
  assert.equal(message.isAnswer, false)
  assert.equal(message.id, 0x1234)
})

test('an answer with addresses and a name, compressed', () => {
  const pointer = [0xc0, 12]
  const record = (type: number, data: readonly number[]) => [
    ...pointer,
    0,
    type,
    0,
    1,
    0,
    0,
    0,
    60,
    0,
    data.length,
    ...data,
  ]
  const message = read([
    ...head(0x8183, 1, 3),
    ...QUESTION,
    ...record(1, [192, 0, 2, 7]),
    ...record(28, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ...record(5, [3, 119, 119, 119, 0xc0, 20]),
  ])!
  assert.equal(message.code, 3)
  assert.deepEqual(message.answers, ['192.0.2.7', '2001:db8::1', 'www.org'])
})

test('names that run in circles end at once', () => {
  assert.throws(() => read([...head(0, 1, 0), 0xc0, 12, 0, 1, 0, 1]), DecodeError)
  assert.throws(() => read([...head(0, 1, 0), 1, 97, 0xc0, 12, 0, 1, 0, 1]), DecodeError)
  assert.throws(() => read([...head(0, 1, 0), 0xc0, 200, 0, 1, 0, 1]), DecodeError)
})

test('a chain of pointers is followed only so far', () => {
  const chain = (links: number) => {
    const questions = [1, 97, 0, 0, 1, 0, 1]
    for (let i = 1; i <= links; i++) questions.push(0xc0, i === 1 ? 12 : 12 + 7 + (i - 2) * 6, 0, 1, 0, 1)
    return [...head(0, links + 1, 0), ...questions]
  }
  assert.equal(read(chain(16))!.query, 'a')
  assert.throws(() => read(chain(17)), /pointers/)
})

test('a name of more than 255 octets, a label of more than 63', () => {
  const long = Array.from({ length: 6 }, () => 'a'.repeat(60)).join('.')
  assert.throws(() => read([...head(0, 1, 0), ...name(long), 0, 1, 0, 1]), /over 255/)
  assert.throws(() => read([...head(0, 1, 0), 64, ...new Array(64).fill(97), 0, 0, 1, 0, 1]), /label/)
})

test('what a name hides from people is taken out', () => {
  const message = read([...head(0, 1, 0), 5, 97, 0x1b, 91, 50, 74, 0, 0, 1, 0, 1])!
  assert.equal(message.query, 'a [2j')
})

test('any bytes are a message, none, or a decode error, and cut short they are an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      try {
        const message = read(bytes)
        assert.ok(message === null || message.query.length <= 255)
      } catch (error) {
        assert.ok(error instanceof DecodeError)
      }
    }),
  )
  const whole = [...head(0x0100, 1, 0), ...QUESTION]
  for (let length = 0; length < whole.length; length++) assert.throws(() => read(whole.slice(0, length)), DecodeError)
})
