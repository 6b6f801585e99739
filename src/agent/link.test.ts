import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLineReader, decode, parseServer } from './link.ts'

test('lines come out whole however the bytes were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1 }).map((text) => text.replaceAll('\n', ' '))),
      fc.integer({ min: 1, max: 9 }),
      (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const got: string[] = []
        const take = createLineReader((line) => got.push(line))
        for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size))
        assert.deepEqual(got, lines)
      },
    ),
  )
})

test('garbage, unknown messages and unknown fields are no message', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => assert.equal(decode(text), null)))
  assert.equal(decode('{"type":"bookmark","at":1,"run":"rm"}'), null)
  assert.deepEqual(decode('{"type":"bookmark","at":1}'), { type: 'bookmark', at: 1 })
})

test('a server is a unix socket or https; plain http only to this host', () => {
  assert.deepEqual(parseServer('unix:/run/x.sock'), { socket: '/run/x.sock' })
  assert.ok('url' in parseServer('https://guise.example'))
  assert.ok('url' in parseServer('http://127.0.0.1:7070'))
  for (const text of ['http://guise.example', 'ftp://x', '', 'guise.example'])
    assert.throws(() => parseServer(text), /give one of them/)
})
