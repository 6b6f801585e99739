import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UNITS, unitText } from './agent-units.ts'

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
