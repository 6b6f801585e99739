import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { needRoot } from '../../test/need.ts'
import { parseFloor } from '../enforce/floor-file.ts'
import { floorText } from './floor-answers.ts'

const MAIN = new URL('./main.ts', import.meta.url).pathname
const GUISE = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, 'agent', 'floor']
const guise = (...words: string[]) =>
  JSON.parse(execFileSync(GUISE[0]!, [...GUISE.slice(1), ...words, '--json'], { stdio: 'pipe' }).toString())

test('what holds is said line by line', () => {
  const key = `ed25519:${'A'.repeat(43)}`
  const text = `
version: 1
facets: [policies]
protected: [{name: lan, cidr: 10.0.0.0/8, protocol: tcp, port: 22, of: every}]
approvals: {keys: {kim: "${key}"}}
`
  const shown = floorText('/etc/guise/floor.yaml', parseFloor(text, 'floor.yaml'))
  assert.match(shown, /^facets {8}policies$/m)
  assert.match(shown, /^protected {5}lan: 10.0.0.0\/8 tcp 22-22, both, of every workload$/m)
  assert.match(shown, /^packages {6}none$/m)
  assert.match(shown, /^signatures {4}1 of kim, for plans of the high class$/m)
})

test('init writes one for root alone, once; check reads it; a bad one is said and not taken', {
  skip: needRoot(),
}, (t) => {
  const home = mkdtempSync(join(tmpdir(), 'guise-floor-cli-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const path = join(home, 'floor.yaml')
  guise('init', '--path', path)
  assert.ok(existsSync(path))
  assert.equal(statSync(path).mode & 0o777, 0o644)
  assert.throws(() => guise('init', '--path', path))
  assert.deepEqual(guise('check', '--home', home), { ok: true, path })
  assert.deepEqual(guise('show', '--home', home).floor.facets.includes('policies'), true)
  writeFileSync(path, 'version: 1\nfacets: [all]\n')
  assert.throws(
    () => guise('check', '--home', home),
    (error: { stdout: Buffer }) => /facets\/0/.test(JSON.parse(error.stdout.toString()).error),
  )
})
