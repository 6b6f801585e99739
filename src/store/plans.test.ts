import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { auditBy, decisionRecord, MAIN, OTHER, planMaker, shiftRecord } from '../../test/records.ts'
import type { DecisionId, PlanId, ShiftId, WorkloadId } from '../model/ids.ts'
import type { PlanStep, ShiftState } from '../model/plan.ts'
import { type PlanRow, planRow } from '../model/plan-summary.ts'
import type { Page, PlanRecord } from '../model/records.ts'
import { openStore } from './database.ts'

const database = await testDatabase()
const store = await openStore({ ...database, clock: () => 5_000 })
after(async () => {
  await store.close()
  await database[Symbol.asyncDispose]()
})
const alice = auditBy('alice', 'plan.propose')
let made = 0

async function propose(parent?: PlanId | null) {
  const id = `d_${++made}` as DecisionId
  const shift = shiftRecord(`s_${made}`, 9_000)
  const result = await store.plans.propose(MAIN, planMaker(id, parent), decisionRecord(id), [shift], alice)
  return { result, decision: id, shift: shift.id }
}

async function proposed() {
  const { result, ...rest } = await propose()
  assert.ok(result.ok)
  return { ...rest, id: result.value.plan.id, record: result.value }
}

async function walk(id: PlanId, ...states: ShiftState[]) {
  for (const state of states) {
    const result = await store.plans.move(MAIN, id, state, auditBy('guise', `plan.${state}`))
    assert.ok(result.ok, `${id} to ${state}: ${result.ok || result.code}`)
    assert.equal(result.value.state, state)
  }
}
const confirm = (id: PlanId) => walk(id, 'approved', 'applying', 'confirming', 'confirmed')

test('a plan is stored with its decision, its shifts and an audit line, and with the next generation', async () => {
  const { id, record, decision, shift } = await proposed()
  assert.deepEqual([record.state, record.plan.parent, record.plan.generation.n], ['proposed', null, 1])
  assert.match(record.plan.generation.system, /^\d{10,20}$/)
  assert.equal(record.plan.generation.timeline, 1)
  assert.deepEqual(await store.plans.get(MAIN, id), record)
  const kept = await store.ledger.decision(MAIN, decision)
  assert.deepEqual({ ...kept, features: null }, { ...decisionRecord(decision), features: null })
  assert.deepEqual(kept!.features, [0.1, 1e21, 0, 3])
  assert.equal((await store.shifts.get(MAIN, shift))!.plan, id)
  const next = await proposed()
  assert.equal(next.record.plan.generation.n, 2)
})

test('a wish that waits is withdrawn with every plan that carries it; what else these carry is wished for still', async () => {
  const wish = await proposed()
  const step = (shift: ShiftId) => ({ workload: `w_${shift}` as WorkloadId, shift }) as PlanStep
  const other = shiftRecord('s_other', 9_000)
  const decision = `d_${++made}` as DecisionId
  const both = await store.plans.propose(
    MAIN,
    (...given) => ({ ...planMaker(decision)(...given), steps: [step(wish.shift), step(other.id)] }),
    decisionRecord(decision),
    [other],
    alice,
  )
  assert.ok(both.ok)
  const bystander = await proposed()
  const withdrawn = await store.plans.withdraw(MAIN, wish.shift, auditBy('mira', 'shift.withdraw'))
  assert.ok(withdrawn.ok)
  const { id } = both.value.plan
  assert.deepEqual(
    withdrawn.value.map(({ plan, state }) => [plan.id, state]),
    [[id, 'refused']],
  )
  assert.equal((await store.plans.get(MAIN, bystander.id))?.state, 'proposed')
  assert.equal((await store.shifts.get(MAIN, wish.shift))?.state, 'refused')
  assert.equal((await store.shifts.get(MAIN, other.id))?.state, 'proposed')
  const { items } = await store.ledger.audits(MAIN, { limit: 2, cursor: null })
  assert.deepEqual(
    items.map(({ actor, action, object }) => [actor, action, object]),
    [
      ['mira', 'shift.withdraw', 'thing/1'],
      ['guise', 'plan.refused', id],
    ],
  )
  for (const [shift, code] of [
    [wish.shift, 'conflict'],
    ['s_none' as ShiftId, 'missing'],
  ] as const)
    assert.deepEqual(await store.plans.withdraw(MAIN, shift, alice), { ok: false, code })
  await walk(bystander.id, 'approved', 'applying')
  const sent = await store.plans.withdraw(MAIN, bystander.shift, alice)
  assert.deepEqual(sent, { ok: false, code: 'conflict' }, 'what is sent is undone, not withdrawn')
  await walk(bystander.id, 'rolled-back')
})

