import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { needRoot } from '../../../test/need.ts'
import { addSocket, sockDiag } from './sock-diag.ts'
import { parseSums, sockDiagIn } from './sock-diag-in.ts'

const onLinux = { skip: process.platform !== 'linux' && 'needs Linux' }

test('sees the round-trip time of a connection of this process', onLinux, async () => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  client.write('hello')
  await once(client, 'data')
  const sums = await sockDiag()
  client.destroy()
  server.close()
  const own = sums.find((sum) => sum.local === '127.0.0.1' && sum.peer === '127.0.0.1')
  assert.ok(own !== undefined && own.sockets >= 2 && own.rttSamples >= 1, JSON.stringify(sums))
  assert.ok(own.rttMs / own.rttSamples < 1_000)
})

test('another namespace is read by a child; a path that is none is refused', { skip: needRoot() }, async () => {
  const name = `guiseSd${process.pid % 100_000}`
  execFileSync('ip', ['netns', 'add', name])
  try {
    assert.deepEqual(await sockDiagIn(`/run/netns/${name}`), { ok: true, value: [] })
    for (const path of ['/etc/passwd', '/run/netns/../../etc/passwd', '/run/netns/a;b', '/run/netns/', '--help'])
      assert.equal((await sockDiagIn(path)).ok, false, path)
    const missing = await sockDiagIn('/run/netns/guise-none')
    assert.ok(!missing.ok && missing.cure !== '')
  } finally {
    execFileSync('ip', ['netns', 'delete', name])
  }
})

test('no bytes stop the decoder, and what a child says is checked', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(2, 10), (bytes, family) => {
      const payload = Buffer.from(bytes)
      if (payload.length > 0) payload[0] = family
      addSocket(payload, new Map())
    }),
  )
  assert.equal(parseSums('[{"local":1}]'), null)
  assert.equal(parseSums('{}'), null)
  assert.equal(parseSums('no'), null)
})
