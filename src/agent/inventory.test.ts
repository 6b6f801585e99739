import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { readInventory } from './inventory.ts'

const WEB = { key: 'web', name: 'web', kind: 'namespace', driver: 'netns', interface: null, addresses: [], labels: {} }

test('a list that is none is refused with its file, its place and a cure', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-inventory-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'inventory.json')
  const reading = (text: string) => {
    writeFileSync(path, text)
    return () => readInventory(path, 'none', folder)
  }
  assert.ok(reading(JSON.stringify([WEB]))().workloads.some(({ key }) => key === 'web'))
  assert.throws(reading('[{'), /inventory\.json is not JSON: .*; mend it there$/)
  assert.throws(reading('{}'), /is no list of workloads: .*; mend it there, or write \[\] for none$/)
  assert.throws(reading(JSON.stringify([WEB, { ...WEB, key: 'b', name: 7 }])), /is no list of workloads: \/1\/name /)
  assert.throws(reading(JSON.stringify([WEB, WEB])), /names web twice; take one of both out$/)
  assert.throws(
    () => readInventory(join(folder, 'none'), 'none', folder),
    /cannot be read \(ENOENT\); give --inventory/,
  )
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        reading(text)()
      } catch (error) {
        assert.match((error as Error).message, /inventory\.json (is not JSON|is no list|names )/)
      }
    }),
    { numRuns: 60 },
  )
})
