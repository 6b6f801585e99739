import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { needRoot } from '../../../test/need.ts'
import { addSocket, openSockDiag, readSockets } from './sock-diag.ts'
import { sockDiagIn } from './sock-diag-in.ts'

const onLinux = { skip: process.platform !== 'linux' && 'needs Linux' }

test('sees the round-trip time of a connection of this process', onLinux, async () => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  client.write('hello')
  await once(client, 'data')
  using diag = openSockDiag()
  const sums = await readSockets(diag)
  client.destroy()
  server.close()
  const own = sums.find((sum) => sum.local === '127.0.0.1' && sum.peer === '127.0.0.1')
  assert.ok(own !== undefined && own.sockets >= 2 && own.rttSamples >= 1, JSON.stringify(sums))
  assert.ok(own.rttMs / own.rttSamples < 1_000)
})

test('another namespace is read, not this one; a path that is none is refused', { skip: needRoot() }, async () => {
  const name = `guiseSd${process.pid % 100_000}`
  execFileSync('ip', ['netns', 'add', name])
  const talk = `const { connect, createServer } = require('node:net')
    const server = createServer((one) => one.pipe(one)).listen(0, '127.0.0.9', () => {
      const client = connect(server.address().port, '127.0.0.9')
      client.on('data', () => console.log('said')).write('hello')
    })`
  try {
    assert.deepEqual(await sockDiagIn(`/run/netns/${name}`), { ok: true, value: [] })
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
    const talking = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', talk])
    try {
      await once(talking.stdout, 'data')
      const sums = await sockDiagIn(`/run/netns/${name}`)
      assert.ok(sums.ok)
      const talks = sums.value.map(({ local, peer }) => `${local} ${peer}`).sort()
      assert.deepEqual(talks, ['127.0.0.1 127.0.0.9', '127.0.0.9 127.0.0.1'])
      using diag = openSockDiag()
      assert.equal((await readSockets(diag)).filter(({ local }) => local === '127.0.0.9').length, 0)
    } finally {
      talking.kill('SIGKILL')
      await once(talking, 'exit')
    }
    for (const path of ['/etc/passwd', '/run/netns/../../etc/passwd', '/run/netns/a;b', '/run/netns/', '--help'])
      assert.equal((await sockDiagIn(path)).ok, false, path)
    const missing = await sockDiagIn('/run/netns/guise-none')
    assert.ok(!missing.ok && missing.cure !== '')
  } finally {
    execFileSync('ip', ['netns', 'delete', name])
  }
})

test('no bytes stop the decoder', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(2, 10), (bytes, family) => {
      const payload = Buffer.from(bytes)
      if (payload.length > 0) payload[0] = family
      addSocket(payload, new Map())
    }),
  )
})
