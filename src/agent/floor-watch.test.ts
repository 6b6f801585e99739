import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { needRoot } from '../../test/need.ts'
import { createFloorWatch } from './floor-watch.ts'

// Only root may write a floor.
test('what the file says holds at once; a file that went bad or away lifts nothing', { skip: needRoot() }, () => {
  const home = mkdtempSync(join(tmpdir(), 'guise-floor-watch-'))
  const path = join(home, 'floor.yaml')
  const said: string[] = []
  const watch = createFloorWatch(home, (line) => said.push(line))
  const packages = () => watch.found.floor.packages
  try {
    assert.deepEqual(packages(), [])
    writeFileSync(path, 'version: 1\npackages: [one]\n')
    assert.deepEqual(packages(), ['one'])
    writeFileSync(`${path}.new`, 'version: 1\npackages: [two]\n')
    renameSync(`${path}.new`, path)
    assert.deepEqual(packages(), ['two'])
    writeFileSync(path, 'version: 1\npackages: [thr')
    assert.deepEqual(packages(), ['two'])
    rmSync(path)
    assert.deepEqual([packages(), packages()], [['two'], ['two']])
    assert.match(
      said.join('\n'),
      /no floor file.*\n(the floor was read again.*\n){2}.*the floor before it stays\n.*is gone.*$/,
    )
  } finally {
    watch.close()
    rmSync(home, { recursive: true })
  }
})