test('a plan moves along the table only, its shifts with it', async () => {
  const { id, shift } = await proposed()
  assert.deepEqual(await store.plans.move(MAIN, id, 'confirmed', alice), { ok: false, code: 'conflict' })
  await walk(id, 'approved', 'applying')
  assert.equal((await store.shifts.get(MAIN, shift))!.state, 'applying')
  await walk(id, 'rolled-back')
  assert.equal((await store.shifts.get(MAIN, shift))!.state, 'rolled-back')
  assert.deepEqual(await store.plans.move(MAIN, id, 'applying', alice), { ok: false, code: 'conflict' })
  assert.deepEqual(await store.plans.move(MAIN, 'p_none' as PlanId, 'approved', alice), { ok: false, code: 'missing' })
})

test('the confirmed plan is the target; what else was under way expires with its shifts; a stale parent is refused', async () => {
  const older = await proposed()
  const winner = await proposed()
  const newer = await proposed()
  await confirm(winner.id)
  const { confirmed, pending } = await store.plans.target(MAIN)
  assert.equal(confirmed!.plan.id, winner.id)
  assert.equal(pending, null)
  for (const loser of [older, newer]) {
    assert.equal((await store.plans.get(MAIN, loser.id))!.state, 'expired')
    assert.equal((await store.shifts.get(MAIN, loser.shift))!.state, 'expired')
  }
  assert.equal((await store.shifts.get(MAIN, winner.shift))!.state, 'confirmed')
  assert.deepEqual((await propose(null)).result, { ok: false, code: 'conflict' })
  const child = await proposed()
  assert.equal(child.record.plan.parent, winner.id)
  assert.equal((await store.plans.target(MAIN)).pending!.plan.id, child.id)
  await confirm(child.id)
  assert.equal((await store.plans.target(MAIN)).confirmed!.plan.id, child.id)
  for (const to of ['rolled-back', 'expired'] as const)
    assert.deepEqual(await store.plans.move(MAIN, child.id, to, alice), { ok: false, code: 'conflict' }, to)
  assert.equal((await store.plans.target(MAIN)).confirmed!.plan.id, child.id, 'agents follow nothing older')
  assert.equal((await store.shifts.get(MAIN, child.shift))!.state, 'confirmed')
})

test('a refused proposal leaves no decision, shift or audit line', async () => {
  const rows = async () => {
    const verdict = await store.ledger.verify(MAIN)
    assert.ok(verdict.ok)
    return verdict.rows
  }
  const before = await rows()
  const { decision, shift } = await propose('p_other' as PlanId)
  assert.equal(await store.ledger.decision(MAIN, decision), null)
  assert.equal(await store.shifts.get(MAIN, shift), null)
  assert.equal(await rows(), before)
})

test('twenty proposals at once get twenty generations', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => proposed()))
  const generations = all.map(({ record }) => record.plan.generation.n).sort((a, b) => a - b)
  assert.equal(new Set(generations).size, 20)
  assert.equal(generations[19]! - generations[0]!, 19)
})

test('of two confirmations on one target only one holds', async () => {
  const [a, b] = [await proposed(), await proposed()]
  await walk(a.id, 'approved', 'applying', 'confirming')
  await walk(b.id, 'approved', 'applying', 'confirming')
  const results = await Promise.all([a, b].map(({ id }) => store.plans.move(MAIN, id, 'confirmed', alice)))
  assert.equal(results.filter((result) => result.ok).length, 1)
  const states = await Promise.all([a, b].map(async ({ id }) => (await store.plans.get(MAIN, id))!.state))
  assert.deepEqual(states.sort(), ['confirmed', 'expired'])
})

test('a shift decided again with a newer plan is confirmed with it, not expired with the older', async () => {
  const older = await proposed()
  const decision = `d_${++made}` as DecisionId
  const newer = await store.plans.propose(
    MAIN,
    (generation, id, parent) => {
      const plan = planMaker(decision)(generation, id, parent)
      const desired = { ...older.record.plan.steps[0] } as PlanStep
      return { ...plan, steps: [{ ...desired, shift: older.shift }] }
    },
    decisionRecord(decision),
    [shiftRecord(`s_${made}`, 9_000)],
    alice,
  )
  assert.ok(newer.ok)
  await confirm(newer.value.plan.id)
  assert.equal((await store.plans.get(MAIN, older.id))!.state, 'expired')
  const shift = (await store.shifts.get(MAIN, older.shift))!
  assert.deepEqual([shift.state, shift.plan], ['confirmed', newer.value.plan.id])
})

