import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inNetwork } from './in-network.ts'

const skip = process.platform !== 'linux' && 'needs Linux: /proc'

test('a namespace that is there and cannot be opened costs no descriptor', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-in-network-'))
  const path = join(folder, 'socket')
  // open(2) of a socket is ENXIO, stat(2) finds it: as where a namespace goes between the two.
  const server = createServer().listen(path)
  await once(server, 'listening')
  const held = () => readdirSync('/proc/self/fd').length
  assert.throws(() => inNetwork(path, () => {}), /ENXIO/)
  const before = held()
  for (let times = 0; times < 20; times++) assert.throws(() => inNetwork(path, () => {}), /ENXIO/)
  assert.equal(held(), before)
  server.close()
  rmSync(folder, { recursive: true })
})
