import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { auditBy, decisionRecord, MAIN, OTHER, planMaker, shiftRecord } from '../../test/records.ts'
import type { DecisionId, TenantId, WorkloadId } from '../model/ids.ts'
import { canonicalJson } from './chain.ts'
import { openStore } from './database.ts'
import { loadKeyFiles } from './key-files.ts'

const database = await testDatabase()
const store = await openStore({ ...database, clock: () => 5_000 })
const raw = new pg.Client(database.url)
await raw.connect()
after(async () => {
  await raw.end()
  await store.close()
  await database[Symbol.asyncDispose]()
})
const { ledger } = store

/** A tenant of its own with `rows` audit lines and as many decisions. */
async function chainOf(name: string, rows: number): Promise<TenantId> {
  const tenant = name as TenantId
  for (let i = 0; i < rows; i++) await ledger.decide(decisionRecord(`d_${i}`, tenant), auditBy('alice', `step ${i}`))
  return tenant
}

test('decisions and audit lines are one chain, read newest first', async () => {
  const tenant = await chainOf('reads', 3)
  assert.partialDeepStrictEqual(await ledger.verify(tenant), { ok: true, rows: 6 })
  const { items, next } = await ledger.audits(tenant, { limit: 2, cursor: null })
  assert.deepEqual(
    items.map((row) => [row.n, row.actor, row.action, row.at]),
    [
      [6, 'alice', 'step 2', 5_000],
      [4, 'alice', 'step 1', 5_000],
    ],
  )
  assert.match(items[0]!.hash, /^[0-9a-f]{64}$/)
  assert.equal((await ledger.audits(tenant, { limit: 2, cursor: next })).items[0]!.n, 2)
  const all = await ledger.decisions(tenant, { limit: 10, cursor: null, workload: 'w_1' as WorkloadId })
  assert.deepEqual(
    all.items.map((row) => row.id),
    ['d_2', 'd_1', 'd_0'],
  )
  assert.deepEqual(all.items[0]!.detail, decisionRecord('d_2').detail)
  assert.deepEqual(
    (await ledger.decisions(tenant, { limit: 10, cursor: null, workload: 'w_9' as WorkloadId })).items,
    [],
  )
})

test('audit lines are found by who, what, on what, when and words; each page looks at a bounded number', async () => {
  const tenant = 'filters' as TenantId
  let now = 1_000
  const timed = await openStore({ ...database, clock: () => now })
  for (let i = 0; i < 30; i++) {
    now = 1_000 + i * 100
    await timed.ledger.audit(tenant, {
      actor: i % 3 === 0 ? 'session:kim' : 'guise',
      action: i % 2 === 0 ? 'plan.approve' : 'persona.write',
      object: `p_${i % 5}`,
      summary: `did number ${i} well`,
    })
  }
  await timed.close()
  const ask = async (filter: object, limit = 100) =>
    (await ledger.audits(tenant, { limit, cursor: null, ...filter })).items.map((row) => row.n - 1)
  assert.deepEqual(await ask({ actor: 'kim', action: 'plan' }), [24, 18, 12, 6, 0])
  assert.deepEqual(await ask({ action: 'plan.approve', object: 'p_0' }), [20, 10, 0])
  assert.deepEqual(await ask({ action: 'plan.app' }), [])
  assert.deepEqual(await ask({ text: 'NUMBER 17 well' }), [17])
  assert.deepEqual(await ask({ from: 3_500, to: 3_700 }), [27, 26, 25])
  const first = await ledger.audits(tenant, { limit: 2, cursor: null, actor: 'session:kim' })
  const second = await ledger.audits(tenant, { limit: 2, cursor: first.next, actor: 'session:kim' })
  assert.deepEqual(
    [...first.items, ...second.items].map((row) => row.n - 1),
    [27, 24, 21, 18],
  )
  assert.equal((await ledger.audits(tenant, { limit: 100, cursor: null, actor: 'kim' })).next, null)
  const [newest, before] = (await ledger.audits(tenant, { limit: 2, cursor: null })).items
  assert.equal(newest!.previous, before!.hash)
  const verified = await ledger.verify(tenant)
  assert.ok(verified.ok)
  assert.equal(verified.head, newest!.hash)
})