test('approvals count once per person, and only while they are awaited', async () => {
  const { id } = await proposed()
  const approve = (by: string) => store.plans.approve(MAIN, id, by, 'looks right', auditBy(by, 'plan.approve'))
  const first = await approve('bob')
  assert.deepEqual(first.ok && first.value.approvedBy, ['bob'])
  assert.deepEqual(await approve('bob'), { ok: false, code: 'exists' })
  assert.deepEqual(await approve('session:bob'), { ok: false, code: 'exists' }, 'in the console he is the same')
  const second = await approve('carol')
  assert.deepEqual(second.ok && second.value.approvedBy, ['bob', 'carol'])
  await walk(id, 'approved', 'applying')
  assert.deepEqual(await approve('dave'), { ok: false, code: 'conflict' })
})

test('what a newer plan has overtaken is not approved: its agents would apply it for nobody', async () => {
  const older = await proposed()
  const newer = await proposed()
  const approve = (id: PlanId) => store.plans.approve(MAIN, id, 'bob', '', auditBy('bob', 'plan.approve'))
  assert.deepEqual(await approve(older.id), { ok: false, code: 'conflict' })
  assert.deepEqual(await store.plans.approvals(MAIN, older.id), [])
  await walk(newer.id, 'expired')
  assert.ok((await approve(older.id)).ok, 'nothing is in its way any more')
})

test('confirmed shifts whose time has passed are due', async () => {
  const { id, shift } = await proposed()
  await confirm(id)
  assert.ok(!(await store.shifts.due(MAIN, 8_999)).some((row) => row.id === shift))
  assert.ok((await store.shifts.due(MAIN, 9_000)).some((row) => row.id === shift))
  const moved = await store.shifts.move(MAIN, shift, 'expired', alice)
  assert.equal(moved.ok && moved.value.version, 6)
  assert.deepEqual(await store.shifts.move(MAIN, shift, 'confirmed', alice), { ok: false, code: 'conflict' })
  assert.ok(!(await store.shifts.due(MAIN, 9_000)).some((row) => row.id === shift))
})

test('lists page newest first without a gap or a repeat', async () => {
  const plans: number[] = []
  const shifts: string[] = []
  for (let cursor: string | null = null, more = true; more; ) {
    const page: Awaited<ReturnType<typeof store.plans.list>> = await store.plans.list(MAIN, { limit: 7, cursor })
    plans.push(...page.items.map((record) => record.plan.generation.n))
    cursor = page.next
    more = cursor !== null
  }
  for (let cursor: string | null = null, more = true; more; ) {
    const page: Awaited<ReturnType<typeof store.shifts.list>> = await store.shifts.list(MAIN, { limit: 7, cursor })
    shifts.push(...page.items.map((record) => record.id))
    cursor = page.next
    more = cursor !== null
  }
  assert.deepEqual(
    plans,
    [...plans].sort((a, b) => b - a),
  )
  assert.equal(new Set(plans).size, plans.length)
  assert.equal(new Set(shifts).size, shifts.length)
  assert.equal(shifts.length, plans.length)
  assert.equal((await store.shifts.of(MAIN, 'w_1' as WorkloadId)).length, shifts.length)
})

/** As PostgreSQL can look into it. */
const readable = (record: PlanRecord) =>
  planRow(JSON.parse(JSON.stringify(record).replaceAll('\\u0000', '\\ufffd')) as PlanRecord)

test('rows are the records without what is heavy, of the states asked for', async () => {
  const { id } = await proposed()
  const note = 'looked at it'
  assert.ok((await store.plans.approve(MAIN, id, 'bob', note, alice)).ok)
  assert.deepEqual(await store.plans.approvals(MAIN, id), [{ by: 'bob', note, at: 5_000, signed: [] }])
  const all: PlanRow[] = []
  for (let cursor: string | null = null, more = true; more; ) {
    const page: Page<PlanRow> = await store.plans.rows(MAIN, { limit: 7, cursor, states: [] })
    all.push(...page.items)
    cursor = page.next
    more = cursor !== null
  }
  const whole = (await store.plans.list(MAIN, { limit: 1_000, cursor: null })).items
  // Other tests make steps of which only the shift matters; the next test has whole ones.
  const bare = (record: PlanRow | PlanRecord) => record.plan.steps.length === 0
  assert.deepEqual(all.filter(bare), whole.filter(bare).map(readable))
  assert.equal(all.length, whole.length)
  const open = await store.plans.rows(MAIN, { limit: 100, cursor: null, states: ['proposed'] })
  assert.ok(open.items.some((row) => row.plan.id === id))
  assert.deepEqual([...new Set(open.items.map((row) => row.state))], ['proposed'])
  assert.deepEqual((await store.plans.rows(OTHER, { limit: 10, cursor: null, states: [] })).items, [])
})

