/** A panic on a host whose disk is full or broken. That everything goes in a kernel is `cli/panic.test.ts`. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fakeNft } from '../../test/fake-nft.ts'
import { openJournal } from './journal.ts'
import { panic } from './panic.ts'

const folder = mkdtempSync(join(tmpdir(), 'guise-panic-'))
after(() => rmSync(folder, { recursive: true }))
const nft = fakeNft(folder)

test('a home in which nothing can be written or read keeps no rule in the kernel', async () => {
  const home = join(folder, 'broken')
  // Whoever is root may write anywhere but over these.
  mkdirSync(join(home, 'panic'), { recursive: true })
  writeFileSync(join(home, 'journal'), '')
  nft.putTable()
  const { removed, unreachable } = await panic(home)
  assert.equal(nft.hasTable, false)
  assert.match(removed[0] ?? '', /^table inet guise/)
  assert.match(unreachable[0] ?? '', /^stop the agent, or it puts everything back: no panic marker: EISDIR/)
  assert.match(unreachable[1] ?? '', /^what workloads wear, which the journal keeps: /)
  assert.equal(unreachable.length, 2)
})

test('a journal in which that cannot be written down is told of, and the rules are gone', async () => {
  const home = join(folder, 'full')
  const journal = openJournal(home)
  const snapshot = { state: null, bindings: [], facets: {} }
  journal.commit({ generation: { system: 's', timeline: 1, n: 1 }, boot: 'another', snapshot })
  mkdirSync(join(home, 'journal', '.confirmed.tmp'))
  nft.putTable()
  const { unreachable } = await panic(home)
  assert.equal(nft.hasTable, false)
  assert.deepEqual(
    unreachable.map((line) => line.split(':')[0]),
    ['that it is off, in the journal'],
  )
})
