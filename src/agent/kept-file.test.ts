import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { keep, keptFault, readKept } from './kept-file.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-kept-'))
after(() => rmSync(home, { recursive: true }))

test('what cannot be written is kept meanwhile, told once, and written when there is room', () => {
  const path = join(home, 'found.json')
  const said: string[] = []
  const write = (value: unknown) => keep(path, value, (line) => said.push(line))
  assert.equal(readKept(path), null)
  write(['a'])
  mkdirSync(`${path}.new`)
  write(['b'])
  write(['c'])
  assert.equal(said.length, 1)
  assert.match(said[0]!, /found\.json cannot be written, and is known until the next start alone: EISDIR/)
  assert.match(keptFault(path) ?? '', /EISDIR/)
  assert.deepEqual(readKept(path), ['c'])
  assert.equal(readFileSync(path, 'utf8'), '["a"]')
  rmdirSync(`${path}.new`)
  assert.deepEqual(readKept(path), ['c'])
  assert.equal(readFileSync(path, 'utf8'), '["c"]')
  assert.equal(keptFault(path), null)
  mkdirSync(`${path}.new`)
  write(['d'])
  assert.equal(said.length, 2, 'full again is news again')
})