test('a row keeps the first steps of many, without their rules, and the ids of its agents', async () => {
  const decision = `d_${++made}` as DecisionId
  const rules = { rules: [], otherwise: 'deny' as const, why: { rule: 'default-deny', text: 'hostile \0 text' } }
  const step = (n: number): PlanStep => ({
    workload: `w_${n}` as WorkloadId,
    shift: null,
    from: null,
    to: { persona: 'database' as never, name: 'Database' },
    why: [{ rule: 'persona.declared', text: 'hostile \0 label' }],
    before: null,
    after: {
      workload: `w_${n}`,
      key: `netns:${n}`,
      persona: { id: 'database', name: 'Database', version: 1 },
      egress: rules,
      ingress: rules,
      containment: null,
    },
  })
  const steps = Array.from({ length: 250 }, (_, n) => step(n))
  const agents = { 'host-a': { failSafe: [] } } as never
  const result = await store.plans.propose(
    MAIN,
    (...given) => ({ ...planMaker(decision)(...given), steps, agents }),
    decisionRecord(decision),
    [],
    alice,
  )
  assert.ok(result.ok)
  const [row] = (await store.plans.rows(MAIN, { limit: 1, cursor: null, states: [] })).items
  assert.deepEqual(row, readable(result.value))
  assert.equal(row!.plan.steps[0]!.why[0].text, 'hostile \uFFFD label')
  assert.deepEqual([row!.plan.steps.length, row!.agents], [200, ['host-a']])
  assert.deepEqual(Object.keys(row!.plan.steps[0]!.after), ['key', 'containment'])
})

test('another tenant sees nothing and moves nothing', async () => {
  const { id, shift, decision } = await proposed()
  assert.equal(await store.plans.get(OTHER, id), null)
  assert.deepEqual(await store.plans.move(OTHER, id, 'approved', alice), { ok: false, code: 'missing' })
  assert.deepEqual(await store.plans.approve(OTHER, id, 'eve', '', alice), { ok: false, code: 'missing' })
  assert.equal(await store.shifts.get(OTHER, shift), null)
  assert.deepEqual(await store.shifts.move(OTHER, shift as ShiftId, 'approved', alice), { ok: false, code: 'missing' })
  assert.deepEqual(await store.shifts.of(OTHER, 'w_1' as WorkloadId), [])
  assert.deepEqual(await store.shifts.due(OTHER, 1e15), [])
  assert.equal(await store.ledger.decision(OTHER, decision), null)
  assert.deepEqual(await store.plans.target(OTHER), { confirmed: null, pending: null })
  assert.deepEqual((await store.plans.list(OTHER, { limit: 10, cursor: null })).items, [])
})

test('a long history is not walked to find what is under way and what is in force', async () => {
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    await client.query(`
      insert into plans (tenant, id, parent, system, timeline, n, state, plan, approved_by, updated_at, version)
      select tenant, 'p_old' || i, parent, system, timeline, 1000000 + i, 'expired', plan, approved_by, updated_at, version
      from (select * from plans limit 1) one, generate_series(1, 5000) i`)
    await client.query(`
      insert into shifts (tenant, id, workload, wanted, state, requested_by, why, created_at, updated_at, version)
      select tenant, 's_old' || i, workload, wanted, 'expired', requested_by, why, created_at + i, updated_at, version
      from (select * from shifts limit 1) one, generate_series(1, 5000) i`)
    await client.query('analyze plans, shifts')
    const used = async () =>
      (
        await client.query(
          `select indexrelname from pg_stat_user_indexes
           where indexrelname in ('plans_under_way', 'shifts_current') and idx_scan > 0 order by indexrelname`,
        )
      ).rows.map((row) => row.indexrelname)
    // What was used is told by and by, not at once.
    let found: string[] = []
    for (let i = 0; i < 300 && found.length < 2; i++) {
      await store.plans.target(MAIN)
      await store.shifts.current(MAIN)
      await new Promise((resolve) => setTimeout(resolve, 20))
      found = await used()
    }
    assert.deepEqual(found, ['plans_under_way', 'shifts_current'])
  } finally {
    await client.end()
  }
})
