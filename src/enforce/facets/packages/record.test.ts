import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { keepOnlyReady, readReady, readRecord, UNTOUCHED, writeReady, writeRecord } from './record.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-record-'))
after(() => rmSync(home, { recursive: true }))
const pack = { name: 'gp-tool', version: '1.0', isPinned: false }
const files = () => readdirSync(join(home, 'packages')).sort()

test('a record is on the disk before it has its name, and its name is before anything goes on', () => {
  const faults = join(home, 'faults')
  writeFileSync(`${faults}.passed`, '')
  const code = `import { UNTOUCHED, writeRecord } from ${JSON.stringify(new URL('./record.ts', import.meta.url).href)}
writeRecord(${JSON.stringify(home)}, 'w', { ...UNTOUCHED, isBusy: true })`
  execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], {
    env: { ...process.env, GUISE_FAULT: faults },
  })
  const passed = [...readFileSync(`${faults}.passed`, 'utf8').matchAll(/>record (\w+)#\d\/after$/gm)]
  assert.deepEqual(
    passed.map(([, what]) => what),
    ['mkdir', 'write', 'fsync', 'rename', 'fsync'],
  )
  assert.equal(readRecord(home, 'w').isBusy, true)
  writeRecord(home, 'w', UNTOUCHED)
  assert.deepEqual(files(), [])
})

test('what was made ready goes with the wish; records and what others wish stay', () => {
  const ready = { wish: '["gp-tool"]', packs: [pack], failed: null }
  for (const key of ['a', 'b']) writeReady(home, key, ready)
  writeRecord(home, 'b', { ...UNTOUCHED, wanted: [pack] })
  keepOnlyReady(home, ['a'])
  assert.deepEqual([readReady(home, 'a'), readReady(home, 'b')], [ready, null])
  assert.deepEqual(readRecord(home, 'b').wanted, [pack])
  keepOnlyReady(home, [])
  assert.equal(files().length, 1)
  keepOnlyReady(join(home, 'nowhere'), [])
})
