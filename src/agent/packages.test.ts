/** What cannot be made ready is told, and stands in nobody's way. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readReady, writeReady } from '../enforce/facets/packages/record.ts'
import type { AgentState } from '../model/desired.ts'
import { createPackageKeeper } from './packages.ts'

test('where not even the reason can be kept, the next state is tried all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-packages-'))
  try {
    // A home that is a file: like a full disk, it takes no record.
    const home = join(folder, 'home')
    writeFileSync(home, '')
    const said: string[] = []
    const keeper = createPackageKeeper({
      home,
      inventory: () => ({ workloads: [], namespaces: new Map(), places: new Map([['a', { root: folder }]]) }),
      allowed: () => [],
      say: (line) => void said.push(line),
    })
    const state = { workloads: [{ key: 'a', packages: ['hello'] }] } as unknown as AgentState
    for (let n = 1; n <= 2; n++) await keeper.bring(state, new AbortController().signal)
    assert.deepEqual(keeper.counters, { prepared: 0, abandoned: 0, failed: 2 })
    assert.match(said.join('\n'), /^packages of a could not be made ready: .+\npackages of a could/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what was made ready is gone with the wish for it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'guise-packages-'))
  try {
    for (const key of ['a', 'b']) writeReady(home, key, { wish: '[]', packs: [], failed: null })
    const keeper = createPackageKeeper({
      home,
      inventory: () => ({ workloads: [], namespaces: new Map() }),
      allowed: () => [],
      say: (line) => assert.fail(line),
    })
    const state = { workloads: [{ key: 'a', packages: [] }, { key: 'b' }] } as unknown as AgentState
    await keeper.bring(state, new AbortController().signal)
    assert.deepEqual([readReady(home, 'a') === null, readReady(home, 'b') === null], [false, true])
  } finally {
    rmSync(home, { recursive: true })
  }
})
