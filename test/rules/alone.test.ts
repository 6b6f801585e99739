/** Who must work when little else does, and at once, loads few packages; and so does who only shows a table. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = new URL('../..', import.meta.url).pathname
const TELL = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
const urls = []
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
process.on('exit', () => process.stderr.write('\\nloaded ' + JSON.stringify(urls)))
`)}`

/** Names of packages, of what a program and its argv load. */
function packagesOf(...argv: string[]): string[] {
  const { stderr } = spawnSync(process.execPath, ['--import', TELL, ...argv], { cwd: ROOT, encoding: 'utf8' })
  const urls = JSON.parse(stderr.slice(stderr.lastIndexOf('\nloaded ') + 8)) as string[]
  assert.ok(urls.some((url) => url.endsWith(argv[0]!)))
  return [...new Set(urls.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []))].sort()
}

test('the supervisor loads no package at all', () => {
  assert.deepEqual(packagesOf('src/enforce/supervisor.ts'), [])
})

test('the rules before the network wait for no schema and no parser', () => {
  const home = mkdtempSync(join(tmpdir(), 'guise-alone-'))
  try {
    const found = packagesOf('src/cli/main.ts', 'agent', 'restore-base', '--home', home)
    assert.deepEqual(found, ['commander', 'ipaddr.js'])
  } finally {
    rmSync(home, { recursive: true })
  }
})

test('a table is shown without a schema and without YAML', () => {
  for (const argv of [
    ['get', 'workloads'],
    ['plan', 'list'],
    ['secret', 'list'],
  ]) {
    const found = packagesOf('src/cli/main.ts', '--server', 'http://127.0.0.1:1', ...argv)
    assert.deepEqual(
      found.filter((name) => ['typebox', 'yaml', 'ipaddr.js'].includes(name)),
      [],
      argv.join(' '),
    )
    assert.ok(found.includes('commander'))
  }
})
