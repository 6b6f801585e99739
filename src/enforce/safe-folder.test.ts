/** What a workload does to the folders below its own root costs the agent nothing. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { captureFiles } from './facets/tls/install.ts'
import { SafeFolder } from './safe-folder.ts'

const skip = process.platform !== 'linux' && 'needs Linux: /proc'
const root = mkdtempSync(join(tmpdir(), 'guise-safe-'))
after(() => rmSync(root, { recursive: true }))
const open = () => readdirSync('/proc/self/fd').length

test('a link or a file in the way is refused, however often it is looked at, and leaves no descriptor open', {
  skip,
}, () => {
  mkdirSync(join(root, 'etc'))
  symlinkSync('/etc', join(root, 'etc', 'guise'))
  const before = open()
  for (let looks = 0; looks < 50; looks++)
    assert.throws(
      () => captureFiles({ key: 'container:a', namespace: null, root }, root),
      /guise is no folder, or a link/,
    )
  rmSync(join(root, 'etc', 'guise'))
  writeFileSync(join(root, 'etc', 'guise'), '')
  for (let looks = 0; looks < 50; looks++) assert.throws(() => SafeFolder.walk(root, ['etc', 'guise', 'tls'], 'make'))
  assert.equal(open(), before)
})

test('a walk ends in the last folder with nothing else open; where one is missing there is none', { skip }, () => {
  const before = open()
  assert.equal(SafeFolder.walk(root, ['nowhere', 'at', 'all']), null)
  const made = SafeFolder.walk(root, ['a', 'b'], 'make') ?? assert.fail('it is made')
  assert.equal(open(), before + 1)
  made.write('file', 'text', 0o600, { uid: process.getuid!(), gid: process.getgid!() })
  made.close()
  const found = SafeFolder.walk(root, ['a', 'b']) ?? assert.fail('it is found')
  assert.equal(found.read('file'), 'text')
  found.close()
  assert.equal(open(), before)
})
