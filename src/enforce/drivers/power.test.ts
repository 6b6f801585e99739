/** A libvirt that hangs, as its program shows it to whoever asks: no answer, and no end. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { domainKey } from './places.ts'
import { lookAtMachine } from './power.ts'

const dir = mkdtempSync(join(tmpdir(), 'guise-power-'))
const { PATH: path, LIBVIRT_DEFAULT_URI: uri } = process.env
after(() => {
  process.env.PATH = path ?? ''
  if (uri === undefined) delete process.env.LIBVIRT_DEFAULT_URI
  else process.env.LIBVIRT_DEFAULT_URI = uri
  rmSync(dir, { recursive: true, force: true })
})

test('a look at domains of a libvirt that hangs takes seconds once, however many they are', async () => {
  const socket = join(dir, 'sock')
  writeFileSync(socket, '')
  writeFileSync(join(dir, 'virsh'), '#!/bin/sh\nexec sleep 120\n')
  chmodSync(join(dir, 'virsh'), 0o755)
  process.env.PATH = `${dir}:${path}`
  process.env.LIBVIRT_DEFAULT_URI = `qemu+unix:///system?socket=${socket}`
  const began = performance.now()
  const key = (i: number) => domainKey(`00000000-0000-4000-8000-00000000000${i}`)
  await assert.rejects(lookAtMachine(key(0), dir), /no answer within 3000 ms/)
  for (let i = 1; i < 10; i++)
    await assert.rejects(lookAtMachine(key(i), dir), /did not answer within 3000 ms just now/)
  assert.ok(performance.now() - began < 6_000, `${performance.now() - began} ms`)
})
