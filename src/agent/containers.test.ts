/** What needs no container. With some: `containers.kernel.test.ts`. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { foundContainers } from './containers.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-containers-'))
after(() => rmSync(home, { recursive: true }))

test('on a full disk containers are found all the same', () => {
  const rest = { name: 'a', kind: 'container', driver: 'container', interface: 'veth0', addresses: [], labels: {} }
  writeFileSync(join(home, 'containers.json'), JSON.stringify({ a: { where: 'gone', report: { key: 'a', ...rest } } }))
  mkdirSync(join(home, 'containers.json.new'))
  assert.deepEqual(foundContainers(home, [], []), [])
})
