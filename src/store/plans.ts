/**
 * Plans: immutable once stored; only their state moves. The tenant's row is the lock and the counter: it is taken first,
 * so generations are given in order and the target changes under nobody's feet.
 */
import { randomBytes } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import { isSamePerson } from '../model/actor.ts'
import type { Generation } from '../model/desired.ts'
import type { AgentId, PlanId, ShiftId, TenantId } from '../model/ids.ts'
import { mayMove, type Plan, SHIFT_STATES, type ShiftState } from '../model/plan.ts'
import type { PlanRecord } from '../model/records.ts'
import type { Store, Write } from '../model/store.ts'
import { decodeCursor, pageSize, toPage } from './cursor.ts'
import { append } from './ledger-append.ts'
import { listRows } from './plan-rows.ts'
import { type Context, change, type Tx } from './record-context.ts'
import { insertShifts, moveShiftsOf } from './shifts.ts'
import type { Tables } from './tables.ts'

/** Under way: may still become the target. */
const PENDING = SHIFT_STATES.filter((state) => state !== 'confirmed' && mayMove(state, 'expired'))

export function plans(context: Context): Store['plans'] {
  const { db } = context
  const of = (tenant: TenantId) => db.selectFrom('plans').selectAll().where('tenant', '=', tenant)
  return {
    propose(tenant, make, decision, shifts, audit) {
      return change(context, tenant, audit, async (tx) => {
        const { target } = await lockTenant(tx, tenant)
        const generation = await nextGeneration(tx, tenant)
        const id = `p_${randomBytes(9).toString('base64url')}` as PlanId
        const plan = make(generation, id, target)
        if (plan.id !== id || plan.tenant !== tenant || plan.generation.n !== generation.n)
          throw new Error(`proposing plan ${id}: the plan made carries another id, tenant or generation`)
        if (plan.parent !== target) return { ok: false, code: 'conflict' }
        const row = await tx
          .insertInto('plans')
          .values({
            tenant,
            id,
            parent: plan.parent,
            ...generation,
            state: 'proposed',
            plan: JSON.stringify(plan),
            approved_by: '[]',
            updated_at: context.clock(),
            version: 1,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        await insertShifts(
          tx,
          tenant,
          shifts.map((shift) => ({ ...shift, plan: id })),
        )
        await append(context, tx, tenant, [
          { entry: 'decision', decision: { ...decision, id: plan.decision, tenant }, actor: audit.actor },
        ])
        return { ok: true, value: toRecord(row) }
      })
    },
    move: (tenant, id, to, audit) => change(context, tenant, audit, (tx) => move(context, tx, tenant, id, to)),
    approve(tenant, id, by, note, audit, signatures = []) {
      return change(context, tenant, audit, async (tx) => {
        await lockTenant(tx, tenant)
        const held = await lockPlan(tx, tenant, id)
        if (held === undefined) return { ok: false, code: 'missing' }
        if (!mayMove(held.state as ShiftState, 'approved')) return { ok: false, code: 'conflict' }
        if (await isOvertaken(tx, tenant, held.n)) return { ok: false, code: 'conflict' }
        if (held.approved_by.some((one) => isSamePerson(one, by))) return { ok: false, code: 'exists' }
        await tx
          .insertInto('plan_approvals')
          .values({
            tenant,
            plan: id,
            approver: by,
            note,
            at: context.clock(),
            signatures: signatures.length === 0 ? null : JSON.stringify(signatures),
          })
          .execute()
        return await update(context, tx, tenant, id, { approved_by: JSON.stringify([...held.approved_by, by]) })
      })
    },
    withdraw: (tenant, shift, audit) => change(context, tenant, audit, (tx) => withdraw(context, tx, tenant, shift)),
    async get(tenant, id) {
      const row = await of(tenant).where('id', '=', id).executeTakeFirst()
      return row === undefined ? null : toRecord(row)
    },
    async confirmedAt(tenant, generation) {
      const row = await of(tenant)
        .where('n', '=', generation)
        .where('state', '=', 'confirmed')
        .orderBy('timeline', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? null : toRecord(row)
    },
    async list(tenant, page) {
      const size = pageSize(page)
      let query = of(tenant)
        .orderBy('n', 'desc')
        .limit(size + 1)
      if (page.cursor !== null) query = query.where('n', '<', decodeCursor(page.cursor, [0])[0])
      return toPage(await query.execute(), size, (row) => [row.n], toRecord)
    },
    rows: (tenant, page) => listRows(context, tenant, page),
    async approvals(tenant, id) {
      const rows = await db
        .selectFrom('plan_approvals')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('plan', '=', id)
        .orderBy('at')
        .execute()
      return rows.map(({ approver, note, at, signatures }) => {
        const signed = [...new Set((signatures ?? []).map((one) => one.agent as AgentId))]
        return { by: approver, note, at, signed }
      })
    },
    async signatures(tenant, id) {
      const rows = await db
        .selectFrom('plan_approvals')
        .select('signatures')
        .where('tenant', '=', tenant)
        .where('plan', '=', id)
        .orderBy('at')
        .execute()
      return rows.flatMap((row) => row.signatures ?? [])
    },
    async target(tenant) {
      const [confirmed, pending] = await Promise.all([
        of(tenant)
          .where('id', '=', (eb) => eb.selectFrom('tenants').select('target').where('tenant', '=', tenant))
          .executeTakeFirst(),
        of(tenant).where('state', 'in', PENDING).orderBy('n', 'desc').limit(1).executeTakeFirst(),
      ])
      return {
        confirmed: confirmed === undefined ? null : toRecord(confirmed),
        pending: pending === undefined ? null : toRecord(pending),
      }
    },
  }
}

async function lockTenant(tx: Tx, tenant: TenantId): Promise<{ target: PlanId | null }> {
  const { rows } = await sql<{ target: PlanId | null }>`
    insert into tenants (tenant) values (${tenant})
    on conflict (tenant) do update set target = tenants.target returning target`.execute(tx)
  return rows[0]!
}

/** The system identifier and timeline tell a restored or promoted database from the one that gave the older numbers. */
async function nextGeneration(tx: Tx, tenant: TenantId): Promise<Generation> {
  const { rows } = await sql<Generation>`
    update tenants set generation = generation + 1 where tenant = ${tenant}
    returning generation as n,
      (select system_identifier::text from pg_control_system()) as system,
      (select timeline_id from pg_control_checkpoint()) as timeline`.execute(tx)
  const { system, timeline, n } = rows[0]!
  return { system, timeline, n }
}

function lockPlan(tx: Tx, tenant: TenantId, id: PlanId) {
  return tx
    .selectFrom('plans')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
}

/** Agents are followed through the newest plan under way: an older one would be applied, never confirmed, and undone. */
async function isOvertaken(tx: Tx, tenant: TenantId, n: number): Promise<boolean> {
  const newer = await tx
    .selectFrom('plans')
    .select('id')
    .where('tenant', '=', tenant)
    .where('n', '>', n)
    .where('state', 'in', PENDING)
    .limit(1)
    .executeTakeFirst()
  return newer !== undefined
}

async function move(
  context: Context,
  tx: Tx,
  tenant: TenantId,
  id: PlanId,
  to: ShiftState,
): Promise<Write<PlanRecord>> {
  const { target } = await lockTenant(tx, tenant)
  const held = await lockPlan(tx, tenant, id)
  if (held === undefined) return { ok: false, code: 'missing' }
  // What is confirmed is in force in kernels, and agents follow nothing older: a newer plan undoes it, nothing else.
  if (held.state === 'confirmed' || !mayMove(held.state as ShiftState, to)) return { ok: false, code: 'conflict' }
  if (to === 'confirmed') {
    if (held.parent !== target) return { ok: false, code: 'conflict' }
    await tx.updateTable('tenants').set({ target: id }).where('tenant', '=', tenant).execute()
  }
  await moveShiftsOf(tx, tenant, [id], to, context.clock())
  if (to === 'confirmed') {
    await adoptShifts(tx, held.plan, context.clock())
    await expireOthers(context, tx, tenant, id)
  }
  return await update(context, tx, tenant, id, { state: to })
}

/** A wish that waited under an older plan was decided again with the newer one: worn now, it must not expire with the older. */
async function adoptShifts(tx: Tx, plan: Plan, now: number): Promise<void> {
  const worn = plan.steps.flatMap(({ shift }) => (shift === null ? [] : [shift]))
  if (worn.length === 0) return
  await tx
    .updateTable('shifts')
    .set((eb) => ({ plan: plan.id, state: 'confirmed', updated_at: now, version: eb('version', '+', 1) }))
    .where('tenant', '=', plan.tenant)
    .where('id', 'in', worn)
    .where('plan', '<>', plan.id)
    .where('state', 'in', PENDING)
    .execute()
}

/** Whatever else is under way stands on a target that is no more, so it can never be confirmed. */
async function expireOthers(context: Context, tx: Tx, tenant: TenantId, id: PlanId): Promise<void> {
  const now = context.clock()
  const expired = await tx
    .updateTable('plans')
    .set((eb) => ({ state: 'expired', updated_at: now, version: eb('version', '+', 1) }))
    .where('tenant', '=', tenant)
    .where('id', '<>', id)
    .where('state', 'in', PENDING)
    .returning('id')
    .execute()
  if (expired.length === 0) return
  const ids = expired.map((row) => row.id)
  await moveShiftsOf(tx, tenant, ids, 'expired', now)
  const summary = `${id} was confirmed first`
  const audits = ids.map((object) => ({ actor: 'guise', action: 'plan.expired', object, summary }))
  await append(
    context,
    tx,
    tenant,
    audits.map((audit) => ({ entry: 'audit', audit })),
  )
}

async function withdraw(
  context: Context,
  tx: Tx,
  tenant: TenantId,
  shift: ShiftId,
): Promise<Write<readonly PlanRecord[]>> {
  await lockTenant(tx, tenant)
  const held = await tx
    .selectFrom('shifts')
    .select('state')
    .where('tenant', '=', tenant)
    .where('id', '=', shift)
    .forUpdate()
    .executeTakeFirst()
  if (held === undefined) return { ok: false, code: 'missing' }
  if (!mayMove(held.state as ShiftState, 'refused')) return { ok: false, code: 'conflict' }
  const underWay = tx.selectFrom('plans').selectAll().where('tenant', '=', tenant).where('state', 'in', PENDING)
  const carrying = (await underWay.orderBy('n').forUpdate().execute()).filter(({ plan }) =>
    plan.steps.some((step) => step.shift === shift),
  )
  if (carrying.some(({ state }) => !mayMove(state as ShiftState, 'refused'))) return { ok: false, code: 'conflict' }
  await tx
    .updateTable('shifts')
    .set((eb) => ({ state: 'refused', updated_at: context.clock(), version: eb('version', '+', 1) }))
    .where('tenant', '=', tenant)
    .where('id', '=', shift)
    .execute()
  const refused: PlanRecord[] = []
  for (const { id } of carrying) {
    // Not `move`: the other shifts that it carries are wished for still, and planned again without this one.
    const moved = await update(context, tx, tenant, id as PlanId, { state: 'refused' })
    if (moved.ok) refused.push(moved.value)
  }
  const summary = `shift ${shift} was withdrawn`
  const audits = carrying.map(({ id }) => ({ actor: 'guise', action: 'plan.refused', object: id, summary }))
  await append(
    context,
    tx,
    tenant,
    audits.map((audit) => ({ entry: 'audit', audit })),
  )
  return { ok: true, value: refused }
}

async function update(
  context: Context,
  tx: Tx,
  tenant: TenantId,
  id: PlanId,
  set: { state: ShiftState } | { approved_by: string },
): Promise<Write<PlanRecord>> {
  const row = await tx
    .updateTable('plans')
    .set((eb) => ({ ...set, updated_at: context.clock(), version: eb('version', '+', 1) }))
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return { ok: true, value: toRecord(row) }
}

function toRecord(row: Selectable<Tables['plans']>): PlanRecord {
  return {
    plan: row.plan,
    state: row.state as ShiftState,
    approvedBy: row.approved_by,
    updatedAt: row.updated_at,
    version: row.version,
  }
}
