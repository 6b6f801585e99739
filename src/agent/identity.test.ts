import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { identify } from './identity.ts'
import { parseServer } from './link.ts'

test('a single-use token is exchanged once and what it brought is kept for root alone', async () => {
  const home = mkdtempSync(join(tmpdir(), 'guise-id-'))
  const bodies: string[] = []
  const server = createServer((request, response) => {
    request.on('data', (chunk) => bodies.push(String(chunk)))
    request.on('end', () => response.writeHead(201).end('{"agent":"edge1","token":"secret"}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const where = parseServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    await assert.rejects(identify(home, 'x', where), /not enrolled/)
    process.env.GUISE_ENROL_TOKEN = 'once'
    assert.deepEqual(await identify(home, 'x', where), { id: 'edge1', token: 'secret' })
    assert.deepEqual(await identify(home, 'x', where), { id: 'edge1', token: 'secret' })
    assert.equal(bodies.length, 1)
    assert.equal(JSON.parse(bodies[0]!).token, 'once')
    assert.equal(statSync(join(home, 'id')).mode & 0o777, 0o600)
    assert.deepEqual(await identify(home, 'local', parseServer('unix:/x')), { id: 'local', token: null })
  } finally {
    delete process.env.GUISE_ENROL_TOKEN
    server.close()
    rmSync(home, { recursive: true })
  }
})
