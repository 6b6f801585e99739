import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TenantId } from '../model/ids.ts'
import { createLedgerCheck, type LedgerVerdict } from './ledger-check.ts'

const [A, B] = ['a' as TenantId, 'b' as TenantId]

test('askers share one run of their tenant, and its answer for some seconds; one that failed is not kept', async () => {
  let now = 0
  const runs: { tenant: TenantId; end: PromiseWithResolvers<LedgerVerdict> }[] = []
  const check = createLedgerCheck(
    (tenant) => {
      const end = Promise.withResolvers<LedgerVerdict>()
      runs.push({ tenant, end })
      return end.promise
    },
    () => now,
  )
  const first = check(A)
  // However long it takes.
  now += 60_000
  const second = check(A)
  const other = check(B)
  assert.deepEqual(
    runs.map(({ tenant }) => tenant),
    [A, B],
  )
  runs[0]!.end.resolve({ ok: true, rows: 1, head: 'h' })
  runs[1]!.end.resolve({ ok: false, at: 1, why: 'broken' })
  assert.equal(await first, await second)
  assert.equal((await other).ok, false)
  now += 4_999
  assert.equal(await check(A), await first)
  assert.equal(runs.length, 2)
  now += 1
  const failing = check(A)
  runs[2]!.end.reject(new Error('the database went away'))
  await assert.rejects(failing, /went away/)
  const after = check(A)
  assert.equal(runs.length, 4)
  runs[3]!.end.resolve({ ok: true, rows: 2, head: 'i' })
  assert.deepEqual(await after, { ok: true, rows: 2, head: 'i' })
})
