/** What a boot at a wrong time restores. What needs a kernel is `restore-base.kernel.test.ts`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fakeNft } from '../../test/fake-nft.ts'
import { HOST, hostState } from '../../test/host-state.ts'
import { CONTAIN } from '../compile/base.ts'
import { bindingsOfReport } from '../compile/bind.ts'
import { compileAgent } from '../compile/nft.ts'
import { readBack } from '../compile/parse.ts'
import { monotonicMs, openJournal } from './journal.ts'
import { tableDrift } from './nft.ts'
import { restoreBase } from './restore-base.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-restore-base-'))
after(() => rmSync(home, { recursive: true }))
const nft = fakeNft(home)
const AT = Date.UTC(2026, 10, 22)
const DAY_MS = 86_400_000
const bindings = bindingsOfReport(HOST)
const containing = (until: number) => hostState(1, until, 'both')

test('before anybody knows what time it is, a containment is restored for what it lasts at most', async () => {
  const snapshot = { state: containing(AT + monotonicMs() + 900_000), bindings, facets: {} }
  const { generation } = snapshot.state
  openJournal(home).commit({ generation, boot: 'another', since: { at: AT, ranMs: 5 }, snapshot })
  assert.equal((await restoreBase(home, AT - 689 * DAY_MS)).restored, 1)
  const times = [...nft.loaded.matchAll(/host_(?:eg|in)_contain \{ .* timeout (\d+)ms/g)].map(([, ms]) => Number(ms))
  assert.ok(times.length >= 2)
  for (const ms of times) assert.ok(ms > 800_000 && ms <= 900_000, `${ms} ms`)
})

test('a kernel that cannot be asked at first is asked again; one that never answers is told of', async () => {
  const snapshot = { state: containing(AT + 900_000), bindings, facets: {} }
  const { generation } = snapshot.state
  openJournal(home).commit({ generation, boot: 'another', snapshot })
  nft.forget()
  nft.fail(true)
  const mended = setTimeout(() => nft.fail(false), 500)
  assert.equal((await restoreBase(home, AT)).restored, 1)
  assert.match(nft.loaded, /chain /)
  clearTimeout(mended)
  nft.fail(true)
  await assert.rejects(restoreBase(home, AT), /Cannot allocate memory/)
  nft.fail(false)
})

test('an entry that holds somebody for days who is contained for minutes is drift; a clock put right by minutes makes none', () => {
  const compiled = compileAgent(containing(AT + 900_000), bindings)
  const said = (remainingMs: number | null) => {
    const maps = Object.fromEntries(Object.keys(CONTAIN).map((map) => [map, new Map()]))
    for (const { map, element, chain } of compiled.contained) maps[map]?.set(element, { element, chain, remainingMs })
    const table = readBack({ nftables: [{ table: { family: 'inet', name: 'guise' } }] })
    assert.ok(table !== null)
    const found = { ...table, contained: maps as unknown as typeof table.contained }
    return tableDrift(compiled, found, AT).filter((line) => line.includes('containment'))
  }
  assert.deepEqual(said(900_000), [])
  assert.deepEqual(said(1_500_000), [])
  assert.match(said(689 * DAY_MS)[0] ?? '', /for longer than it lasts/)
  assert.equal(said(null).length, compiled.contained.length)
})
