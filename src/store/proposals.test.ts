import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { auditBy, MAIN, OTHER } from '../../test/records.ts'
import type { WorkloadId } from '../model/ids.ts'
import type { Lesson, ProposalRecord } from '../model/proposal.ts'
import { openStore } from './database.ts'

const proposal = (id: string, more: Partial<ProposalRecord> = {}): ProposalRecord => ({
  id,
  state: 'open',
  name: 'Port 25 Client',
  description: '',
  because: [],
  workloads: [],
  nearest: [],
  rules: [],
  leftOut: [],
  clusters: [],
  isHeld: false,
  became: null,
  createdAt: 1,
  updatedAt: 1,
  version: 0,
  ...more,
})
const lesson = (persona: string, at: number): Lesson => ({
  workload: 'w_1' as WorkloadId,
  persona,
  vectors: [[1, null]],
  at,
  by: 'ann',
})

test('a proposal is written against its version, whole sets or nothing, in its tenant', async () => {
  await using database = await testDatabase()
  await using store = await openStore(database)
  const made = await store.proposals.change(MAIN, [proposal('pr_1'), proposal('pr_2')], [], auditBy('ann'))
  assert.ok(made.ok && made.value.every(({ version }) => version === 1))
  assert.deepEqual(await store.proposals.all(OTHER), [])
  const again = await store.proposals.change(
    MAIN,
    [proposal('pr_1', { version: 1, state: 'rejected' }), proposal('pr_2', { version: 7 })],
    [],
    auditBy('ann'),
  )
  assert.deepEqual(again, { ok: false, code: 'conflict' })
  assert.deepEqual(
    (await store.proposals.all(MAIN)).map(({ state, version }) => [state, version]),
    [
      ['open', 1],
      ['open', 1],
    ],
  )
  assert.equal((await store.proposals.refresh(MAIN, proposal('pr_1', { version: 1 })))?.version, 2)
  assert.equal(await store.proposals.refresh(MAIN, proposal('pr_1', { version: 1 })), null)
  assert.equal((await store.ledger.audits(MAIN, { limit: 10, cursor: null })).items.length, 1)
})

test('of two words on a workload the last is kept, and the person can be forgotten', async () => {
  await using database = await testDatabase()
  await using store = await openStore(database)
  for (const one of [lesson('Scanner', 1), lesson('Database', 2)])
    await store.proposals.change(MAIN, [], [one], auditBy('ann'))
  assert.deepEqual(await store.proposals.lessons(MAIN), [lesson('Database', 2)])
  await store.ledger.forget(MAIN, 'ann', auditBy('admin'))
  assert.notEqual((await store.proposals.lessons(MAIN))[0]!.by, 'ann')
})
