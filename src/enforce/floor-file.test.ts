import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { needRoot } from '../../test/need.ts'
import { DEFAULT_FLOOR } from './floor.ts'
import { FLOOR_TEMPLATE, findFloor, parseFloor } from './floor-file.ts'

const KEY = `ed25519:${'A'.repeat(43)}`

test('what init writes is the defaults', () => {
  assert.deepEqual(parseFloor(FLOOR_TEMPLATE, 'floor.yaml'), DEFAULT_FLOOR)
})

test('what is left out stands at its default, what is written counts', () => {
  const text = `
version: 1
facets: []
protected: [{name: lan, cidr: 10.0.0.0/8, protocol: tcp, port: 22}]
limits: {containedFor: 4h, rules: 10}
approvals: {keys: {kim: "${KEY}"}}
`
  const floor = parseFloor(text, 'floor.yaml')
  assert.deepEqual(floor.facets, [])
  assert.deepEqual(floor.protected[0], {
    name: 'lan',
    cidr: '10.0.0.0/8',
    reach: 'both',
    of: 'host',
    service: { protocol: 'tcp', from: 22, to: 22 },
  })
  assert.equal(floor.limits.containedForMs, 4 * 3_600_000)
  assert.equal(floor.limits.rules, 10)
  assert.equal(floor.limits.sets, DEFAULT_FLOOR.limits.sets)
  assert.equal(floor.approvals?.needed, 1, 'no more people than there are keys')
})

test('a floor that cannot be meant is refused with its place and a cure', () => {
  for (const [text, said] of [
    ['version: 1\nfacet: []', /facet/],
    ['version: 2', /version/],
    ['version: 1\nfacets: [everything]', /\/facets\/0/],
    ['version: 1\nversion: 1', /no YAML/],
    ['version: 1\nlimits: &a {rules: 1}\napprovals: *a', /alias/],
    ['version: 1\nprotected: [{name: x, cidr: 10.0.0.1/8}]', /no network. Write it as/],
    ['version: 1\napprovals: {keys: {kim: "ed25519:short"}}', /guise approver keygen/],
    [`version: 1\napprovals: {needed: 2, keys: {kim: "${KEY}", lee: "${KEY}"}}`, /2 signatures are needed/],
    ['[]', /the file/],
    ['', /the file/],
  ] as const)
    assert.throws(() => parseFloor(text, 'floor.yaml'), said, text)
})

test('only root may have written it', { skip: needRoot() }, (t) => {
  const home = mkdtempSync(join(tmpdir(), 'guise-floor-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const path = join(home, 'floor.yaml')
  assert.notEqual(findFloor(home).path, path)
  writeFileSync(path, 'version: 1\nfacets: [policies]\n', { mode: 0o600 })
  assert.deepEqual(findFloor(home).floor.facets, ['policies'])
  chmodSync(path, 0o664)
  assert.throws(() => findFloor(home), /mode 664\). Run: chmod go-w/)
  chmodSync(path, 0o644)
  chownSync(path, 65_534, 0)
  assert.throws(() => findFloor(home), /belongs to user 65534.*Run: chown root:root/)
  chownSync(path, 0, 0)
  chmodSync(home, 0o777)
  assert.throws(() => findFloor(home), /mode 777/)
  chmodSync(home, 0o700)
  assert.deepEqual(findFloor(home).floor.facets, ['policies'])
  rmSync(path)
  symlinkSync('/etc/passwd', path)
  assert.throws(() => findFloor(home), /symbolic link/)
})