const FORGERIES: readonly { what: string; sql: string; at: number; why: RegExp }[] = [
  {
    what: 'a changed body',
    sql: `update ledger set body = replace(body, 'step 1', 'step 9') where tenant = $1`,
    at: 4,
    why: /row 4 was changed/,
  },
  {
    what: 'a changed time of a copy',
    sql: 'update ledger set at = 1 where tenant = $1 and n = 2',
    at: 2,
    why: /columns differ/,
  },
  {
    what: 'a changed workload of a copy',
    sql: `update ledger set workload = 'w_x' where tenant = $1 and n = 3`,
    at: 3,
    why: /columns differ/,
  },
  { what: 'a removed row', sql: 'delete from ledger where tenant = $1 and n = 5', at: 5, why: /row 5 is missing/ },
  { what: 'a cut tail', sql: 'delete from ledger where tenant = $1 and n > 4', at: 5, why: /head stands at row 6/ },
  {
    what: 'a head wound back',
    sql: `with cut as (delete from ledger where tenant = $1 and n > 4) update ledger_heads h set n = 4, hash = (select hash from ledger l where l.tenant = $1 and l.n = 4) where tenant = $1`,
    at: 4,
    why: /not signed/,
  },
  { what: 'a removed head', sql: 'delete from ledger_heads where tenant = $1', at: 6, why: /head is missing/ },
]
for (const [i, { what, sql, at, why }] of FORGERIES.entries()) {
  test(`verify finds ${what}`, async () => {
    const tenant = await chainOf(`forged-${i}`, 3)
    assert.equal((await raw.query(sql, [tenant])).rowCount! >= 1, true)
    const verdict = await ledger.verify(tenant)
    assert.ok(!verdict.ok)
    assert.equal(verdict.at, at)
    assert.match(verdict.why, why)
  })
}

test('a chain forged whole, hashes and all, still lacks the signature', async () => {
  const tenant = await chainOf('rehashed', 2)
  await raw.query(
    `do $$ declare r record; h bytea := decode(repeat('00', 32), 'hex'); begin
      update ledger set body = replace(body, 'step 0', 'step x') where tenant = 'rehashed';
      for r in select n, body from ledger where tenant = 'rehashed' order by n loop
        h := sha256(h || convert_to(r.body, 'UTF8'));
        update ledger set hash = h where tenant = 'rehashed' and n = r.n;
      end loop;
      update ledger_heads set hash = h where tenant = 'rehashed';
    end $$`,
  )
  const verdict = await ledger.verify(tenant)
  assert.ok(!verdict.ok)
  assert.match(verdict.why, /not signed by the key/)
})

test('forty writers at once make one chain without a fork', async () => {
  const tenant = 'crowd' as TenantId
  await Promise.all(
    Array.from({ length: 40 }, (_, i) => ledger.audit(tenant, auditBy(i % 2 === 0 ? 'guise' : `person${i}`))),
  )
  assert.partialDeepStrictEqual(await ledger.verify(tenant), { ok: true, rows: 40 })
})

