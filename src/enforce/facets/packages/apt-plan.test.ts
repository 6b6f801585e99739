/** What apt and dpkg say is read strictly: whatever else a root's own programs and files hold changes nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foreignIn, parseCandidates, parsePlan } from './apt-plan.ts'
import { parseInstalled } from './installed.ts'

const SIMULATED = `Reading package lists...
Inst gp-library (1.0 Debian:12 [all])
Inst gp-server [1.0] (1:1.1-2+b1 Debian:12/stable [amd64]) []
Remv gp-old [0.9]
Purg gp-older:i386 [0.8]
Conf gp-library (1.0 Debian:12 [all])
`

test('a plan is what is installed, what it replaces, and what goes', () => {
  const plan = parsePlan(SIMULATED)
  assert.deepEqual(plan, {
    installs: [
      { name: 'gp-library', version: '1.0', replaces: null },
      { name: 'gp-server', version: '1:1.1-2+b1', replaces: '1.0' },
    ],
    removes: ['gp-old', 'gp-older'],
  })
  assert.match(foreignIn(plan, new Set()) ?? '', /gp-server 1\.0 would become 1:1\.1-2\+b1, and Guise did not/)
  assert.match(foreignIn(plan, new Set(['gp-server', 'gp-old'])) ?? '', /gp-older would be removed/)
  assert.equal(foreignIn(plan, new Set(['gp-server', 'gp-old', 'gp-older'])), null)
})

test('a line of a plan that cannot be read ends it', () => {
  for (const line of ['Inst -o=x (1 d [all])', 'Remv ../../x [1]', 'Inst a', 'Purg'])
    assert.throws(() => parsePlan(`${SIMULATED}${line}\n`), /cannot be read/)
})

test('of any text, only names and versions of their form come out', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'Package: a',
      'Package: gp-a',
      'Status: install ok installed',
      'Version: 1:2',
      '',
      'gp-a:',
      '  Candidate: 1.0',
    ),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
      const text = lines.join('\n')
      for (const [name, { version }] of parseInstalled(text).packages) {
        assert.match(name, /^[a-z0-9][a-z0-9.+-]*$/)
        assert.match(version, /^[A-Za-z0-9][A-Za-z0-9.+:~-]*$/)
      }
      for (const name of parseCandidates(text).keys()) assert.match(name, /^[a-z0-9][a-z0-9.+-]*$/)
    }),
  )
})

test('half-installed packages are seen, and none counts as installed', () => {
  const status = (name: string, words: string) => `Package: ${name}\nStatus: ${words}\nVersion: 1\n`
  const text = [
    status('gp-a', 'install ok unpacked'),
    status('gp-b', 'hold ok installed'),
    status('gp-c', 'deinstall ok config-files'),
  ].join('\n')
  const { packages, isTorn } = parseInstalled(text)
  assert.equal(isTorn, true)
  assert.deepEqual([...packages], [['gp-b', { version: '1', isHeld: true }]])
})
