import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLineReader, createLink, parseServer } from './link.ts'
import { readMessage } from './message.ts'

test('lines come out whole however the bytes were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1 }).map((text) => text.replaceAll('\n', ' '))),
      fc.integer({ min: 1, max: 9 }),
      (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const got: string[] = []
        const reader = createLineReader((line) => got.push(line))
        for (let at = 0; at < bytes.length; at += size) reader.take(bytes.subarray(at, at + size))
        assert.deepEqual(got, lines)
      },
    ),
  )
})

test('garbage, unknown messages and unknown fields are no message', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => assert.ok('unread' in readMessage(text))))
  assert.ok('unread' in readMessage('{"type":"bookmark","at":1,"run":"rm"}'))
  assert.deepEqual(readMessage('{"type":"bookmark","at":1}'), { message: { type: 'bookmark', at: 1 } })
})

test('a message has one text only', () => {
  for (const line of [
    '{"type":"bookmark","at":1,"at":2}',
    '{"type":"bookmark","at":1.0}',
    ' {"type":"bookmark","at":1}',
  ]) {
    const read = readMessage(line)
    assert.match('unread' in read ? read.unread.reason : '', /JSON.stringify/, line)
  }
})

test('a refused message says where it is wrong', () => {
  const read = readMessage('{"type":"confirm","generation":{"system":"s","timeline":1,"n":"1"}}')
  assert.equal('unread' in read ? read.unread.pointer : '', '/generation/n')
  const born = readMessage('{"type":"bookmark","at":1,"__proto__":{"at":2}}')
  assert.ok('unread' in born)
})

test('a server is a unix socket or https; plain http only to this host', () => {
  assert.deepEqual(parseServer('unix:/run/x.sock'), { socket: '/run/x.sock' })
  assert.ok('url' in parseServer('https://guise.example'))
  assert.ok('url' in parseServer('http://127.0.0.1:7070'))
  for (const text of ['http://guise.example', 'ftp://x', '', 'guise.example'])
    assert.throws(() => parseServer(text), /give one of them/)
})

test('a server that answers with another protocol than was asked for ends the connection, not the talk', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const link = createLink(parseServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), () => null)
  await assert.rejects(link.post('/report', '{}'), /without an answer/)
  const leaving = new AbortController()
  const listening = link.lines('/desired', { line() {}, refused() {}, say() {} }, leaving.signal)
  await once(server, 'connection')
  await once(server, 'connection')
  leaving.abort()
  await listening
  server.close()
})
