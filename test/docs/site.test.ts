/** The site builds from a clone without a dead link, and the reference names every command, route and kind. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { writeReference } from '../../docs/reference.ts'
import { PERMISSIONS } from '../../src/api/permissions.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { MANIFEST_SCHEMAS } from '../../src/model/manifest.ts'
import { missing, readScript, words } from './script.ts'

const docs = new URL('../../docs', import.meta.url).pathname

test('the reference names every command, every documented route, every kind', async () => {
  await writeReference()
  const read = (name: string) => readFileSync(`${docs}/reference/${name}.md`, 'utf8')
  const cli = read('cli')
  for (const command of Object.keys(COMMANDS)) assert.ok(cli.includes(`## guise ${command}\n`), command)
  const api = read('api')
  const silent = ['GET /', 'GET /ui', 'GET /ui/*', 'GET /openapi.json', 'GET /docs', 'GET /docs.css']
  for (const route of Object.keys(PERMISSIONS).filter((one) => !silent.includes(one)))
    assert.ok(api.includes(`### ${route.replace(' /', ' /v1/')}\n`), route)
  for (const kind of Object.keys(MANIFEST_SCHEMAS)) assert.ok(read('manifests').includes(`## ${kind}\n`), kind)
})

test('the site builds, with no dead link', { timeout: 180_000 }, () => {
  const built = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', `${docs}/build.ts`], {
    encoding: 'utf8',
  })
  assert.equal(built.status, 0, `${built.stdout}\n${built.stderr}`)
  for (const page of globSync('{*,concepts/*,how-to/*}.md', { cwd: docs }))
    assert.ok(existsSync(`${docs}/.vitepress/dist/${page.replace(/\.md$/, '.html')}`), page)
})

test('a page is read as a script: files, commands, what they print', () => {
  const blocks = readScript(
    '<!-- run: exit 1 -->\n```sh\nguise why "web 1"\n```\nsaid\n```text\nA … C\n```\n```yaml [a.yaml]\nx: 1\n```\n```text\nelse\n```\n',
  )
  assert.deepEqual(blocks, [
    { kind: 'commands', line: 3, lines: ['guise why "web 1"'], how: { run: 'once', exit: 1 }, prints: ['A', 'C'] },
    { kind: 'file', name: 'a.yaml', text: 'x: 1\n' },
  ])
  assert.deepEqual(words('curl -H "a: $B" \'{"c":1}\' $D', { B: 'x' }), ['curl', '-H', 'a: x', '{"c":1}', '$D'])
  assert.equal(missing('A  b\nC', ['A b', 'C']), null)
  assert.equal(missing('C A', ['A', 'C']), 'C')
  assert.throws(() => readScript('<!-- run: perhaps -->'), /line 1/)
})
