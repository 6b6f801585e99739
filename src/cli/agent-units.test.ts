import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UNITS, unitText } from './agent-units.ts'

const MAIN = new URL('./main.ts', import.meta.url).pathname
const ANALYZE = '/usr/bin/systemd-analyze'
const skip = existsSync(ANALYZE) ? false : 'needs systemd-analyze'

test('the agent comes back always, and the rules are there before the network', () => {
  const agent = unitText('guise-agent.service', '/var/lib/guise-agent', '--mode enforce')
  assert.match(agent, /^Restart=always$/m)
  assert.match(agent, /agent --home \/var\/lib\/guise-agent --mode enforce$/m)
  const base = unitText('guise-base.service', '/var/lib/guise-agent', '')
  assert.match(base, /^Before=network-pre.target/m)
  assert.match(base, /^CapabilityBoundingSet=CAP_NET_ADMIN$/m)
  assert.doesNotMatch(agent + base, /@[A-Z]+@/)
})

test('what means something else to systemd is refused', () => {
  for (const home of ['/var/lib/a b', '/var/%n', '/var/$HOME', "/var/'x'", '/var/x\nExecStartPre=/bin/id'])
    assert.throws(() => unitText('guise-agent.service', home, ''), /mean something else/, home)
  assert.throws(() => unitText('guise-agent.service', '/var/lib/x', '--id "x"'), /mean something else/)
})

test('units are written and told of as one line of JSON, where asked, and so is what is refused', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-units-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const install = (...words: string[]) => {
    const argv = [MAIN, 'agent', 'install-units', '--to', folder, ...words]
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
    return { status, stdout, stderr, told: words.includes('--json') ? JSON.parse(stdout) : null }
  }
  const dry = install('--json', '--dry-run')
  assert.deepEqual([dry.status, dry.stdout.split('\n').length, dry.told.written], [0, 2, false])
  assert.deepEqual(readdirSync(folder), [])
  const done = install('--json')
  assert.deepEqual([done.told.written, done.told.units], [true, dry.told.units])
  for (const { path, text } of done.told.units) assert.equal(readFileSync(path, 'utf8'), text)
  assert.deepEqual(readdirSync(folder).sort(), [...UNITS].sort())
  assert.match(install().stdout, /^Written to .*\nStart them with: systemctl daemon-reload && /)
  const refused = install('--options', '--id $X', '--json')
  assert.deepEqual([refused.status, refused.stderr, refused.told.ok], [1, '', false])
  assert.match(refused.told.error, /mean something else in a unit\. Use plain ones\.$/)
})

test('systemd finds nothing wrong with them, and little exposed', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-units-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const paths = UNITS.map((name) => join(folder, name))
  for (const [i, name] of UNITS.entries()) writeFileSync(paths[i]!, unitText(name, '/var/lib/guise-agent', ''))
  // It says what is wrong on stderr, and of a unit it takes nothing.
  const said = execFileSync(ANALYZE, ['verify', '--man=no', ...paths], { stdio: ['ignore', 'pipe', 'pipe'] })
  assert.equal(said.toString(), '')
  for (const [path, most] of [
    [paths[0]!, 25],
    [paths[1]!, 55],
  ] as const)
    execFileSync(ANALYZE, ['security', '--offline=true', `--threshold=${most}`, path], { stdio: 'ignore' })
})