test('forget: the person is gone from every row, the others stay, the chain verifies', async () => {
  const said = {
    actor: 'session:Mallory Q.',
    action: 'plan.propose',
    object: 'token/Mallory Q.',
    summary: 'MALLORY Q. did it',
  }
  const id = 'd_personal' as DecisionId
  await ledger.audit(MAIN, auditBy('bob', 'before'))
  const proposed = await store.plans.propose(
    MAIN,
    (generation, plan, parent) => ({ ...planMaker(id)(generation, plan, parent), proposedBy: 'Mallory Q.' }),
    { ...decisionRecord(id), detail: { requestedBy: 'Mallory Q.' }, summary: 'for Mallory Q.' },
    [{ ...shiftRecord('s_personal'), requestedBy: 'Mallory Q.' }],
    said,
  )
  assert.ok(proposed.ok)
  await store.plans.approve(MAIN, proposed.value.plan.id, 'Mallory Q.', '', said)
  await store.settings.put(MAIN, await store.settings.get(MAIN), said)
  const stored = async () => {
    const tables = ['ledger', 'plans', 'shifts', 'plan_approvals', 'subject_keys', 'manifests', 'tokens']
    let text = ''
    for (const table of tables)
      text += JSON.stringify((await raw.query(`select * from ${table} where tenant = 'main'`)).rows)
    return text
  }
  const sealedFrom = (await raw.query(`select string_agg(body, '') as text from ledger where tenant = 'main'`)).rows[0]
  assert.doesNotMatch(sealedFrom.text, /Mallory/i, 'the ledger never holds the name in the clear')
  assert.equal((await ledger.decision(MAIN, id))!.summary, 'for Mallory Q.')
  const rows = await ledger.forget(MAIN, 'Mallory Q.', {
    ...auditBy('bob', 'privacy.forget'),
    object: 'subject/Mallory Q.',
  })
  assert.equal(rows, 4)
  assert.doesNotMatch(await stored(), /Mallory/i)
  assert.partialDeepStrictEqual(await ledger.verify(MAIN), { ok: true, rows: 6 })
  const { items } = await ledger.audits(MAIN, { limit: 10, cursor: null })
  assert.deepEqual(
    items.map((row) => row.actor),
    ['bob', '[forgotten]', '[forgotten]', '[forgotten]', 'bob'],
  )
  assert.deepEqual((await ledger.decision(MAIN, id))!.detail, '[forgotten]')
  assert.equal((await ledger.decision(MAIN, id))!.seed, 42, 'what is not personal stays, for replay')
  assert.equal((await store.plans.get(MAIN, proposed.value.plan.id))!.plan.skipped[0]!.why.text, 'hostile \0 name')
  assert.equal(await ledger.forget(MAIN, 'nobody known', auditBy('bob')), 0)
})

test('somebody who acts again after being forgotten starts with a new key', async () => {
  const tenant = 'again' as TenantId
  await ledger.audit(tenant, auditBy('dora', 'first'))
  await ledger.forget(tenant, 'dora', auditBy('dora', 'forget me'))
  await ledger.audit(tenant, auditBy('dora', 'second'))
  const { items } = await ledger.audits(tenant, { limit: 10, cursor: null })
  assert.deepEqual(
    items.map((row) => [row.actor, row.action]),
    [
      ['dora', 'second'],
      ['guise', 'forget me'],
      ['[forgotten]', 'first'],
    ],
  )
  assert.partialDeepStrictEqual(await ledger.verify(tenant), { ok: true, rows: 3 })
})

test('another tenant reads, verifies and forgets only its own', async () => {
  const tenant = await chainOf('mine', 1)
  assert.partialDeepStrictEqual(await ledger.verify(OTHER), { ok: true, rows: 0 })
  assert.deepEqual((await ledger.audits(OTHER, { limit: 10, cursor: null })).items, [])
  await ledger.forget(OTHER, 'alice', auditBy('eve'))
  assert.equal((await ledger.audits(tenant, { limit: 1, cursor: null })).items[0]!.actor, 'alice')
})

test('the keys are files of their own, made once, readable by us alone', () => {
  const folder = join(database.keysDir, 'again')
  const first = loadKeyFiles(folder)
  const second = loadKeyFiles(folder)
  assert.ok(second.verifies(Buffer.from('x'), first.sign(Buffer.from('x'))))
  assert.equal(first.pseudonym('main', 'a'), second.pseudonym('main', 'a'))
  assert.notEqual(first.pseudonym('main', 'a'), first.pseudonym('other', 'a'))
  for (const name of ['ledger-ed25519.pem', 'sealing.key'])
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
  assert.throws(() => second.unwrap(first.wrap(Buffer.alloc(32), 'here'), 'elsewhere'))
  chmodSync(join(folder, 'sealing.key'), 0o644)
  assert.throws(() => loadKeyFiles(folder), /can be read by others; run: chmod 600/)
  assert.match(readFileSync(join(folder, 'ledger-ed25519.pem'), 'utf8'), /^-----BEGIN PRIVATE KEY-----/)
})

test('canonical JSON: same text for the same value, whatever the order of its fields, and it parses back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const shuffled = (v: unknown): unknown =>
        Array.isArray(v)
          ? v.map(shuffled)
          : v !== null && typeof v === 'object'
            ? Object.fromEntries(
                Object.entries(v)
                  .reverse()
                  .map(([k, x]) => [k, shuffled(x)]),
              )
            : v
      const text = canonicalJson(value)
      assert.equal(canonicalJson(shuffled(value)), text)
      assert.equal(canonicalJson(JSON.parse(text)), text)
    }),
  )
})
